"""A CHAOS series: a folder of DICOM slices with a folder of PNG masks, one a slice.

The trap is the slices' order. The masks go with the DICOM files' *names*, while readers sort the slices by position: other
projects' converters turn the CT set's masks round and leave the MR set's. In the MR set a mask bears the name of its slice
(of T1DUAL, whose two phases take every second number, that of one phase's). In the CT set the masks are numbered from 0 (liver_GT_000.png), and the slices are either numbered from 0 as well
(i0000,0000b.dcm) or from 1 (IMG-0002-00001.dcm): the same number means the next slice there. So the order of
the numbers in both names is taken, never the numbers themselves. A mask's rows and columns are its slice's.

Nor do the files of all releases share one series identifier, so every file of the folder is taken.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from medxai.errors import InputError
from medxai.volume.labelled_volume import LabelledVolume
from medxai.volume.reading import read_dicom_slices, read_volume
from medxai.volume.volume import Modality

from .natural_order import natural_key

_POSITION, _ORIENTATION = "0020|0032", "0020|0037"


@dataclass(frozen=True)
class GreyRangeOfLabel:
    """A mask's grey values from above `lower` up to `upper` mean the label."""

    lower: int
    upper: int
    label: int


@dataclass(frozen=True)
class ChaosSeries:
    """name: of the volume. dicom, ground: the two folders. grey_values: what the masks' grey values mean."""

    name: str
    modality: Modality
    dicom: Path
    ground: Path
    grey_values: tuple[GreyRangeOfLabel, ...]

    def read(self) -> LabelledVolume:
        slices, masks = _files(self.dicom, "*.dcm"), _files(self.ground, "*.png")
        mask_of = paired(slices, masks)
        ordered = by_position(slices)
        volume = read_dicom_slices(ordered, self.name, self.modality)
        labels = np.stack([self._labels(mask_of[file]) for file in ordered])
        if labels.shape != volume.voxels.shape:
            raise InputError(
                f"The masks in '{self.ground}' have another size than the slices in '{self.dicom}'; take those of the same series."
            )
        return LabelledVolume(volume, labels)

    def files(self) -> tuple[Path, ...]:
        return self.dicom, self.ground

    def _labels(self, mask: Path) -> np.ndarray:
        grey = read_volume(mask).voxels[0]
        labels = np.zeros(grey.shape, np.uint8)
        for one in self.grey_values:
            labels[(grey > one.lower) & (grey <= one.upper)] = one.label
        return labels


def paired(slices: list[Path], masks: list[Path]) -> dict[Path, Path]:
    """The mask of every slice: the first by the numbers in its name to the first, and so on, which includes equal names.

    Raises InputError where their counts differ.
    """
    if len(slices) != len(masks):
        raise InputError(
            f"'{slices[0].parent}' has {len(slices)} DICOM slices but '{masks[0].parent}' {len(masks)} masks; fetch the missing files again."
        )
    return dict(zip(sorted(slices, key=natural_key), sorted(masks, key=natural_key), strict=True))


def by_position(slices: list[Path]) -> list[Path]:
    """The slices along their common normal. Raises InputError where a file is unreadable, or two lie in one place."""
    places = {file: _place_mm(file) for file in slices}
    if len(set(places.values())) < len(slices):
        raise InputError(f"Several slices in '{slices[0].parent}' lie in one place; keep one series in the folder.")
    return sorted(slices, key=places.__getitem__)


def _place_mm(file: Path) -> float:
    """The slice's position along its normal, rounded to micrometres."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
        position = np.array(reader.GetMetaData(_POSITION).split("\\"), float)
        directions = np.array(reader.GetMetaData(_ORIENTATION).split("\\"), float).reshape(2, 3)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"'{file}' cannot be read as a DICOM slice with a position; fetch it again.") from error
    return round(float(np.cross(*directions) @ position), 3)


def _files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(
            f"'{folder}' holds no {pattern[1:]} file; give a training set of CHAOS, whose test sets have no masks."
        )
    return found
