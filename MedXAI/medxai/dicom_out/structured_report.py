"""The figures of a result as a DICOM structured report (TID 1500, Measurement Report)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from .objects import MANUFACTURER, Making, code, text_of_64
from .source import SourceImages

_COMMENT = DicomCode("121106", "DCM", "Comment")


@dataclass(frozen=True)
class Figure:
    """One number of the report.

    Attributes:
        name: What it is.
        value: The number.
        unit: In UCUM.
    """

    name: DicomCode
    value: float
    unit: DicomCode


def report_object(
    organ: Organ,
    figures: Sequence[Figure],
    sentences: Sequence[str],
    segmentation: highdicom.seg.Segmentation,
    source: SourceImages,
    making: Making,
) -> Comprehensive3DSR:
    """The report on one segment.

    Args:
        organ: What was segmented.
        figures: Of the segment.
        sentences: What else a reader has to know; the limits come first by themselves.
        segmentation: The object that holds the segment, number 1.
        source: The images; those that the segmentation names are named.
        making: Who made it.
    """
    images = [
        SourceImageForSegmentation(data.SOPClassUID, data.SOPInstanceUID)
        for data in source.files
        if data.SOPInstanceUID in _named(segmentation)
    ]
    measured = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(making.tracking_uid, text_of_64(f"MedXAI {organ.name}")),
        referenced_segment=ReferencedSegment(
            segmentation.SOPClassUID, segmentation.SOPInstanceUID, segment_number=1, source_images=images
        ),
        finding_type=code(organ.type),
        finding_sites=None if organ is UNNAMED else [_site(organ)],
        algorithm_id=AlgorithmIdentification(
            making.model.title, __version__, [f"weights SHA-256 {making.model.checksum_sha256}"]
        ),
        measurements=[Measurement(figure.name, figure.value, figure.unit) for figure in figures],
    )
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_device(making)),
        procedure_reported=DicomCode("363679005", "SCT", "Imaging procedure"),
        imaging_measurements=[measured],
        title=codes.DCM.ImagingMeasurementReport,
    )
    for sentence in (LIMITS_STATEMENT, *sentences):
        report[0].ContentSequence.append(
            TextContentItem(CodedConcept.from_code(_COMMENT), sentence, RelationshipTypeValues.CONTAINS)
        )
    arguments = making.arguments("report", f"MedXAI report: {organ.name}")
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
