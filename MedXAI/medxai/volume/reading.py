"""`read_volume`: a volume from a file or a DICOM folder, whatever its kind; each family of formats has a file of its own."""

import importlib
from pathlib import Path
from types import ModuleType

from ..errors import InputError
from .volume import Modality, Volume

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def read_volume(
    path: str | Path,
    modality: Modality | str | None = None,
    series: int | str | None = None,
    stack: int | None = None,
) -> Volume:
    """The volume in a file or a DICOM folder; a picture becomes a volume of one slice.

    Args:
        path: NIfTI, NRRD, MetaImage, a DICOM file, a picture, or a folder with DICOM files.
        modality: The kind of scan; None: what the file says, else a guess (see `Volume.modality_source`).
        series: Which series of a DICOM folder: its number as the error lists them, from 1, or its UID.
        stack: Which stack of slices of the series, as the error lists them, from 1.

    Returns:
        The volume with `notes` on all that was assumed.

    Raises:
        InputError: Where the path is missing, unreadable, truncated, in colour, or holds several volumes.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder '{path}'; check the path.")
    if path.is_dir() or _is_dicom(path):
        return _family("dicom").read_dicom(path, modality, series, stack)
    if series is not None or stack is not None:
        raise InputError(f"'{path.name}' is no DICOM, so it has no series or stack to choose; leave these options out.")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        return _family("nifti").read_nifti(path, modality)
    if path.suffix.lower() in _PICTURES:
        return _family("pictures").read_picture(path, modality)
    return _family("itk_files").read_with_itk(path, modality)


def _family(name: str) -> ModuleType:
    """The module for a family of formats. Loaded when it is needed: a NIfTI needs no DICOM library."""
    return importlib.import_module(f".{name}", __package__)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(132)
    return start[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".ima")
