"""What DICOM headers say of a stack besides its place: the modality, what the values are, and what is no volume at all."""

from collections.abc import Sequence

import numpy as np
from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from ..errors import InputError
from .dicom_frames import Frame
from .dicom_pixels import has_hounsfield_rescale, is_inverted
from .dicom_stacks import Stack
from .volume import Modality, ModalitySource

#: Kinds of scanners whose multi-frame files are films, and attributes that only films have.
_FILM_MODALITIES = {"US", "XA", "RF", "ES", "IVUS", "XC", "GM"}
_FILM_ATTRIBUTES = ("FrameTime", "FrameTimeVector", "CineRate")
_CAPTURES = {
    SecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
}
#: Rescale types that stand for Hounsfield units, or say nothing.
_HOUNSFIELD_TYPES = {"", "HU", "HU_MOD", "US"}


def notes_on_places(frames: Sequence[Frame]) -> list[str]:
    """A sentence where the images may not lie in one frame of reference."""
    known = {str(frame.header.get("FrameOfReferenceUID", "")) for frame in frames} - {""}
    if len(known) < 2:
        return []
    return [
        f"The images name {len(known)} frames of reference, so the patient may have been moved between them; "
        "their places were taken as they are."
    ]


def notes_on_values(first: Frame) -> list[str]:
    """Sentences on values that are shown the other way round, or are no Hounsfield units though a CT holds them."""
    notes = []
    if is_inverted(first) and has_hounsfield_rescale(first):
        notes.append(
            "The images ask to be shown with low values white (MONOCHROME1); their Hounsfield units were taken as they are."
        )
    unit = str(first.values.get("RescaleType") or "").strip()[:16]
    if str(first.header.get("Modality", "")) == "CT" and unit.upper() not in _HOUNSFIELD_TYPES:
        notes.append(
            f"The file says that its values are '{unit}', not Hounsfield units, so a CT window may not fit; give the window (--window) "
            "or another modality (--modality)."
        )
    return notes


def check_is_volume(stack: Stack) -> None:
    """Refuses images that hold many slices side by side, and films."""
    first = stack.frames[0]
    if "MOSAIC" in first.image_kind:
        raise InputError(
            f"'{first.file.name}' is a mosaic, one image with all slices side by side, which is no slice; convert the series first "
            "(dcm2niix or 3D Slicer do that)."
        )
    is_placed = first.position is not None and first.orientation is not None
    is_film = str(first.header.get("Modality", "")) in _FILM_MODALITIES or any(
        name in first.values for name in _FILM_ATTRIBUTES
    )
    if first.number != stack.frames[-1].number and not is_placed and is_film:
        raise InputError(
            f"'{first.file.name}' holds {len(stack.frames)} pictures taken one after another (a film), which make no volume; "
            "save one of them as a file of its own."
        )


def modality_of(frame: Frame, voxels: np.ndarray, notes: list[str]) -> tuple[Modality | None, ModalitySource]:
    """What the header says; a screenshot that calls itself CT or MR is a picture."""
    named = str(frame.header.get("Modality", "")).strip().upper()
    bits = int(frame.values.get("BitsStored", 16) or 16)
    is_capture = frame.header.get("SOPClassUID") in _CAPTURES
    is_rescaled = frame.values.get("RescaleIntercept") is not None
    # A screenshot may be stored with 16 bits, too.
    has_grey_values = bits <= 8 or (is_capture and voxels.min() >= 0 and voxels.max() <= 255)
    if has_grey_values and (is_capture or not is_rescaled or named not in ("CT", "MR", "PT")):
        if named in ("CT", "MR", "PT"):
            notes.append(
                f"The image calls itself {named}, but holds 8-bit grey values (a secondary capture or screenshot), so it is read as a picture; "
                "use the original series for measured values."
            )
        return Modality.PICTURE, ModalitySource.FILE
    if not named:
        return None, ModalitySource.GUESSED
    return {"CT": Modality.CT, "MR": Modality.MR}.get(named, Modality.OTHER), ModalitySource.FILE
