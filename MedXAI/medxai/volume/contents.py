"""What a file holds, told by its first bytes: names are often wrong, and a failed download is no scan."""

import zlib
from enum import Enum, auto
from pathlib import Path

from ..errors import InputError

#: Enough for every mark below: the one of NIfTI stands at byte 344.
_START_BYTES = 1024
_GZIP = b"\x1f\x8b"
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
_NIFTI_MARKS = ((344, b"n+1\x00"), (4, b"n+2\x00"))
_PAIR_MARKS = ((344, b"ni1\x00"), (4, b"ni2\x00"))
#: DICOM of before 1993 begins with the first element of group 8, without a mark.
_OLD_DICOM = (b"\x08\x00\x00\x00", b"\x08\x00\x01\x00", b"\x08\x00\x05\x00", b"\x08\x00\x08\x00", b"\x08\x00\x16\x00")


class Kind(Enum):
    """A family of files, each with its reader; OTHER: whatever ITK may know."""

    DICOM = auto()
    NIFTI = auto()
    NIFTI_PAIR = auto()
    NRRD = auto()
    PICTURE = auto()
    OTHER = auto()


_BY_ENDING = {
    (".dcm", ".ima"): Kind.DICOM,
    (".nii", ".nii.gz"): Kind.NIFTI,
    (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".webp"): Kind.PICTURE,
}


def kind_of(path: Path) -> Kind:
    """What the file holds by its content, and by its name's ending where the content has no mark.

    Raises:
        InputError: Where the file cannot be opened, or holds what is never a scan.
    """
    start = start_of(path)
    _refuse_what_is_no_scan(path, start)
    if start[128:132] == b"DICM":
        return Kind.DICOM
    inner = unpacked_start_of(header_file_of(path))
    for marks, kind in ((_NIFTI_MARKS, Kind.NIFTI), (_PAIR_MARKS, Kind.NIFTI_PAIR)):
        if any(inner[at : at + len(mark)] == mark for at, mark in marks):
            return kind
    if start.startswith(b"NRRD"):
        return Kind.NRRD
    if start.startswith(_PICTURES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        return Kind.PICTURE
    name = path.name.lower()
    found = next((kind for endings, kind in _BY_ENDING.items() if name.endswith(endings)), Kind.OTHER)
    if found is Kind.OTHER and start.startswith(_OLD_DICOM):
        return Kind.DICOM
    if found is Kind.OTHER and start.startswith(_GZIP) and not name.endswith((".mgz", ".hdr.gz", ".img.gz")):
        raise InputError(f"'{path.name}' is compressed with gzip, and cannot be read so; unpack it first.")
    return found


def is_text(path: Path) -> bool:
    """Whether the path can be handed to libraries in C++, which want UTF-8; file systems allow any bytes."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def header_file_of(path: Path) -> Path:
    """The file with the header: that beside an .img, where there is one, else the file itself."""
    header = path.with_suffix(".hdr")
    return header if path.suffix.lower() == ".img" and header.is_file() else path


def start_of(path: Path) -> bytes:
    """The file's first bytes.

    Raises:
        InputError: Where it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(_START_BYTES)
    except OSError as error:
        raise InputError(
            f"'{path.name}' cannot be opened ({error.strerror or error}); check whether you may read it."
        ) from error


def _refuse_what_is_no_scan(path: Path, start: bytes) -> None:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        held = "is empty (0 bytes): copying or downloading it failed; get it again"
    elif text.startswith((b"<!doctype html", b"<html")):
        held = "is a web page (HTML), not a scan: the download failed; download it again"
    elif start.startswith(b"version https://git-lfs"):
        held = "is only a pointer of Git LFS to the scan; get the file itself with 'git lfs pull'"
    elif start.startswith(b"PK\x03\x04"):
        held = "is a ZIP archive, not a scan; unpack it and give the file or the folder in it"
    elif start.startswith(b"%PDF"):
        held = "is a PDF document, not a scan; give the scan itself"
    else:
        return
    raise InputError(f"'{path.name}' {held}.")


def unpacked_start_of(path: Path) -> bytes:
    """The first bytes of what a gzip stream holds (also one in another); of other files their own.

    Raises:
        InputError: Where it cannot be opened.
    """
    start = start_of(path)
    for _ in range(2):
        if not start.startswith(_GZIP):
            break
        try:
            start = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS).decompress(start, _START_BYTES)
        except zlib.error:
            break
    return start
