"""A scan in one file with its labels in another."""

from dataclasses import dataclass
from pathlib import Path

from medxai.errors import InputError
from medxai.volume.labelled_volume import LabelledVolume, labelled
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality


@dataclass(frozen=True)
class FilePair:
    """modality: None where the volume's own values tell."""

    volume: Path
    reference: Path
    modality: Modality | None = None

    def read(self) -> LabelledVolume:
        if not self.reference.exists():
            raise InputError(
                f"'{self.volume.name}' has no reference '{self.reference.name}'; add it, or take the volume out of the data set."
            )
        return labelled(read_volume(self.volume, self.modality), read_volume(self.reference, Modality.PICTURE))

    def files(self) -> tuple[Path, ...]:
        return self.volume, self.reference
