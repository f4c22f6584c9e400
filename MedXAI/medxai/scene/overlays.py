"""Saliency maps as overlay volumes in the scene."""

import numpy as np
import slicer

from ..display_range import DisplayRange
from ..slice.slice_image import SliceImage, as_one_slice_volume
from .geometry import matrix_of

#: Values below this share of the display range are not drawn at all, so that the anatomy stays visible.
THRESHOLD_SHARE = 0.05


def add_overlay(
    volume_node: "slicer.vtkMRMLScalarVolumeNode",
    name: str,
    image: SliceImage,
    values: np.ndarray,
    shown: DisplayRange,
    colour_node: "slicer.vtkMRMLColorTableNode",
    attributes: dict[str, str],
) -> "slicer.vtkMRMLScalarVolumeNode":
    """A float volume of exactly the explained slice, under the source's parent transform, with its raw values.

    values: (rows, columns) on the slice. shown: the raw values of the first and the last colour. attributes: written
    as 'MedXAI.<name>'. The source is kept as the node reference 'MedXAI.source'.
    """
    placed = as_one_slice_volume(image, values.astype(np.float32))
    node = volume_node.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(matrix_of(placed.ijk_to_ras_mm))
    slicer.util.updateVolumeFromArray(node, placed.voxels)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.AddNodeReferenceID("MedXAI.source", volume_node.GetID())
    for key, value in attributes.items():
        node.SetAttribute(f"MedXAI.{key}", value)
    node.CreateDefaultDisplayNodes()
    style_overlay(node, shown, colour_node)
    return node


def style_overlay(
    node: "slicer.vtkMRMLScalarVolumeNode", shown: DisplayRange, colour_node: "slicer.vtkMRMLColorTableNode"
) -> None:
    """Colour table, fixed range and threshold of an overlay; a map that says nothing is not drawn at all."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colour_node.GetID())
    display.SetInterpolate(True)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(shown.lower, shown.upper)
    span = shown.upper - shown.lower
    lowest = shown.lower + THRESHOLD_SHARE * span if shown.informative else np.finfo(np.float32).max
    display.AutoThresholdOff()
    display.SetThreshold(float(lowest), float(np.finfo(np.float32).max))
    display.ApplyThresholdOn()
