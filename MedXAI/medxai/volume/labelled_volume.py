"""A volume with reference organs on its own grid."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .volume import PLANE_AXES, Volume

#: Corners of the two grids may lie so far apart, in voxels: headers are stored as single floats.
_CORNER_TOLERANCE_VOXELS = 0.1


@dataclass(frozen=True)
class LabelledVolume:
    """A scan with its reference labels.

    Attributes:
        volume: The scan.
        labels: (K, J, I) integers on its grid, 0 for none.
    """

    volume: Volume
    labels: np.ndarray

    def slices(self, plane: str) -> np.ndarray:
        """(slices, rows, columns) labels, a view; `slices(plane)[index]` lie on `slice_of(volume, plane, index)`."""
        return np.moveaxis(self.labels, 2 - PLANE_AXES[plane][2], 0)


def labelled(volume: Volume, reference: Volume) -> LabelledVolume:
    """A volume with its reference, checked.

    Args:
        volume: The scan.
        reference: Its labels as voxels, on the same grid.

    Raises:
        InputError: Where the grids differ or the labels are no whole numbers.
    """
    if volume.voxels.shape != reference.voxels.shape or not _same_place(volume, reference):
        raise InputError(
            f"'{volume.name}' and its reference '{reference.name}' lie on different grids; resample the reference to the volume first."
        )
    labels = reference.voxels
    if reference.measured is not None:
        raise InputError(
            f"The reference '{reference.name}' holds voxels that are no numbers; give the label map itself, with 0 for no organ."
        )
    if labels.dtype.kind == "f":
        whole = np.rint(labels)
        if not np.array_equal(whole, labels):
            raise InputError(
                f"The reference '{reference.name}' holds fractions instead of labels; give the label map itself."
            )
        labels = whole.astype(np.int32)
    return LabelledVolume(volume, labels)


def _same_place(volume: Volume, reference: Volume) -> bool:
    size = np.array(volume.shape_ijk)
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij"), -1).reshape(-1, 3)
    apart = ((volume.ijk_to_ras_mm - reference.ijk_to_ras_mm) @ np.c_[corners, np.ones(8)].T)[:3]
    return bool(np.linalg.norm(apart, axis=0).max() <= _CORNER_TOLERANCE_VOXELS * volume.spacing_mm.min())
