"""Saliency maps as overlay volumes in the scene."""

from collections.abc import Mapping

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..display_range import PALE, DisplayRange
from ..maps import MapId, MapInfo
from ..results import NOT_TOLD
from ..slice.slice_image import SliceImage, as_one_slice_volume
from .geometry import matrix_of

#: Values below this share of the display range are not drawn at all, so that the anatomy stays visible.
THRESHOLD_SHARE = 0.05
_LARGEST = float(np.finfo(np.float32).max)
#: The name that a node got from us; earlier versions did not note it.
_GIVEN_NAME = "MedXAI.Name"


def add_overlay(
    volume_node: "slicer.vtkMRMLScalarVolumeNode", name: str, image: SliceImage, values: np.ndarray
) -> "slicer.vtkMRMLScalarVolumeNode":
    """A float volume of exactly the explained slice, under the source's parent transform, with its raw values.

    The source is kept as the node reference 'MedXAI.source'.

    Args:
        volume_node: The source.
        name: Of the new node.
        image: The slice.
        values: (rows, columns) on the slice.
    """
    placed = as_one_slice_volume(image, values.astype(np.float32))
    return add_overlay_image(volume_node, name, image_of(placed.voxels), placed.ijk_to_ras_mm)


def image_of(values: np.ndarray) -> "vtk.vtkImageData":
    """Float voxels (K, J, I) for `add_overlay_image`; made without the scene, so in any thread.

    The values are copied by NumPy, which lets other threads run meanwhile; VTK's own copy would hold them up.
    """
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(values.shape))
    image.AllocateScalars(vtk.VTK_FLOAT, 1)
    vtk_to_numpy(image.GetPointData().GetScalars())[:] = values.ravel()
    return image


def add_overlay_image(
    volume_node: "slicer.vtkMRMLScalarVolumeNode", name: str, image: "vtk.vtkImageData", ijk_to_ras_mm: np.ndarray
) -> "slicer.vtkMRMLScalarVolumeNode":
    """An overlay that takes voxels as they are, without a copy: at once, however many there are.

    Args:
        volume_node: The source.
        name: Of the new node.
        image: See `image_of`.
        ijk_to_ras_mm: (4, 4), voxel index to RAS in millimetres.
    """
    node = volume_node.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(matrix_of(ijk_to_ras_mm))
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.AddNodeReferenceID("MedXAI.source", volume_node.GetID())
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().AutoWindowLevelOff()  # before the voxels come: else their histogram is taken, seconds for many
    node.SetAndObserveImageData(image)
    return node


def describe(node: "slicer.vtkMRMLNode", attributes: Mapping[str, str]) -> None:
    """Writes provenance into a node, each entry as the attribute 'MedXAI.<name>'."""
    for key, value in attributes.items():
        node.SetAttribute(f"MedXAI.{key}", value)


def node_name(volume_node: "slicer.vtkMRMLScalarVolumeNode", info: MapInfo, map_id: MapId) -> str:
    """What a map's node is called: the volume, the map's title and its layer.

    Args:
        volume_node: The explained scan.
        info: The kind of map.
        map_id: The map, with its layer.
    """
    return " · ".join([volume_node.GetName(), f"MedXAI {info.title}", *([map_id.layer] if map_id.layer else [])])


def segmentation_name(volume_node: "slicer.vtkMRMLScalarVolumeNode") -> str:
    """What the node of a volume's mask is called."""
    return f"{volume_node.GetName()} · MedXAI segmentation"


def give_name(node: "slicer.vtkMRMLNode", name: str) -> None:
    """Names a node of ours, unless the user has given it a name of his own."""
    given = node.GetAttribute(_GIVEN_NAME)
    is_ours = node.GetName() == given if given else "MedXAI" in node.GetName()
    if is_ours or not node.GetName():
        node.SetName(name)
        node.SetAttribute(_GIVEN_NAME, name)


def style_overlay(
    node: "slicer.vtkMRMLScalarVolumeNode", shown: DisplayRange, colour_node: "slicer.vtkMRMLColorTableNode"
) -> None:
    """Sets colour table, range and threshold of an overlay; a map that is not informative is not drawn at all.

    Args:
        node: The overlay.
        shown: The display range.
        colour_node: The colour table.
    """
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colour_node.GetID())
    display.SetInterpolate(True)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(shown.lower, shown.upper)
    display.AutoThresholdOff()
    display.SetThreshold(_lowest_drawn(shown), _LARGEST)
    display.ApplyThresholdOn()


def drawn_opacity(node: "slicer.vtkMRMLScalarVolumeNode", opacity: float) -> float:
    """The opacity that an overlay is drawn with: less where its result is not told from a box over nothing.

    Args:
        node: The overlay, with its provenance; a loaded one has it, too.
        opacity: As chosen, 0 to 1.
    """
    return opacity * (PALE if node.GetAttribute("MedXAI.Presence") == NOT_TOLD else 1.0)


def _lowest_drawn(shown: DisplayRange) -> float:
    if not shown.informative:
        return _LARGEST
    if shown.diverges:  # around 0 the colour table is clear
        return -_LARGEST
    return shown.lower + THRESHOLD_SHARE * (shown.upper - shown.lower)
