"""CHAOS: the liver in the CT of healthy donors, and four organs in three MR sequences of every patient.

As published: `Train_Sets/CT/<patient>/DICOM_anon/*.dcm` with `Ground/liver_GT_NNN.png`, the liver being white; and
`Train_Sets/MR/<patient>/T1DUAL/DICOM_anon/InPhase` and `OutPhase`, which share `T1DUAL/Ground`, and `T2SPIR/DICOM_anon`
with `T2SPIR/Ground`. The organisers give the MR masks' grey values as ranges about 63, 126, 189 and 252.

A series is a folder of DICOM slices with a folder of PNG masks, one a slice. The trap is the slices' order. The masks go
with the DICOM files' *names*, while readers sort the slices by position: other projects' converters turn the CT set's masks
round and leave the MR set's. In the MR set a mask bears the name of its slice (of T1DUAL, whose two phases take every
second number, that of one phase's). In the CT set the masks are numbered from 0 (liver_GT_000.png), and the slices are
either numbered from 0 as well (i0000,0000b.dcm) or from 1 (IMG-0002-00001.dcm): the same number means the next slice there.
So the order of the numbers in both names is taken, never the numbers themselves. A mask's rows and columns are its slice's.

Nor do the files of all releases share one series identifier, so every file of the folder is taken.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from medxai.errors import InputError
from medxai.volume.dicom import read_dicom_slices
from medxai.volume.labelled_volume import LabelledVolume
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality

from .organ_labels import OrganLabels
from .scan import Scan, natural_key

_POSITION, _ORIENTATION = "0020|0032", "0020|0037"


@dataclass(frozen=True)
class GreyRangeOfLabel:
    """What some grey values of a mask mean: those above `lower`, up to and with `upper`, mean the label."""

    lower: int
    upper: int
    label: int


@dataclass(frozen=True)
class ChaosSeries:
    """Where a series lies.

    Attributes:
        name: of the volume.
        modality: CT or MR.
        dicom: folder of the slices.
        ground: folder of the masks.
        grey_values: what the masks' grey values mean.
    """

    name: str
    modality: Modality
    dicom: Path
    ground: Path
    grey_values: tuple[GreyRangeOfLabel, ...]

    def read(self) -> LabelledVolume:
        """See `ScanSource.read`."""
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
        """See `ScanSource.files`."""
        return self.dicom, self.ground

    def _labels(self, mask: Path) -> np.ndarray:
        grey = read_volume(mask).voxels[0]
        labels = np.zeros(grey.shape, np.uint8)
        for one in self.grey_values:
            labels[(grey > one.lower) & (grey <= one.upper)] = one.label
        return labels


_CT_LABELS = (GreyRangeOfLabel(0, 255, 1),)
_MR_LABELS = (
    GreyRangeOfLabel(55, 70, 1),
    GreyRangeOfLabel(110, 135, 2),
    GreyRangeOfLabel(175, 200, 3),
    GreyRangeOfLabel(240, 255, 4),
)
_MR_ORGANS = {1: "liver", 2: "right kidney", 3: "left kidney", 4: "spleen"}

#: Name, folder of the slices and of the masks, below the patient's.
_MR_SEQUENCES = (
    ("T1DUAL in phase", Path("T1DUAL", "DICOM_anon", "InPhase"), Path("T1DUAL", "Ground")),
    ("T1DUAL out of phase", Path("T1DUAL", "DICOM_anon", "OutPhase"), Path("T1DUAL", "Ground")),
    ("T2SPIR", Path("T2SPIR", "DICOM_anon"), Path("T2SPIR", "Ground")),
)


def chaos_ct(folder: Path, labels: OrganLabels) -> tuple[Scan, ...]:
    """Finds every patient of the CT set.

    Args:
        folder: of the data set, or Train_Sets in it.
        labels: not asked, the layout says what they mean.

    Raises:
        InputError: Where there is no patient.
    """
    return tuple(
        Scan(
            name,
            name,
            ChaosSeries(name, Modality.CT, patient / "DICOM_anon", patient / "Ground", _CT_LABELS),
            {1: "liver"},
        )
        for patient in _patient_folders(folder, "CT")
        for name in [f"CT {patient.name}"]
    )


def chaos_mr(folder: Path, labels: OrganLabels) -> tuple[Scan, ...]:
    """Finds every sequence of every patient of the MR set; see `chaos_ct`."""
    return tuple(
        Scan(
            name,
            f"MR {patient.name}",
            ChaosSeries(name, Modality.MR, patient / dicom, patient / ground, _MR_LABELS),
            _MR_ORGANS,
        )
        for patient in _patient_folders(folder, "MR")
        for sequence, dicom, ground in _MR_SEQUENCES
        for name in [f"MR {patient.name} {sequence}"]
    )


def paired(slices: list[Path], masks: list[Path]) -> dict[Path, Path]:
    """The mask of every slice.

    Slices and masks are sorted by the numbers in their names; the first belongs to the first, and so on. This also fits
    equal names.

    Args:
        slices: DICOM files.
        masks: PNG files.

    Raises:
        InputError: Where there are not as many masks as slices.
    """
    if len(slices) != len(masks):
        raise InputError(
            f"'{slices[0].parent}' has {len(slices)} DICOM slices but '{masks[0].parent}' {len(masks)} masks; fetch the missing files again."
        )
    return dict(zip(sorted(slices, key=natural_key), sorted(masks, key=natural_key), strict=True))


def by_position(slices: list[Path]) -> list[Path]:
    """The slices in their order along their common normal.

    Raises:
        InputError: Where a file cannot be read, or two slices lie in one place.
    """
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


def _patient_folders(folder: Path, modality: str) -> tuple[Path, ...]:
    """The numbered folders of `…/Train_Sets/CT` or `…/Train_Sets/MR`. Raises InputError where there is none."""
    tops = (folder, folder / "Train_Sets", folder / "CHAOS_Train_Sets", folder / "CHAOS_Train_Sets" / "Train_Sets")
    for parent in (*(top / modality for top in tops), folder):
        if parent.is_dir():
            found = sorted(
                (path for path in parent.iterdir() if path.is_dir() and path.name.isdecimal()), key=natural_key
            )
            if found:
                return tuple(found)
    raise InputError(
        f"'{folder}' holds no Train_Sets/{modality} with numbered patients, as CHAOS is published; give the folder of Train_Sets."
    )
