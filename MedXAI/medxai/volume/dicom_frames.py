"""DICOM files as frames: one record for each image plane, whether files hold one frame each or all frames of a series."""

import tempfile
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut

from ..errors import InputError

#: Objects with pixels that are no scan, and objects without any.
_NOT_SCANS = {"SEG", "PR", "SR", "KO", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "DOC", "AU", "ECG"}
_LONG_VALUE = "4 KB"


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
            return None
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
        return None if (length < 1e-3).any() else found / length

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
    header = _header_of(file)
    if header is None or "DirectoryRecordSequence" in header or str(header.get("Modality", "")) in _NOT_SCANS:
        return ()
    has_pixels = any(name in header for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
    if not has_pixels or not header.get("Rows") or not header.get("Columns") or "SOPClassUID" not in header:
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


def _header_of(file: Path) -> Dataset | None:
    with file.open("rb") as stream:
        start = stream.read(132)
    is_dicom = start[128:] == b"DICM"
    looks_old = start[:2] == b"\x08\x00" or file.suffix.lower() in (".dcm", ".ima")
    if not (is_dicom or looks_old):
        return None
    try:
        return pydicom.dcmread(file, defer_size=_LONG_VALUE, force=not is_dicom)
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError) as error:
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


def _same_pixels(one: Path, other: Path) -> bool:
    a, b = pydicom.dcmread(one), pydicom.dcmread(other)
    keys = ("PixelData", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
    return all(a.get(key) == b.get(key) for key in keys)


def pixels_of(frames: Sequence[Frame]) -> tuple[np.ndarray, np.ndarray | None]:
    """Values of frames, rescaled each with its own slope and intercept.

    Returns:
        (frames, rows, columns): whole numbers as int16 or int32, others as float32. The same shape of bool, False for
        padding, or None where there is none.

    Raises:
        InputError: Where a file is damaged, in colour, or stored in a way that cannot be read.
    """
    values: list[np.ndarray] = []
    paddings: list[np.ndarray | None] = []
    opened: tuple[Path, np.ndarray] | None = None
    for frame in frames:
        if opened is None or opened[0] != frame.file:
            opened = (frame.file, _stored(frame))
        stored = opened[1][frame.number]
        paddings.append(_padding(frame, stored))
        values.append(_rescaled(frame, stored))
    stacked = _compact(np.stack(values)) if all(v.dtype.kind == "i" for v in values) else _as_float(values)
    if all(padding is None for padding in paddings):
        return stacked, None
    kept = [np.ones(v.shape, bool) if p is None else ~p for v, p in zip(values, paddings, strict=True)]
    return stacked, np.stack(kept)


def _stored(frame: Frame) -> np.ndarray:
    """(frames, rows, columns) as stored in the frame's file."""
    try:
        data = pydicom.dcmread(frame.file, force=True)
        syntax = data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else None
        if syntax is None:
            data.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError) as error:
        raise damaged(frame.file) from error
    try:
        pixels = data.pixel_array
    except (NotImplementedError, RuntimeError):
        pixels = _decoded_by_gdcm(frame.file, data)
    except (ValueError, EOFError, AttributeError, OSError, KeyError, IndexError) as error:
        raise damaged(frame.file) from error
    if int(data.get("SamplesPerPixel", 1)) > 1:
        if np.any(pixels != pixels[..., :1]):
            raise InputError(
                f"'{frame.file.name}' is a colour image, but MedXAI explains grey slices; export the original series."
            )
        pixels = pixels[..., 0]
    if str(data.get("PhotometricInterpretation", "")).startswith("PALETTE"):
        raise InputError(
            f"'{frame.file.name}' is a colour image (with a palette), but MedXAI explains grey slices; export the original series."
        )
    return pixels[None] if pixels.ndim == 2 else pixels


