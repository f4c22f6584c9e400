"""`read_volume`: a volume from a file or a DICOM folder, whatever its kind; each family of formats has a file of its own."""

import importlib
import struct
import zlib
from pathlib import Path
from types import ModuleType

from ..errors import InputError
from .contents import Kind, kind_of
from .quiet import quiet_readers
from .volume import Modality, Volume

#: The module of a kind of file and the function in it; all other kinds are ITK's.
_READERS = {
    Kind.NIFTI: ("nifti", "read_nifti"),
    Kind.NIFTI_PAIR: ("nifti", "read_nifti"),
    Kind.PICTURE: ("pictures", "read_picture"),
}
_ITK = ("itk_files", "read_with_itk")
#: What libraries raise in the middle of a file whose header promises other than what follows, beyond what each reader expects.
_DAMAGED = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, NotImplementedError),
    *(OSError, EOFError, SyntaxError, struct.error, zlib.error),
)


def read_volume(
    path: str | Path,
    modality: Modality | str | None = None,
    series: int | str | None = None,
    stack: int | None = None,
) -> Volume:
    """The volume in a file or a DICOM folder; a picture becomes a volume of one slice.

    Args:
        path: NIfTI, NRRD, MetaImage, a DICOM file, a picture, or a folder with DICOM files. Its content says which, and
            its name only where the content does not.
        modality: The kind of scan; None: what the file says, else a guess (see `Volume.modality_source`).
        series: Which series of a DICOM folder: its number as the error lists them, from 1, or its UID.
        stack: Which stack of slices of the series, as the error lists them, from 1.

    Returns:
        The volume with `notes` on all that was assumed.

    Raises:
        InputError: Where the path is missing, unreadable, truncated, in colour, or holds several volumes.
    """
    path = Path(path)
    if not _exists(path):
        raise InputError(f"There is no file or folder '{path}'; check the path.")
    try:
        with quiet_readers():
            return _read(path, modality, series, stack)
    except _DAMAGED as error:
        raise InputError(
            f"'{path.name}' cannot be read (it is damaged, or of another kind than it says); copy or export it again."
        ) from error


def _read(path: Path, modality: Modality | str | None, series: int | str | None, stack: int | None) -> Volume:
    kind = Kind.DICOM if path.is_dir() else kind_of(path)
    if kind is Kind.DICOM:
        return _family("dicom").read_dicom(path, modality, series, stack)
    if series is not None or stack is not None:
        raise InputError(f"'{path.name}' is no DICOM, so it has no series or stack to choose; leave these options out.")
    module, function = _READERS.get(kind, _ITK)
    return getattr(_family(module), function)(path, modality)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero
        return False


def _family(name: str) -> ModuleType:
    """The module for a family of formats. Loaded when it is needed: a NIfTI needs no DICOM library."""
    return importlib.import_module(f".{name}", __package__)
