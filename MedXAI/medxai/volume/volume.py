"""A volume as MedXAI sees it: voxels, where they lie in the patient, and what kind of scan they are."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..errors import InputError


class Modality(str, Enum):
    """The kind of scan, which decides how intensities become grey values."""

    CT = "CT"
    MR = "MR"
    PICTURE = "picture"


@dataclass(frozen=True)
class Volume:
    """A scalar volume in its patient's frame.

    voxels: (K, J, I), any real dtype, Hounsfield units for CT; never written to.
    ijk_to_ras_mm: (4, 4), voxel index (i, j, k, 1) to RAS in millimetres.
    """

    name: str
    voxels: np.ndarray
    ijk_to_ras_mm: np.ndarray
    modality: Modality

    @property
    def shape_ijk(self) -> tuple[int, int, int]:
        k, j, i = self.voxels.shape
        return i, j, k

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,): edge lengths of a voxel along I, J and K."""
        return np.linalg.norm(self.ijk_to_ras_mm[:3, :3], axis=0)


def make_volume(
    name: str, voxels: np.ndarray, ijk_to_ras_mm: np.ndarray, modality: Modality | str | None = None
) -> Volume:
    """A checked `Volume`; the modality is guessed from the intensities where it is not given.

    Raises InputError for anything but a 3-D, scalar, finite, non-empty volume with an invertible geometry.
    """
    voxels = np.asarray(voxels)
    if voxels.ndim != 3 or voxels.size == 0:
        raise InputError(
            f"'{name}' has the shape {voxels.shape}, but MedXAI needs one scalar 3-D volume; "
            "pick one time point or one channel first."
        )
    if voxels.dtype.kind not in "biuf":
        raise InputError(
            f"'{name}' holds {voxels.dtype} values, but MedXAI needs real numbers; convert it to a scalar volume first."
        )
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        bad = int(np.size(voxels) - np.count_nonzero(np.isfinite(voxels)))
        raise InputError(
            f"'{name}' has {bad} voxels that are NaN or infinite; replace them (for CT by -1024) and load it again."
        )
    matrix = np.array(ijk_to_ras_mm, dtype=float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise InputError(
            f"'{name}' has no valid geometry (its IJK to RAS matrix cannot be inverted); check its spacing and directions."
        )
    matrix.setflags(write=False)
    return Volume(name, voxels, matrix, Modality(modality) if modality else guess_modality(voxels))


def guess_modality(voxels: np.ndarray) -> Modality:
    """CT where values reach far below zero as only Hounsfield units do (air is -1000), MR otherwise.

    A CT that was windowed or shifted before it was saved looks like an MR here, so callers let the user say.
    """
    return Modality.CT if float(voxels.min()) <= -200 else Modality.MR
