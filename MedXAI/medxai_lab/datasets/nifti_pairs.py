"""Any volumes with label maps beside them.

Either `NAME.nii.gz` with `NAME_organs.nii.gz` or `NAME_seg.nii.gz` in one folder, or `imagesTr` with `labelsTr` as nnU-Net
has them (an ending _0000 of the image is no part of its name). What the labels mean is said on the command line, or by
labels.json or dataset.json in the folder.
"""

from dataclasses import dataclass
from pathlib import Path

from medxai.errors import InputError
from medxai.volume.labelled_volume import LabelledVolume, labelled
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality

from .organ_labels import OrganLabels, read_labels
from .scan import Scan, natural_key

_ENDINGS = (".nii.gz", ".nii")
_REFERENCE_ENDINGS = ("_organs", "_seg")


@dataclass(frozen=True)
class FilePair:
    """A volume in one file with its labels in another.

    Attributes:
        volume: the volume's file.
        reference: the file of its labels.
        modality: None where the volume's own values tell.
    """

    volume: Path
    reference: Path
    modality: Modality | None = None

    def read(self) -> LabelledVolume:
        """See `ScanSource.read`."""
        if not self.reference.exists():
            raise InputError(
                f"'{self.volume.name}' has no reference '{self.reference.name}'; add it, or take the volume out of the data set."
            )
        return labelled(read_volume(self.volume, self.modality), read_volume(self.reference, Modality.PICTURE))

    def files(self) -> tuple[Path, ...]:
        """See `ScanSource.files`."""
        return self.volume, self.reference


def nifti_pairs(folder: Path, labels: OrganLabels) -> tuple[Scan, ...]:
    """Finds every pair.

    Args:
        folder: of the data set.
        labels: what the labels mean; without any, labels.json or dataset.json in the folder says so.

    Raises:
        InputError: Where there is no pair, or nothing says what a volume's labels mean.
    """
    pairs = _in_two_folders(folder) if (folder / "imagesTr").is_dir() else _side_by_side(folder)
    if not pairs:
        raise InputError(
            f"'{folder}' holds no NAME.nii.gz with NAME_organs.nii.gz or NAME_seg.nii.gz, nor imagesTr with labelsTr; give a folder that does."
        )
    known = labels if labels.by_pattern else _labels_in(folder)
    return tuple(Scan(name, name, FilePair(volume, reference), known.of(name)) for name, volume, reference in pairs)


def _side_by_side(folder: Path) -> list[tuple[str, Path, Path]]:
    stems = {_stem(path): path for path in sorted(folder.iterdir(), key=natural_key) if path.name.endswith(_ENDINGS)}
    return [
        (stem, path, stems[stem + ending])
        for stem, path in stems.items()
        for ending in _REFERENCE_ENDINGS
        if stem + ending in stems
    ]


def _in_two_folders(folder: Path) -> list[tuple[str, Path, Path]]:
    images = sorted((path for path in (folder / "imagesTr").iterdir() if path.name.endswith(_ENDINGS)), key=natural_key)
    names = [_stem(path).removesuffix("_0000") for path in images]
    return [
        (name, path, folder / "labelsTr" / (name + path.name[len(_stem(path)) :]))
        for name, path in zip(names, images, strict=True)
    ]


def _stem(path: Path) -> str:
    return next(path.name.removesuffix(ending) for ending in _ENDINGS if path.name.endswith(ending))


def _labels_in(folder: Path) -> OrganLabels:
    found = next((folder / name for name in ("labels.json", "dataset.json") if (folder / name).is_file()), None)
    return read_labels(found) if found else OrganLabels()
