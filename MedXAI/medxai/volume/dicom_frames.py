"""DICOM files as frames: one record for each image plane, whether files hold one frame each or all frames of a series."""

import struct
import zlib
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import UID

from ..errors import InputError
from .contents import start_of

#: Objects with pixels that are no scan, and objects without any.
_NOT_SCANS = {"SEG", "PR", "SR", "KO", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "DOC", "AU", "ECG"}
_LONG_VALUE = "4 KB"
#: Rows and columns that are nearer to each other than 30 degrees are nonsense.
_LEAST_SINE = 0.5
#: What pydicom raises where a value is not what its kind asks for, and where a file is damaged.
_BAD_VALUE = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, NotImplementedError),
    *(InvalidDicomError, BytesLengthException, struct.error),
)
BROKEN_FILE = (*_BAD_VALUE, OSError, EOFError, zlib.error)


@dataclass(frozen=True, eq=False)
class Frame:
    """One image plane.

    Attributes:
        file: Where it is.
        header: The file's data set, its pixels still on disk.
        number: Of the frame in its file, from 0.
        values: Attributes by keyword: the frame's own functional groups, then the shared ones, then the file's.
    """

    file: Path
    header: Dataset
    number: int
    values: Mapping[str, Any]

    def numbers(self, keyword: str, count: int) -> np.ndarray | None:
        """The numbers of an attribute.

        Args:
            keyword: DICOM's name of the attribute, for example 'PixelSpacing'.
            count: How many numbers it must have.

        Returns:
            (count,); None where the attribute is absent or holds something else.
        """
        value = self.values.get(keyword)
        if value is None:
            return None
        try:
            found = np.atleast_1d(np.array(value, dtype=float))
        except (TypeError, ValueError):
            found = _numbers_with_comma(value)
        return found if found.shape == (count,) and np.isfinite(found).all() else None

    @cached_property
    def position(self) -> np.ndarray | None:
        """(3,) LPS in mm: the centre of the first pixel."""
        return self.numbers("ImagePositionPatient", 3)

    @cached_property
    def orientation(self) -> np.ndarray | None:
        """(2, 3): unit directions, LPS, in which columns and rows count up."""
        found = self.numbers("ImageOrientationPatient", 6)
        if found is None:
            return None
        found = found.reshape(2, 3)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        # Two directions that are (nearly) one span no plane.
        if (length < 1e-3).any() or np.linalg.norm(np.cross(*(found / length))) < _LEAST_SINE:
            return None
        return found / length

    @cached_property
    def spacing(self) -> np.ndarray | None:
        """(2,): pixel height and width in mm."""
        found = self.numbers("PixelSpacing", 2)
        return None if found is None or (found <= 0).any() else found

    @property
    def thickness(self) -> float | None:
        """How thick the slice is in mm."""
        found = self.numbers("SliceThickness", 1)
        return None if found is None or found[0] <= 0 else float(found[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.values.get("Rows") or 0), int(self.values.get("Columns") or 0)

    @property
    def image_kind(self) -> tuple[str, ...]:
        """('ORIGINAL', 'PRIMARY', 'AXIAL')."""
        found = self.values.get("FrameType") or self.values.get("ImageType") or ()
        return tuple(str(part) for part in ([found] if isinstance(found, str) else found))


def frames_of_file(file: Path) -> tuple[Frame, ...]:
    """The frames of a file; none where it is no DICOM file or no scan.

    Raises:
        InputError: Where the file is DICOM but damaged.
    """
    try:
        return _frames_of(file)
    except BROKEN_FILE as error:  # pydicom converts a value when it is asked for, and fails only then
        raise damaged(file) from error


def _frames_of(file: Path) -> tuple[Frame, ...]:
    header = _header_of(file)
    if header is None or _what_it_is(header):
        return ()
    if not _has_pixels(header) or not header.get("Rows") or not header.get("Columns") or "SOPClassUID" not in header:
        raise damaged(file)
    shared = [_flat(group) for group in _groups(header, "SharedFunctionalGroupsSequence", 0)] + [_flat(header)]
    return tuple(
        Frame(
            file,
            header,
            number,
            ChainMap(*[_flat(group) for group in _groups(header, "PerFrameFunctionalGroupsSequence", number)], *shared),
        )
        for number in range(int(header.get("NumberOfFrames") or 1))
    )


def no_scan(file: Path) -> InputError:
    """The error for a DICOM file that was asked for and holds no scan."""
    header = _header_of(file)
    held = _what_it_is(header) if header is not None else ""
    if not held:
        return damaged(file)
    return InputError(f"'{file.name}' is {held}, not a scan; give the file or the folder of the series itself.")


def _what_it_is(header: Dataset) -> str:
    """What a DICOM object is that is no scan; '' for a scan, and for one that has lost its pixels."""
    if "DirectoryRecordSequence" in header:
        return "the index of a DICOM medium (DICOMDIR)"
    modality = str(header.get("Modality", ""))
    if modality in _NOT_SCANS:
        return f"a DICOM object of the kind {modality}"
    kind = str(header.get("SOPClassUID", ""))
    named = UID(kind).name if kind else ""
    is_image = "Image Storage" in named or not UID(kind).is_valid
    return "" if _has_pixels(header) or is_image else f"a DICOM object without an image ({named or kind})"


def _has_pixels(header: Dataset) -> bool:
    return any(name in header for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))


