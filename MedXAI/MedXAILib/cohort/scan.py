"""One scan of a data set with its reference organs: where it lies and what its labels mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import InputError
from ..imaging import Volume

#: Corners of the two grids may lie so far apart, in voxels: headers are stored as single floats.
_CORNER_TOLERANCE_VOXELS = 0.1


@dataclass(frozen=True)
class LabelledVolume:
    """volume: the scan. labels: (K, J, I) integers on its grid, 0 for none."""

    volume: Volume
    labels: np.ndarray


class ScanSource(Protocol):
    """Where a scan lies; it travels to other processes, so it holds paths and nothing else."""

    def read(self) -> LabelledVolume:
        """Raises InputError with a sentence where it cannot be read, or volume and reference do not fit."""
        ...

    def files(self) -> tuple[Path, ...]:
        """What it is read from, files or folders; they need not exist."""
        ...


@dataclass(frozen=True)
class Scan:
    """name: unique in the data set. patient: scans of one patient are not independent. organs: label to name."""

    name: str
    patient: str
    source: ScanSource
    organs: Mapping[int, str] = field(hash=False)


def file_signature(scan: Scan) -> list[list]:
    """Names and sizes of the scan's files: enough to notice another download, the same after copying."""
    found = []
    for path in scan.source.files():
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [[file.name, file.stat().st_size if file.is_file() else -1] for file in files]
    return found


def labelled(volume: Volume, reference: Volume) -> LabelledVolume:
    """A volume with its reference, checked. Raises InputError where the grids differ or the labels are no whole numbers."""
    if volume.voxels.shape != reference.voxels.shape or not _same_place(volume, reference):
        raise InputError(
            f"'{volume.name}' and its reference '{reference.name}' lie on different grids; resample the reference to the volume first."
        )
    labels = reference.voxels
    if labels.dtype.kind == "f":
        whole = np.rint(labels)
        if not np.array_equal(whole, labels):
            raise InputError(f"The reference '{reference.name}' holds fractions instead of labels; give the label map itself.")
        labels = whole.astype(np.int32)
    return LabelledVolume(volume, labels)


def _same_place(volume: Volume, reference: Volume) -> bool:
    size = np.array(volume.shape_ijk)
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in size], indexing="ij"), -1).reshape(-1, 3)
    apart = ((volume.ijk_to_ras_mm - reference.ijk_to_ras_mm) @ np.c_[corners, np.ones(8)].T)[:3]
    return bool(np.linalg.norm(apart, axis=0).max() <= _CORNER_TOLERANCE_VOXELS * volume.spacing_mm.min())
