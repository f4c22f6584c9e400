"""The mask as a segmentation node."""

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..organ_codes import Organ
from ..slice.slice_image import OneSliceVolume, SliceImage, as_one_slice_volume
from .geometry import matrix_of

#: Green, as far from inferno's colours as a colour-blind reader can tell; drawn as an outline mostly.
_COLOUR = (0.25, 0.85, 0.55)
#: The representation in which masks are kept.
LABELMAP = "Binary labelmap"


def add_segmentation(
    volume_node: "slicer.vtkMRMLScalarVolumeNode", name: str, segment_name: str, image: SliceImage, mask: np.ndarray
) -> "slicer.vtkMRMLSegmentationNode":
    """A segmentation node with one segment, in the source's geometry and frame.

    Args:
        volume_node: The source.
        name: Of the node.
        segment_name: Of the segment.
        image: The slice.
        mask: (rows, columns) bool on the slice.
    """
    return add_segmentation_of(volume_node, name, segment_name, mask_labelmap(image, mask))


def add_segmentation_of(
    volume_node: "slicer.vtkMRMLScalarVolumeNode", name: str, segment_name: str, mask: "slicer.vtkOrientedImageData"
) -> "slicer.vtkMRMLSegmentationNode":
    """The same of a labelmap that lies in the source's frame already.

    Args:
        volume_node: The source.
        name: Of the node.
        segment_name: Of the segment.
        mask: See `placed_labelmap`.
    """
    node = empty_segmentation(volume_node, name)
    add_segment(node, segment_name, mask)
    return node


def empty_segmentation(volume_node: "slicer.vtkMRMLScalarVolumeNode", name: str) -> "slicer.vtkMRMLSegmentationNode":
    """A segmentation node in the source's geometry and frame, drawn as outlines, with no segment yet.

    Args:
        volume_node: The source.
        name: Of the node.
    """
    node = volume_node.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    node.GetSegmentation().SetSourceRepresentationName(LABELMAP)
    display = node.GetDisplayNode()
    display.SetAllSegmentsOpacity2DFill(0.15)
    display.SetAllSegmentsOpacity2DOutline(1.0)
    return node


def add_segment(
    node: "slicer.vtkMRMLSegmentationNode", name: str, mask: "slicer.vtkOrientedImageData", organ: Organ | None = None
) -> None:
    """Adds a mask to a segmentation node.

    Args:
        node: See `empty_segmentation`.
        name: Of the segment.
        mask: See `placed_labelmap`.
        organ: Gives the segment its colour and its terminology; None for the colour that stands out from the maps'.
    """
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(*(_COLOUR if organ is None else (part / 255 for part in organ.colour)))
    if organ is not None:
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), organ.terminology_entry)
    segment.AddRepresentation(LABELMAP, mask)
    node.GetSegmentation().AddSegment(segment)


def mask_labelmap(image: SliceImage, mask: np.ndarray) -> "slicer.vtkOrientedImageData":
    """A mask as a segment's binary labelmap, one slice thick, in the slice's volume's own frame.

    Args:
        image: The slice.
        mask: (rows, columns) bool.
    """
    return placed_labelmap(as_one_slice_volume(image, mask.astype(np.uint8)))


def placed_labelmap(placed: OneSliceVolume) -> "slicer.vtkOrientedImageData":
    """A segment's binary labelmap of voxels (K, J, I) uint8 that are placed already; made without the scene, so in any thread."""
    oriented = slicer.vtkOrientedImageData()
    oriented.SetDimensions(*reversed(placed.voxels.shape))
    oriented.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk_to_numpy(oriented.GetPointData().GetScalars())[:] = placed.voxels.ravel()
    oriented.SetImageToWorldMatrix(matrix_of(placed.ijk_to_ras_mm))
    return oriented
