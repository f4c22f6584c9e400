"""The figures of a result as a DICOM structured report (TID 1500, Measurement Report)."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import generate_uid

from .. import __version__
from ..limits import LIMITS_STATEMENT
from ..organ_codes import UNNAMED, Organ
from .objects import MANUFACTURER, Making, Structure, code, text_of_64
from .source import SourceImages

_COMMENT = DicomCode("121106", "DCM", "Comment")


def report_object(
    structures: Sequence[Structure],
    sentences: Sequence[str],
    segmentation: highdicom.seg.Segmentation,
    source: SourceImages,
    making: Making,
) -> Comprehensive3DSR:
    """The report on the segments.

    Args:
        structures: In the order of the segments; a group of measurements each.
        sentences: What else a reader has to know; the limits come first by themselves.
        segmentation: The object that holds the segments.
        source: The images; those that the segmentation names are named.
        making: Who made it.
    """
    measured = [
        _measurements(number, one, segmentation, source, making) for number, one in enumerate(structures, start=1)
    ]
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_device(making)),
        procedure_reported=DicomCode("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=measured,
        title=codes.DCM.ImagingMeasurementReport,
    )
    for sentence in (LIMITS_STATEMENT, *sentences):
        report[0].ContentSequence.append(
            TextContentItem(CodedConcept.from_code(_COMMENT), sentence, RelationshipTypeValues.CONTAINS)
        )
    arguments = making.arguments("report", f"MedXAI report: {', '.join(one.organ.name for one in structures)}")
    for name in ("manufacturer_model_name", "software_versions", "device_serial_number"):
        arguments.pop(name)
    return Comprehensive3DSR(
        evidence=[segmentation, *source.files],
        content=report,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        is_complete=True,
        **arguments,
    )


def _measurements(
    number: int,
    structure: Structure,
    segmentation: highdicom.seg.Segmentation,
    source: SourceImages,
    making: Making,
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    """The figures of the segment of a number."""
    organ, named = structure.organ, _named(segmentation)
    images = [
        SourceImageForSegmentation(data.SOPClassUID, data.SOPInstanceUID)
        for data in source.files
        if data.SOPInstanceUID in named
    ]
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(structure.tracking_uid, text_of_64(f"MedXAI {organ.name}")),
        referenced_segment=ReferencedSegment(
            segmentation.SOPClassUID, segmentation.SOPInstanceUID, segment_number=number, source_images=images
        ),
        finding_type=code(organ.type),
        finding_sites=None if organ.type == UNNAMED.type else [_site(organ)],
        algorithm_id=AlgorithmIdentification(
            making.model.title, __version__, [f"weights SHA-256 {making.model.checksum_sha256}"]
        ),
        measurements=[Measurement(figure.name, figure.value, figure.unit) for figure in structure.figures],
    )


def _named(segmentation: highdicom.seg.Segmentation) -> set[str]:
    return {
        instance.ReferencedSOPInstanceUID
        for series in segmentation.ReferencedSeriesSequence
        for instance in series.ReferencedInstanceSequence
    }


def _site(organ: Organ) -> FindingSite:
    return FindingSite(code(organ.type), None if organ.side is None else code(organ.side))


def _device(making: Making) -> ObserverContext:
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=generate_uid(entropy_srcs=[MANUFACTURER, __version__, making.model.checksum_sha256]),
            name="MedXAI",
            manufacturer_name=MANUFACTURER,
            model_name=text_of_64(making.model.title),
        ),
    )
