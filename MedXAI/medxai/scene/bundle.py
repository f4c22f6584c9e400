"""A result as a scene file that Slicer opens with the overlay in view; for use outside Slicer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import slicer

from ..model_input.grey import GreyRange, grey_range_of
from ..organs_on_slice import OrganExplanation
from ..results import SliceExplanation
from ..slice.slice_image import SliceImage
from ..through_slices.several import FollowedOrgan
from ..volume.plain_numbers import plain_numbers
from ..volume.volume import Volume
from . import views
from .contours import show_contour
from .geometry import matrix_of
from .headless import headless_scene, quiet_vtk, save_scene_bundle
from .organs import show_organs
from .results import show_result
from .through_slices import show_followed_organs
from .volumes import note_what_is_known


def write_scene(result: SliceExplanation, volume: Volume, path: Path) -> None:
    """Writes a .mrb with the volume, the overlays, the segmentation, the region, and the outline in its kinds; the explained slice is in view.

    Args:
        result: What was explained.
        volume: The scan.
        path: Of the file.

    Raises:
        OutputError: Where it cannot be written.
    """
    with _scene_of_volume(result.prepared.image, result.prepared.grey_range, volume, path) as (volume_node, slice_node):
        done = show_result(result, volume_node, slice_node=slice_node)
        show_contour(result, volume_node, done.folder_item)


def write_scene_of_organs(organs: Sequence[OrganExplanation], volume: Volume, path: Path) -> None:
    """The same of several organs on one slice: one segmentation, one table, and each organ's overlays, region and outline.

    Args:
        organs: On one slice.
        volume: The scan.
        path: Of the file.

    Raises:
        OutputError: Where it cannot be written.
    """
    prepared = organs[0].explanation.prepared
    with _scene_of_volume(prepared.image, prepared.grey_range, volume, path) as (volume_node, slice_node):
        done = show_organs(organs, volume_node, slice_node=slice_node)
        for one in organs:
            for node in show_contour(one.explanation, volume_node, done.folder_item).values():
                node.SetName(f"{node.GetName()} · {one.organ.name}")


def write_scene_of_followed_organs(organs: Sequence[FollowedOrgan], path: Path) -> None:
    """The same of organs through the slices: one segmentation, a volume a map and organ, a mark on each slice with an alarm.

    Args:
        organs: From one slice, which is in view.
        path: Of the file.

    Raises:
        OutputError: Where it cannot be written.
    """
    on_slice = organs[0].result.request.on_slice
    volume, image = on_slice.volume, on_slice.image
    grey_range = on_slice.grey_range or grey_range_of(volume, on_slice.window)
    with _scene_of_volume(image, grey_range, volume, path) as (volume_node, slice_node):
        show_followed_organs(organs, volume_node, slice_node)


@contextmanager
def _scene_of_volume(
    image: SliceImage, grey_range: GreyRange, volume: Volume, path: Path
) -> Iterator[tuple["slicer.vtkMRMLScalarVolumeNode", "slicer.vtkMRMLSliceNode"]]:
    """A scene with the volume in its grey range, a view on the slice, and whatever the block adds; then it is written."""
    with plain_numbers(), quiet_vtk(), headless_scene() as scene:
        volume_node = add_volume(scene, volume)
        display = volume_node.GetDisplayNode()
        display.AutoWindowLevelOff()
        display.SetWindowLevelMinMax(grey_range.lower, grey_range.upper)
        slice_node = views.slice_view(scene, views.VIEW_OF_PLANE[image.plane])
        for name in views.VIEW_OF_PLANE.values():
            views.show_overlay(views.slice_view(scene, name), volume_node, None)
        views.look_at(slice_node, volume_node, image)
        yield volume_node, slice_node
        save_scene_bundle(scene, path)


def add_volume(scene: "slicer.vtkMRMLScene", volume: Volume) -> "slicer.vtkMRMLScalarVolumeNode":
    """A volume node with a copy of the volume's voxels, in its frame.

    An '&' in its name becomes '+': scenes keep it as it is in the names of files, and cannot be opened then.

    Args:
        scene: Where the node is added.
        volume: Voxels (K, J, I) and IJK to RAS in millimetres.
    """
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", volume.name.replace("&", "+"))
    node.SetIJKToRASMatrix(matrix_of(volume.ijk_to_ras_mm))
    slicer.util.updateVolumeFromArray(node, _storable(volume.voxels))
    note_what_is_known(node, volume.facts)
    node.CreateDefaultDisplayNodes()
    return node


def _storable(voxels: np.ndarray) -> np.ndarray:
    """The voxels in a type that both VTK and the scene's files know, with the same values wherever these are exact."""
    if voxels.dtype.kind == "b":
        return voxels.astype(np.uint8)
    if voxels.dtype.kind == "f":
        return voxels if voxels.dtype.itemsize >= 4 else voxels.astype(np.float32)
    if voxels.dtype.itemsize == 1:
        return voxels if voxels.dtype.kind == "u" else voxels.astype(np.int16)
    if voxels.dtype.itemsize <= 4:
        return voxels
    fits = voxels.min() >= np.iinfo(np.int32).min and voxels.max() <= np.iinfo(np.int32).max
    return voxels.astype(np.int32 if fits else np.float64)
