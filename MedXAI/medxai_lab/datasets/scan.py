"""One scan of a data set with its reference organs: where it lies and what its labels mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from medxai.volume.labelled_volume import LabelledVolume


class ScanSource(Protocol):
    """Where a scan lies; it travels to other processes, so it holds paths and nothing else."""

    def read(self) -> LabelledVolume:
        """Reads the volume with its labels.

        Raises:
            InputError: Where it cannot be read, or volume and labels do not fit.
        """
        ...

    def files(self) -> tuple[Path, ...]:
        """What it is read from: files or folders, which need not exist."""
        ...


@dataclass(frozen=True)
class Scan:
    """A scan before it is read.

    Attributes:
        name: unique in the data set.
        patient: scans of one patient are not independent.
        source: what reads it.
        organs: label to name.
    """

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


def natural_key(path: Path) -> tuple:
    """For `sorted`: names in the order of the numbers in them, 2 before 10."""
    parts = re.split(r"(\d+)", path.name)
    return tuple(int(part) if n % 2 else part for n, part in enumerate(parts))
