"""The slice of a volume that a slice view shows."""

import numpy as np
import slicer

from ..errors import InputError
from ..slice.slice_image import SliceImage, oblique_slice_of, slice_of
from ..volume.volume import PLANE_AXES, Volume
from .geometry import array_of, world_from_ijk, world_from_node

#: A view whose normal deviates from a voxel axis by less than this counts as aligned: 0.06 degrees.
_ALIGNED_COSINE = 1 - 5e-7


def slice_in_view(
    volume: Volume, volume_node: "slicer.vtkMRMLScalarVolumeNode", slice_node: "slicer.vtkMRMLSliceNode"
) -> SliceImage:
    """The volume's slice that a view shows, in the volume's own frame.

    Where the view is aligned with the voxels it is the nearest voxel layer, else an oblique resampling along the view's
    plane.

    Args:
        volume: The node's voxels.
        volume_node: The scan in the scene.
        slice_node: The view.

    Raises:
        InputError: Where the plane misses the volume.
    """
    world_from_view = array_of(slice_node.GetSliceToRAS())
    found = aligned_slice(volume, world_from_ijk(volume_node), world_from_view)
    if found is not None:
        return slice_of(volume, *found)
    own_from_view = np.linalg.inv(world_from_node(volume_node)) @ world_from_view
    return oblique_slice_of(volume, own_from_view)


def aligned_slice(volume: Volume, world_from_voxel: np.ndarray, world_from_view: np.ndarray) -> tuple[str, int] | None:
    """The plane and index of the voxel layer in which a view lies.

    Args:
        volume: The scan.
        world_from_voxel: (4, 4), voxel index to world in millimetres.
        world_from_view: (4, 4), the view's frame to world.

    Returns:
        None where the view is oblique to the voxels.

    Raises:
        InputError: Where the aligned view lies outside the volume.
    """
    normal = world_from_view[:3, 2] / np.linalg.norm(world_from_view[:3, 2])
    for plane, (first, second, through) in PLANE_AXES.items():
        # The layers' normal, which is the axis itself only where voxels are not sheared.
        across = np.cross(world_from_voxel[:3, first], world_from_voxel[:3, second])
        if abs(across @ normal) / np.linalg.norm(across) < _ALIGNED_COSINE:
            continue
        position = (np.linalg.inv(world_from_voxel) @ world_from_view[:, 3])[through]
        index, count = int(np.floor(position + 0.5)), volume.shape_ijk[through]
        if not 0 <= index < count:
            raise InputError(f"The view shows a plane outside '{volume.name}'; scroll into the volume.")
        return plane, index
    return None
