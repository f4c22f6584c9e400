"""A made-up CT slice with a known answer: its box, and the reference of what was painted."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medxai.slice.box import ClippedBox, PixelBox, clip_box
from medxai.slice.slice_image import SliceImage, slice_of
from medxai.volume.volume import Modality, Volume, make_volume

#: Pixels a side; the demo model's own input, so that nothing is resized and a token is 8 pixels.
SIDE_PX = 256
TOKEN_PX = 8
PIXEL_MM = 1.5
_SLICE_MM = 5.0

AIR_HU, FAT_HU, MUSCLE_HU, ORGAN_HU, BONE_HU, METAL_HU = -1000.0, -100.0, 58.0, 110.0, 500.0, 3000.0
_BODY_CENTRE_PX = (128.0, 132.0)
_TEXTURE_HU, _NOISE_HU = 8.0, 8.0


@dataclass(frozen=True)
class MadeSlice:
    """A slice and what is asked of it.

    Attributes:
        volume: of one slice, window 400/40 by default.
        image: the slice.
        box: the user's.
        reference: (rows, columns) bool, what was painted.
    """

    volume: Volume
    image: SliceImage
    box: ClippedBox
    reference: np.ndarray


def grid_px() -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres x (1, columns) and y (rows, 1)."""
    line = np.arange(SIDE_PX) + 0.5
    return line[None], line[:, None]


def ellipse(centre_px: tuple[float, float], half_px: tuple[float, float], power: float = 2.0) -> np.ndarray:
    """The pixels whose centres lie in a (super)ellipse.

    Args:
        centre_px: x and y of its centre, in pixels.
        half_px: Its half axes, in pixels.
        power: 2 for an ellipse; larger values come near to a rectangle.

    Returns:
        (rows, columns) bool.
    """
    x, y = grid_px()
    return np.abs((x - centre_px[0]) / half_px[0]) ** power + np.abs((y - centre_px[1]) / half_px[1]) ** power < 1


def empty_body() -> np.ndarray:
    """(rows, columns) HU without noise: a muscle wall filled with fat, and a spine that reaches the window's upper end.

    The spine keeps the grey values' range the same whether or not something bright is put elsewhere.
    """
    hu = np.full((SIDE_PX, SIDE_PX), AIR_HU)
    hu[ellipse(_BODY_CENTRE_PX, (116, 88), 2.4)] = FAT_HU
    hu[ellipse(_BODY_CENTRE_PX, (110, 82), 2.4)] = MUSCLE_HU
    hu[ellipse(_BODY_CENTRE_PX, (103, 75), 2.4)] = FAT_HU
    hu[ellipse((128, 194), (13, 11))] = BONE_HU
    return hu


def body_mask() -> np.ndarray:
    """(rows, columns) bool: the pixels of the body."""
    return empty_body() > AIR_HU


def scanned(hu: np.ndarray, seed: int) -> np.ndarray:
    """Painted tissue with texture, and with the scanner's blur and noise.

    Args:
        hu: (rows, columns) Hounsfield units as painted.
        seed: Of texture and noise.

    Returns:
        (rows, columns) Hounsfield units.
    """
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.standard_normal(hu.shape), 1.5)
    hu = ndimage.gaussian_filter(hu + np.where(hu > AIR_HU, texture * (_TEXTURE_HU / texture.std()), 0), 0.7)
    noise = ndimage.gaussian_filter(rng.standard_normal(hu.shape), 0.6)
    return np.clip(np.rint(hu + noise * (_NOISE_HU / noise.std())), -1024, 3071).astype(np.int16)


def made_slice(name: str, voxels: np.ndarray, box: PixelBox, reference: np.ndarray) -> MadeSlice:
    """Makes a slice of painted pixels.

    Args:
        name: of the volume.
        voxels: (rows, columns) HU as scanned, columns to the patient's left and rows to the back.
        box: the user's.
        reference: (rows, columns) bool, what was painted.
    """
    matrix = np.diag([-PIXEL_MM, -PIXEL_MM, _SLICE_MM, 1.0])
    matrix[:2, 3] = PIXEL_MM * (SIDE_PX - 1) / 2
    volume = make_volume(name, voxels[None], matrix, Modality.CT)
    image = slice_of(volume, "axial", 0)
    return MadeSlice(volume, image, clip_box(image, *box.xyxy), reference)
