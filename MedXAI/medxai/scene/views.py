"""Slice views set up so that an explained slice is what one sees."""

import numpy as np
import slicer

from ..slice.orientation import screen_orientation
from ..slice.slice_image import SliceImage
from .geometry import matrix_of, world_from_node
from .overlays import drawn_opacity

#: The view that by Slicer's habit shows each plane.
VIEW_OF_PLANE = {"axial": "Red", "coronal": "Green", "sagittal": "Yellow", "oblique": "Red"}
OVERLAY_OPACITY = 0.6


def composite_of(slice_node: "slicer.vtkMRMLSliceNode") -> "slicer.vtkMRMLSliceCompositeNode":
    """The view's composite node: which volumes it shows, and how opaque."""
    return slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(slice_node)


def show_overlay(
    slice_node: "slicer.vtkMRMLSliceNode",
    volume_node: "slicer.vtkMRMLScalarVolumeNode",
    overlay_node: "slicer.vtkMRMLScalarVolumeNode | None",
    opacity: float = OVERLAY_OPACITY,
) -> None:
    """Shows the volume with the overlay on it in one view.

    Args:
        slice_node: The view.
        volume_node: The background.
        overlay_node: The foreground; None for the volume alone.
        opacity: Of the overlay, 0 to 1; less is drawn of one that is not told from a box over nothing.
    """
    composite = composite_of(slice_node)
    composite.SetBackgroundVolumeID(volume_node.GetID())
    composite.SetForegroundVolumeID(overlay_node.GetID() if overlay_node is not None else None)
    composite.SetForegroundOpacity(drawn_opacity(overlay_node, opacity) if overlay_node is not None else 0.0)


def look_at(
    slice_node: "slicer.vtkMRMLSliceNode", volume_node: "slicer.vtkMRMLScalarVolumeNode", image: SliceImage
) -> None:
    """Turns a view onto the slice's plane, in the radiological orientation nearest to it, all of the slice in view.

    Args:
        slice_node: The view.
        volume_node: The scan in the scene.
        image: The slice.
    """
    world_from_pixel = world_from_node(volume_node) @ image.pixel_to_ras_mm
    turned = screen_orientation(world_from_pixel)
    right = turned.right_ras
    # The view's axes are at right angles also where a transform shears the voxels.
    down = turned.down_ras - (turned.down_ras @ right) * right
    down /= np.linalg.norm(down)
    rows, columns = image.shape
    centre = world_from_pixel @ [(columns - 1) / 2, (rows - 1) / 2, 0, 1]
    view = np.eye(4)
    view[:3, 0], view[:3, 1] = right, -down
    view[:3, 2] = _as_slicer_looks(np.cross(right, down))
    view[:3, 3] = centre[:3]
    slice_node.GetSliceToRAS().DeepCopy(matrix_of(view))
    slice_node.UpdateMatrices()
    extent = _extent_mm(world_from_pixel, (rows, columns), right, down)
    width, height, _ = slice_node.GetDimensions()
    scale = max(extent[0] / max(width, 1), extent[1] / max(height, 1)) * 1.05
    slice_node.SetFieldOfView(scale * max(width, 1), scale * max(height, 1), slice_node.GetFieldOfView()[2])


def _as_slicer_looks(normal: np.ndarray) -> np.ndarray:
    """The normal along +S, +A or -R, as in Slicer's own axial, coronal and sagittal orientation."""
    axis = int(np.argmax(np.abs(normal)))
    return normal * np.sign(normal[axis]) * (-1, 1, 1)[axis]


def _extent_mm(world_from_pixel: np.ndarray, shape: tuple[int, int], right: np.ndarray, down: np.ndarray) -> np.ndarray:
    across, along = world_from_pixel[:3, 0] * shape[1], world_from_pixel[:3, 1] * shape[0]
    return np.array([abs(across @ axis) + abs(along @ axis) for axis in (right, down)])


def slice_view(scene: "slicer.vtkMRMLScene", layout_name: str) -> "slicer.vtkMRMLSliceNode | None":
    """The scene's slice view of that name ('Red', 'Green', 'Yellow'), or None."""
    return scene.GetSingletonNode(layout_name, "vtkMRMLSliceNode")
