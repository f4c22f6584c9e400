"""A saliency map as a DICOM parametric map: its real values as 32-bit floating point numbers."""

from __future__ import annotations

import highdicom
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import generate_uid

from ..explainers.registry import map_info
from ..limits import LIMITS_SHORT
from ..maps import MapId
from ..organ_codes import Organ
from .objects import Making, code, mark_limits, own_code, text_of_64
from .planes import Planes
from .source import SourceImages

#: The maps' unit: they are likenesses, products of unit vectors and weights, without a dimension.
_NO_UNIT = DicomCode("1", "UCUM", "no units")
#: What a map's number is, by its kind; DICOM has no code for a saliency map.
_QUANTITY = "SALIENCY"


def map_object(
    map_id: MapId,
    values: np.ndarray,
    organ: Organ,
    planes: Planes,
    source: SourceImages,
    making: Making,
) -> highdicom.pm.ParametricMap:
    """One map on its planes.

    Args:
        map_id: Which one it is.
        values: (planes, rows, columns), raw values; stored as float32.
        organ: What the map is about.
        planes: Where they lie.
        source: The images that they came from.
        making: Who made them.
    """
    pixels = np.ascontiguousarray(values, dtype=np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    info = map_info(map_id.key)
    title = f"{info.title}, {map_id.layer}" if map_id.layer else info.title
    mapping = highdicom.pm.RealWorldValueMapping(
        lut_label=_QUANTITY,
        lut_explanation=text_of_64(LIMITS_SHORT),
        unit=_NO_UNIT,
        value_range=(low, high if high > low else low + 1.0),
        slope=1.0,
        intercept=0.0,
        quantity_definition=own_code(_QUANTITY, f"Saliency: {title}"),
    )
    data = highdicom.pm.ParametricMap(
        source_images=list(source.of_slices(planes.slices)),
        pixel_array=pixels,
        sop_instance_uid=generate_uid(),
        instance_number=1,  # each map is a series of its own
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[
            highdicom.VOILUTTransformation(
                window_center=(low + high) / 2,
                window_width=max(high - low, 1e-6),
                voi_lut_function="LINEAR_EXACT",  # the plain one has no window narrower than 1
            )
        ],
        content_label="SALIENCY_MAP",
        **planes.as_arguments(),
        **making.arguments("maps", f"MedXAI {title} ({map_id})"),
    )
    _order_along_normal(data, planes)
    data.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [_anatomy(organ)]
    mark_limits(data)
    return data


def _anatomy(organ: Organ) -> Dataset:
    """Which part of the body it is, which dcmqi needs; 'unpaired' where no side is known."""
    anatomy = Dataset()
    anatomy.AnatomicRegionSequence = [highdicom.sr.CodedConcept.from_code(code(organ.type))]
    anatomy.FrameLaterality = organ.side.meaning[0] if organ.side is not None else "U"
    return anatomy


def _order_along_normal(data: highdicom.pm.ParametricMap, planes: Planes) -> None:
    """Puts the frames in their order along rows × columns: dcmqi, so Slicer, goes by it and not by each frame's place."""
    normal = np.cross(planes.row_lps, planes.column_lps)
    groups = list(data.PerFrameFunctionalGroupsSequence)
    places = np.array([group.PlanePositionSequence[0].ImagePositionPatient for group in groups], dtype=float)
    order = np.argsort(places @ normal)
    frames = np.frombuffer(data.FloatPixelData, np.float32).reshape(len(groups), -1)
    data.FloatPixelData = frames[order].tobytes()
    data.PerFrameFunctionalGroupsSequence = [groups[number] for number in order]
    for number, group in enumerate(data.PerFrameFunctionalGroupsSequence, start=1):
        group.FrameContentSequence[0].DimensionIndexValues = [number]