def _header_of(file: Path) -> Dataset | None:
    start = start_of(file)
    is_dicom = start[128:132] == b"DICM"
    looks_old = start[:2] == b"\x08\x00" or file.suffix.lower() in (".dcm", ".ima")
    if not (is_dicom or looks_old):
        return None
    try:
        return pydicom.dcmread(file, defer_size=_LONG_VALUE, force=not is_dicom)
    except BROKEN_FILE as error:
        raise damaged(file) from error


def without_copies(frames: Sequence[Frame]) -> tuple[list[Frame], int]:
    """The frames without copies of whole files (the same SOP instance), and how many files were copies.

    Raises:
        InputError: Where two files claim to be the same image but differ.
    """
    first: dict[str, Path] = {}
    copies: set[Path] = set()
    for frame in frames:
        uid = str(frame.header.get("SOPInstanceUID", ""))
        if not uid or first.setdefault(uid, frame.file) == frame.file or frame.file in copies:
            continue
        if not _same_pixels(first[uid], frame.file):
            raise InputError(
                f"'{first[uid].name}' and '{frame.file.name}' claim to be the same image (SOP Instance UID), but differ; "
                "remove the wrong one from the folder."
            )
        copies.add(frame.file)
    return [frame for frame in frames if frame.file not in copies], len(copies)


def _whole(file: Path) -> Dataset:
    try:
        return pydicom.dcmread(file, force=True)
    except BROKEN_FILE as error:
        raise damaged(file) from error


def _same_pixels(one: Path, other: Path) -> bool:
    a, b = (_whole(file) for file in (one, other))
    keys = ("PixelData", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
    return all(a.get(key) == b.get(key) for key in keys)


def damaged(file: Path) -> InputError:
    """The error for a DICOM file that cannot be read whole."""
    return InputError(
        f"'{file.name}' is damaged or truncated and cannot be read as DICOM; copy or export the series again."
    )


FUNCTIONAL_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")


def _groups(header: Dataset, keyword: str, number: int) -> list[Dataset]:
    found = header.get(keyword)
    return [found[number]] if found is not None and len(found) > number else []


def _numbers_with_comma(value: object) -> np.ndarray:
    """Numbers that a program wrote with its country's decimal comma; empty where they are none."""
    parts = [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence | MultiValue) else []
    try:
        return np.array([float(str(part).replace(",", ".")) for part in parts])
    except ValueError:
        return np.array([])


def _flat(data: Dataset) -> dict[str, object]:
    """Values by keyword; of sequences (the functional groups) the first item's, one step down."""
    flat: dict[str, object] = {}
    for tag in list(data.keys()):
        if tag.group == 0x7FE0 or keyword_for_tag(tag) in ("", *FUNCTIONAL_GROUPS):
            continue  # pixels stay on disk; private elements mean nothing here
        try:
            element = data[tag]
        except _BAD_VALUE:
            continue  # a value that its kind does not allow counts as absent
        if element.VR == "SQ":
            if not element.value:
                continue
            for inner in element.value[0]:
                if inner.VR != "SQ" and inner.keyword and inner.value is not None:
                    flat.setdefault(inner.keyword, inner.value)
        elif element.keyword and element.VR not in ("OB", "OW", "OF", "OD", "UN"):
            flat[element.keyword] = element.value
    return flat


__all__ = ["BROKEN_FILE", "FUNCTIONAL_GROUPS", "Frame", "damaged", "frames_of_file", "no_scan", "without_copies"]
