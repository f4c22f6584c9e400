"""The mask as a DICOM segmentation (SEG)."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom
import numpy as np
from highdicom.color import CIELabColor

from .objects import Making, Structure, code, mark_limits, text_of_64
from .planes import Planes
from .source import SourceImages


def segmentation_object(
    structures: Sequence[Structure], planes: Planes, source: SourceImages, making: Making
) -> highdicom.seg.Segmentation:
    """The segmentation of one or several structures on the same planes.

    Args:
        structures: What each is, and its mask; they may overlap.
        planes: Where the masks lie.
        source: The images that they came from.
        making: Who made them.
    """
    described = [_description(number, one, making) for number, one in enumerate(structures, start=1)]
    pixels = np.stack([one.mask for one in structures], axis=-1).astype(np.uint8)
    data = highdicom.seg.Segmentation(
        source_images=list(source.of_slices(planes.slices)),
        pixel_array=pixels,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        sop_instance_uid=making.segmentation_uid,
        instance_number=1,
        content_label="SEGMENTATION",
        omit_empty_frames=bool(pixels.any()),
        **planes.as_arguments(),
        **making.arguments("segmentation", f"MedXAI segmentation: {', '.join(one.organ.name for one in structures)}"),
    )
    mark_limits(data)
    return data


def _description(number: int, structure: Structure, making: Making) -> highdicom.seg.SegmentDescription:
    organ = structure.organ
    description = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=text_of_64(organ.name),
        segmented_property_category=code(organ.category),
        segmented_property_type=code(organ.type),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=making.algorithm,
        tracking_uid=structure.tracking_uid,
        tracking_id=text_of_64(f"MedXAI {organ.name}"),
        display_color=CIELabColor.from_rgb(*organ.colour),
    )
    if organ.side is not None:
        side = highdicom.sr.CodedConcept.from_code(code(organ.side))
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    return description
