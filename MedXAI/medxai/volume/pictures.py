"""Pictures (PNG, JPEG, BMP, TIFF, GIF, WebP) as volumes of one slice, through Pillow; the kind is told by the content."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import InputError
from .volume import Modality, ModalitySource, ScanFacts, Volume, make_volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: Notes on what a picture cannot tell.
_UNPLACED = "A picture says neither how large a pixel is nor how it lies in the patient, so no millimetres and no letters are shown."


def read_picture(path: Path, modality: Modality | str | None = None) -> Volume:
    """A grey picture, also one stored in colour with equal channels, row by row as a slice.

    Args:
        path: Of the file.
        modality: The kind of scan; None: a picture.

    Raises:
        InputError: Where it is damaged, shows colours, or holds several pages.
    """
    try:
        with Image.open(path) as opened:
            pages = getattr(opened, "n_frames", 1)
            if pages > 1:
                raise InputError(
                    f"'{path.name}' holds {pages} pictures; save the one to be explained as a file of its own."
                )
            picture: Image.Image = opened
            has_alpha = "A" in picture.getbands() or "transparency" in picture.info
            if picture.mode in ("1", "P", "CMYK", "YCbCr", "LAB", "HSV", "PA", "La", "RGBa"):
                picture = picture.convert("L" if picture.mode == "1" else "RGBA" if has_alpha else "RGB")
            elif has_alpha and "A" not in picture.getbands():
                picture = picture.convert("RGBA" if picture.mode == "RGB" else "LA")
            channels = np.atleast_3d(np.asarray(picture))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"'{path.name}' cannot be read as a picture (damaged, truncated or of another kind); save it again as PNG."
        ) from error
    notes: tuple[str, ...] = (_UNPLACED,)
    opacity: np.ndarray | None = None
    if has_alpha:
        channels, opacity = channels[..., :-1], channels[..., -1]
    if np.any(channels != channels[..., :1]):
        raise InputError(f"'{path.name}' is a colour picture, but MedXAI explains grey slices; save it as greyscale.")
    grey = channels[..., 0]
    if opacity is not None and (opacity < 255).any():
        grey = np.rint(grey.astype(float) * (opacity / 255)).astype(np.uint8)
        notes = (*notes, "The picture has transparent pixels (an alpha channel); they are taken as black.")
    # Negative values are no shades of grey: a slice of a scan was saved as TIFF, and its kind has to be guessed.
    found = modality or (Modality.PICTURE if grey.min() >= 0 else None)
    facts = ScanFacts(
        modality_source=ModalitySource.FILE if modality is None else ModalitySource.GIVEN,
        has_known_orientation=False,
        has_known_spacing=False,
        notes=notes,
    )
    return make_volume(path.stem, np.ascontiguousarray(grey)[None], _LPS_TO_RAS, found, facts)
