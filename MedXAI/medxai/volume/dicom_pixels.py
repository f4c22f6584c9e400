"""The grey values of DICOM frames: decoded, rescaled each with its own slope and intercept, padding known as such."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from ..errors import InputError
from .dicom_frames import BROKEN_FILE, FUNCTIONAL_GROUPS, Frame, damaged
from .quiet import silent_stderr


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
        # Each by itself: a whole scan of int64 would take four times the memory of the volume.
        values.append(_compact(_rescaled(frame, stored)))
    stacked = np.stack(values) if all(v.dtype.kind == "i" for v in values) else _as_float(values)
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
    except BROKEN_FILE as error:
        raise damaged(frame.file) from error
    _check_bits(frame.file, data)
    try:
        pixels = data.pixel_array
    except (NotImplementedError, RuntimeError):
        pixels = _decoded_by_gdcm(frame.file, data)
    except BROKEN_FILE as error:
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


def _check_bits(file: Path, data: Dataset) -> None:
    """Refuses values that do not end at their lowest bit, as very old files have them: they would be scaled wrongly."""
    bits, highest = data.get("BitsStored"), data.get("HighBit")
    if bits and highest is not None and int(highest) != int(bits) - 1:
        raise InputError(
            f"'{file.name}' stores its values in an unusual way ({bits} bits below bit {highest}), which cannot be read; "
            "export the series again, or convert it with 3D Slicer first."
        )


def _decoded_by_gdcm(file: Path, data: Dataset) -> np.ndarray:
    """Stored values of a compression that pydicom has no decoder for (lossless JPEG), through SimpleITK's GDCM.

    GDCM would apply one rescale to all frames, so the copy that it reads has none.
    """
    for keyword in ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", *FUNCTIONAL_GROUPS):
        if keyword in data:
            delattr(data, keyword)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    with tempfile.TemporaryDirectory(prefix="medxai-") as folder:
        copy = Path(folder) / "image.dcm"
        try:
            data.save_as(copy)
            with silent_stderr():
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
    slope, intercept = _rescale_number(frame, "RescaleSlope", 1.0), _rescale_number(frame, "RescaleIntercept", 0.0)
    if slope == 0:
        raise InputError(
            f"'{frame.file.name}' has the rescale slope 0, which makes all its values one; export it again."
        )
    if is_inverted(frame) and not has_hounsfield_rescale(frame):
        # White means low: the stored values are turned round within their bits, so that air is dark again.
        bits = int(frame.values.get("BitsStored", 16))
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if stored.dtype.kind == "i" else (0, (1 << bits) - 1)
        stored = low + high - stored.astype(np.int64)
    if stored.dtype.kind in "iu" and slope == 1 and intercept == int(intercept):
        return stored.astype(np.int64) + int(intercept)
    return stored.astype(np.float64) * slope + intercept


def is_inverted(frame: Frame) -> bool:
    """Whether low values are meant to be shown white."""
    return str(frame.values.get("PhotometricInterpretation", "")) == "MONOCHROME1"


def has_hounsfield_rescale(frame: Frame) -> bool:
    """Whether slope and intercept make Hounsfield units of the stored values, however these are to be shown."""
    return str(frame.header.get("Modality", "")) == "CT" and frame.numbers("RescaleIntercept", 1) is not None


def _rescale_number(frame: Frame, keyword: str, otherwise: float) -> float:
    found = frame.numbers(keyword, 1)
    if found is not None:
        return float(found[0])
    held = str(frame.values.get(keyword) or "").strip()
    if held:
        raise InputError(
            f"'{frame.file.name}' has a {keyword} that is no number ('{held[:16]}'), so its values are not known; "
            "export the series again."
        )
    return otherwise


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
    """Whole numbers in the smallest of int16 and int32 that holds them; other values as float32."""
    low, high = values.min(), values.max()
    if values.dtype.kind != "i" or low < -(2**31) or high >= 2**31:
        return values.astype(np.float32)
    return values.astype(np.int16 if low >= -(2**15) and high < 2**15 else np.int32)


def _as_float(values: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([value.astype(np.float32, copy=False) for value in values])


__all__ = ["has_hounsfield_rescale", "is_inverted", "pixels_of"]
