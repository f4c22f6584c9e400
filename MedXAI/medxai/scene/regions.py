"""ROI nodes and boxes on a slice."""

from itertools import combinations, product

import numpy as np
import slicer

from ..errors import InputError
from ..organ_codes import ORGANS, Organ, organ_called
from ..slice.box import ClippedBox, PixelBox, clip_box
from ..slice.slice_image import SliceImage
from ..volume.volume import PLANE_AXES
from .geometry import array_of, matrix_of, world_from_ijk, world_from_node

#: Which organ a region is around, where a user has chosen one: its name in `medxai.organ_codes.ORGANS`.
_ORGAN_ATTRIBUTE = "MedXAI.Organ"


def organ_of_roi(roi_node: "slicer.vtkMRMLMarkupsROINode") -> Organ:
    """The organ that was chosen for an ROI, or that the ROI is called after; `UNNAMED` where neither says one."""
    return ORGANS.get(roi_node.GetAttribute(_ORGAN_ATTRIBUTE) or "") or organ_called(roi_node.GetName() or "")


def choose_organ_of_roi(roi_node: "slicer.vtkMRMLMarkupsROINode", name: str) -> None:
    """Notes which organ an ROI is around; '' for none."""
    if name:
        roi_node.SetAttribute(_ORGAN_ATTRIBUTE, name)
    else:
        roi_node.RemoveAttribute(_ORGAN_ATTRIBUTE)


def box_of_roi(
    roi_node: "slicer.vtkMRMLMarkupsROINode", volume_node: "slicer.vtkMRMLScalarVolumeNode", image: SliceImage
) -> ClippedBox:
    """The pixels of a slice whose centres lie in the bounding rectangle of the ROI's cut with it; at least one pixel.

    ROI rotation and both nodes' parent transforms are honoured. The slice counts as one voxel thick.

    Args:
        roi_node: In the scene, millimetres.
        volume_node: The scan in the scene.
        image: The slice of the scan.

    Raises:
        InputError: For no ROI, one that is not placed yet or has no size, or one that does not reach the slice.
    """
    if roi_node is None:
        raise InputError("No region is chosen; draw a box around the organ first.")
    if not roi_node.GetControlPointPlacementComplete() or roi_node.GetNumberOfControlPoints() == 0:
        raise InputError(f"The region '{roi_node.GetName()}' is not placed yet; draw its box on the slice.")
    world_from_node(roi_node)  # refuses a non-linear transform
    bounds = np.zeros(6)
    roi_node.GetObjectBounds(bounds)
    sides = bounds.reshape(3, 2)
    if not np.isfinite(sides).all() or np.count_nonzero(sides[:, 1] > sides[:, 0]) < 2:
        raise InputError(f"The region '{roi_node.GetName()}' has no area; draw a box around the organ.")
    corners = np.array(list(product(*sides, [1.0]))).T
    pixel_from_world = np.linalg.inv(world_from_node(volume_node) @ image.pixel_to_ras_mm)
    corners = (pixel_from_world @ array_of(roi_node.GetObjectToWorldMatrix()) @ corners)[:3].T
    cut = _cut_with_slab(corners)
    if cut.size == 0:
        raise InputError(
            f"The region '{roi_node.GetName()}' does not reach the slice that is shown; scroll to it, or move it."
        )
    low, high = cut[:, :2].min(axis=0), cut[:, :2].max(axis=0)
    first, last = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    nearest = np.floor((low + high) / 2 + 0.5)
    first, last = np.where(first > last, nearest, first), np.where(first > last, nearest, last)
    return clip_box(image, first[0], first[1], last[0], last[1])


def slices_of_roi(
    roi_node: "slicer.vtkMRMLMarkupsROINode", volume_node: "slicer.vtkMRMLScalarVolumeNode", image: SliceImage
) -> tuple[int, int]:
    """The first and the last slice of the volume, in the plane of one of its slices, whose middle the ROI reaches.

    Args:
        roi_node: In the scene, millimetres.
        volume_node: The scan in the scene.
        image: A slice of the scan along its own axes, which the ROI reaches.
    """
    bounds = np.zeros(6)
    roi_node.GetObjectBounds(bounds)
    corners = np.array(list(product(*bounds.reshape(3, 2), [1.0]))).T
    ijk = np.linalg.inv(world_from_ijk(volume_node)) @ array_of(roi_node.GetObjectToWorldMatrix()) @ corners
    along = ijk[PLANE_AXES[image.plane][2]]
    count, own = volume_node.GetImageData().GetDimensions()[PLANE_AXES[image.plane][2]], int(image.index or 0)
    first, last = int(np.ceil(along.min() - 1e-6)), int(np.floor(along.max() + 1e-6))
    return min(max(first, 0), own), max(min(last, count - 1), own)


