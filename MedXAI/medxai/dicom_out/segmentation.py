"""The mask as a DICOM segmentation (SEG)."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom
import numpy as np
from highdicom.color import CIELabColor

from ..organ_codes import Organ
from .objects import Making, code, mark_limits, text_of_64
from .planes import Planes
from .source import SourceImages


def segmentation_object(
    masks: Sequence[tuple[Organ, np.ndarray]], planes: Planes, source: SourceImages, making: Making
) -> highdicom.seg.Segmentation:
    """The segmentation of one or several structures on the same planes.

    Args:
        masks: For each structure what it is, and its mask (planes, rows, columns) bool; structures may overlap.
        planes: Where the masks lie.
        source: The images that they came from.
        making: Who made them.
    """
    described = [_description(number, organ, making) for number, (organ, _) in enumerate(masks, start=1)]
    pixels = np.stack([mask for _, mask in masks], axis=-1).astype(np.uint8)
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
        **making.arguments("segmentation", f"MedXAI segmentation: {', '.join(organ.name for organ, _ in masks)}"),
    )
    mark_limits(data)
    return data


def _description(number: int, organ: Organ, making: Making) -> highdicom.seg.SegmentDescription:
    description = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=text_of_64(organ.name),
        segmented_property_category=code(organ.category),
        segmented_property_type=code(organ.type),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=making.algorithm,
        tracking_uid=making.tracking_uid if number == 1 else highdicom.UID(),
        tracking_id=text_of_64(f"MedXAI {organ.name}"),
        display_color=CIELabColor.from_rgb(*organ.colour),
    )
    if organ.side is not None:
        side = highdicom.sr.CodedConcept.from_code(code(organ.side))
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    return description
