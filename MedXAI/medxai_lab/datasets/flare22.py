"""FLARE22: 50 labelled abdominal CTs with 13 organs.

As published: `images/FLARE22_Tr_0001_0000.nii.gz` with `labels/FLARE22_Tr_0001.nii.gz`; the folders are called `imagesTr`
and `labelsTr` in copies made for nnU-Net.
"""

from pathlib import Path

from medxai.errors import InputError
from medxai.volume.volume import Modality

from .nifti_pairs import FilePair
from .organ_labels import OrganLabels
from .scan import Scan, natural_key

#: The challenge's own labels.
FLARE22_ORGANS = {
    1: "liver",
    2: "right kidney",
    3: "spleen",
    4: "pancreas",
    5: "aorta",
    6: "inferior vena cava",
    7: "right adrenal gland",
    8: "left adrenal gland",
    9: "gallbladder",
    10: "esophagus",
    11: "stomach",
    12: "duodenum",
    13: "left kidney",
}

_FOLDERS = (("images", "labels"), ("imagesTr", "labelsTr"))
_ENDING = "_0000.nii.gz"


def flare22(folder: Path, labels: OrganLabels) -> tuple[Scan, ...]:
    """Finds every image; one whose label file is missing fails when it is read.

    Args:
        folder: of the data set, or the folder that it lies in.
        labels: not asked, the layout says what they mean.

    Raises:
        InputError: Where there is no image.
    """
    images, references = _folders(folder)
    found = sorted(images.glob(f"*{_ENDING}"), key=natural_key)
    if not found:
        raise InputError(
            f"'{images}' holds no file whose name ends in {_ENDING}; give the folder of FLARE22's labelled cases."
        )
    names = [path.name.removesuffix(_ENDING) for path in found]
    return tuple(
        Scan(name, name, FilePair(path, references / f"{name}.nii.gz", Modality.CT), FLARE22_ORGANS)
        for name, path in zip(names, found, strict=True)
    )


def _folders(folder: Path) -> tuple[Path, Path]:
    for parent in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        for images, references in _FOLDERS:
            if (parent / images).is_dir() and (parent / references).is_dir():
                return parent / images, parent / references
    raise InputError(
        f"'{folder}' has no folders images and labels (or imagesTr and labelsTr), as FLARE22 is published; give the folder that holds them."
    )