def _cut_with_slab(corners: np.ndarray) -> np.ndarray:
    """Points that span the part of a box between z = -0.5 and z = 0.5.

    Args:
        corners: (8, 3) in pixels, ordered as a binary count, so that an edge joins two whose numbers differ in one bit.

    Returns:
        (n, 3).
    """
    half = 0.5 + 1e-6
    points = [corner for corner in corners if abs(corner[2]) <= half]
    for a, b in combinations(range(8), 2):
        if (a ^ b).bit_count() != 1:
            continue
        start, end = corners[a], corners[b]
        for level in (-half, half):
            if (start[2] - level) * (end[2] - level) < 0:
                points.append(start + (end - start) * (level - start[2]) / (end[2] - start[2]))
    return np.array(points)


def name_region(node: "slicer.vtkMRMLMarkupsROINode", name: str) -> None:
    """Names a region whatever letters the name has.

    Markups make the label of a point from a pattern in which the node's name stands for %N, and then print a number into
    the whole: a '%' in the name would be taken for another number and end the process. So the pattern has no name in it.
    """
    node.SetControlPointLabelFormat("%d")
    node.SetName(name)


def roi_of_box(
    scene: "slicer.vtkMRMLScene",
    name: str,
    box: PixelBox,
    image: SliceImage,
    volume_node: "slicer.vtkMRMLScalarVolumeNode",
) -> "slicer.vtkMRMLMarkupsROINode":
    """A new ROI node that covers exactly the box's pixels on the slice, one slice thick, under the volume's transform.

    Args:
        scene: Where the node is added.
        name: Of the node.
        box: On the slice, in pixels.
        image: The slice.
        volume_node: The scan in the scene.
    """
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    name_region(node, name)
    node.CreateDefaultDisplayNodes()
    axes = image.pixel_to_ras_mm[:3, :3] / np.linalg.norm(image.pixel_to_ras_mm[:3, :3], axis=0)
    # A box's frame has to be a rotation, also where the voxels' own axes are mirrored or sheared through the plane.
    axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    low, high = box.extent_xyxy[:2] - 0.5, box.extent_xyxy[2:] - 0.5
    centre = image.pixel_to_ras_mm @ [*((low + high) / 2), 0, 1]
    object_to_node = np.eye(4)
    object_to_node[:3, :3], object_to_node[:3, 3] = axes, centre[:3]
    width, height, thickness = image.spacing_mm
    node.SetRadiusXYZ(0, 0, 0)
    node.SetAndObserveObjectToNodeMatrix(matrix_of(object_to_node))
    node.SetSize((high[0] - low[0]) * width, (high[1] - low[1]) * height, thickness)
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    return node


def set_depth(
    roi_node: "slicer.vtkMRMLMarkupsROINode",
    volume_node: "slicer.vtkMRMLScalarVolumeNode",
    slice_node: "slicer.vtkMRMLSliceNode",
    slices: int,
) -> None:
    """Makes an ROI reach through so many slices around the view's plane, and no further.

    Slicer draws a box as deep as it is wide, which sticks far out of the scan in the other views.

    Args:
        roi_node: Its side nearest to the view's normal is set; across the view it stays as it is.
        volume_node: Whose slices count.
        slice_node: The view's plane is in the middle.
        slices: An even number counts as the next odd one, half of them on each side of the middle one.
    """
    plane = array_of(slice_node.GetSliceToRAS())
    normal, point = plane[:3, 2] / np.linalg.norm(plane[:3, 2]), plane[:3, 3]
    voxel = world_from_ijk(volume_node)[:3, :3]
    spacing = float(np.abs(normal @ voxel).max())
    object_to_world = array_of(roi_node.GetObjectToWorldMatrix())
    axis = int(np.argmax(np.abs(normal @ (object_to_world[:3, :3] / np.linalg.norm(object_to_world[:3, :3], axis=0)))))
    scale = float(np.linalg.norm(object_to_world[:3, axis]))
    size, centre = np.array(roi_node.GetSize()), np.zeros(3)
    # A little less, so that a slice which the box only touches does not count.
    size[axis] = (slices // 2 * 2 + 0.9) * spacing / scale
    roi_node.GetCenterWorld(centre)
    with slicer.util.NodeModify(roi_node):
        roi_node.SetSize(*size)
        roi_node.SetCenterWorld(*(centre + ((point - centre) @ normal) * normal))