def _decoded_by_gdcm(file: Path, data: Dataset) -> np.ndarray:
    """Stored values of a compression that pydicom has no decoder for (lossless JPEG), through SimpleITK's GDCM.

    GDCM would apply one rescale to all frames, so the copy that it reads has none.
    """
    for keyword in ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", *_FUNCTIONAL_GROUPS):
        if keyword in data:
            delattr(data, keyword)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    with tempfile.TemporaryDirectory(prefix="medxai-") as folder:
        copy = Path(folder) / "image.dcm"
        try:
            data.save_as(copy)
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(copy)))
        except (RuntimeError, ValueError, OSError, AttributeError) as error:
            raise InputError(
                f"'{file.name}' is damaged, or compressed in a way that cannot be read; export the series again without compression."
            ) from error
    return pixels


def _rescaled(frame: Frame, stored: np.ndarray) -> np.ndarray:
    """(rows, columns) int64 where slope and intercept keep whole numbers, else float64."""
    if "ModalityLUTSequence" in frame.header:
        return np.asarray(apply_modality_lut(stored, frame.header), dtype=np.float64)
    slopes, intercepts = (frame.numbers(key, 1) for key in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = 1.0 if slopes is None else float(slopes[0]), 0.0 if intercepts is None else float(intercepts[0])
    if slope == 0:
        raise InputError(
            f"'{frame.file.name}' has the rescale slope 0, which makes all its values one; export it again."
        )
    if str(frame.values.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        # White means low: the stored values are turned round within their bits, so that air is dark again.
        bits = int(frame.values.get("BitsStored", 16))
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if stored.dtype.kind == "i" else (0, (1 << bits) - 1)
        stored = low + high - stored.astype(np.int64)
    if stored.dtype.kind in "iu" and slope == 1 and intercept == int(intercept):
        return stored.astype(np.int64) + int(intercept)
    return stored.astype(np.float64) * slope + intercept


def _padding(frame: Frame, stored: np.ndarray) -> np.ndarray | None:
    """(rows, columns) bool: pixels that the file calls padding; None where there are none.

    A padding of 0 in anything but CT is left: it is how background is stored there, and it is left out by its value.
    """
    try:
        first = frame.values.get("PixelPaddingValue")
        last = frame.values.get("PixelPaddingRangeLimit", first)
        if first is None or (int(first) == int(last) == 0 and str(frame.header.get("Modality", "")) != "CT"):
            return None
        first, last = sorted((int(first), int(last)))
    except (TypeError, ValueError):
        return None
    if stored.dtype.kind == "i" and stored.dtype.itemsize == 2:
        first, last = sorted(int(np.array(value & 0xFFFF, np.uint16).astype(np.int16)) for value in (first, last))
    found = (stored >= first) & (stored <= last)
    return found if found.any() else None


def _compact(values: np.ndarray) -> np.ndarray:
    kind = np.int16 if values.min() >= -32768 and values.max() <= 32767 else np.int32
    return values.astype(kind)


def _as_float(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([value.astype(np.float32) for value in values])


def damaged(file: Path) -> InputError:
    """The error for a DICOM file that cannot be read whole."""
    return InputError(
        f"'{file.name}' is damaged or truncated and cannot be read as DICOM; copy or export the series again."
    )


_FUNCTIONAL_GROUPS = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")


def _groups(header: Dataset, keyword: str, number: int) -> list[Dataset]:
    found = header.get(keyword)
    return [found[number]] if found is not None and len(found) > number else []


def _flat(data: Dataset) -> dict[str, object]:
    """Values by keyword; of sequences (the functional groups) the first item's, one step down."""
    flat: dict[str, object] = {}
    for tag in list(data.keys()):
        if tag.group == 0x7FE0 or keyword_for_tag(tag) in ("", *_FUNCTIONAL_GROUPS):
            continue  # pixels stay on disk; private elements mean nothing here
        element = data[tag]
        if element.VR == "SQ":
            if not element.value:
                continue
            for inner in element.value[0]:
                if inner.VR != "SQ" and inner.keyword and inner.value is not None:
                    flat.setdefault(inner.keyword, inner.value)
        elif element.keyword and element.VR not in ("OB", "OW", "OF", "OD", "UN"):
            flat[element.keyword] = element.value
    return flat


__all__ = ["Frame", "damaged", "frames_of_file", "pixels_of", "without_copies"]
