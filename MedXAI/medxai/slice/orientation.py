"""A slice turned upright for the eye, as radiologists look: patient's right on the left, front (or head) at the top."""

from dataclasses import dataclass

import numpy as np

from .box import PixelBox
from .slice_image import SliceImage

_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))  # at the positive and the negative end of each RAS axis


@dataclass(frozen=True)
class ScreenOrientation:
    """How pixels[row, column] of a slice get upright: transposed first, then flipped.

    right_ras and down_ras: unit vectors (3,) of the screen's directions. letters: left, right, top, bottom.
    pixel_mm: width and height of a pixel on the screen.
    """

    transposed: bool
    flipped_columns: bool
    flipped_rows: bool
    right_ras: np.ndarray
    down_ras: np.ndarray
    letters: tuple[str, str, str, str]
    pixel_mm: tuple[float, float]

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """(rows, columns) as stored to (rows', columns') as looked at."""
        turned = pixels.T if self.transposed else pixels
        return turned[:: -1 if self.flipped_rows else 1, :: -1 if self.flipped_columns else 1]

    def upright_extent(self, box: PixelBox, shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 in pixel edges of the upright picture; shape: (rows, columns) as stored."""
        x0, y0, x1, y1 = box.extent_xyxy
        rows, columns = shape
        if self.transposed:
            x0, y0, x1, y1, rows, columns = y0, x0, y1, x1, columns, rows
        if self.flipped_columns:
            x0, x1 = columns - x1, columns - x0
        if self.flipped_rows:
            y0, y1 = rows - y1, rows - y0
        return float(x0), float(y0), float(x1), float(y1)


def screen_orientation(pixel_to_world_mm: np.ndarray) -> ScreenOrientation:
    """The upright orientation of a slice by its (4, 4) geometry in world (RAS)."""
    columns, rows = (pixel_to_world_mm[:3, n] for n in (0, 1))
    width, height = np.linalg.norm(columns), np.linalg.norm(rows)
    across, along = columns / width, rows / height
    # Of the two, the direction nearest to left-right (else to front-back) runs across the screen.
    transposed = _dominant(across) > _dominant(along)
    if transposed:
        across, along = along, across
    flipped_columns, flipped_rows = not _runs_to_lpi(across), not _runs_to_lpi(along)
    right = -across if flipped_columns else across
    down = -along if flipped_rows else along
    letters = (_letter(-right), _letter(right), _letter(-down), _letter(down))
    pixel_mm = (float(height), float(width)) if transposed else (float(width), float(height))
    return ScreenOrientation(transposed, flipped_columns, flipped_rows, right, down, letters, pixel_mm)


def orientation_of(image: SliceImage) -> ScreenOrientation:
    """The upright orientation of a slice image in its volume's own frame."""
    return screen_orientation(image.pixel_to_ras_mm)


def _dominant(direction: np.ndarray) -> int:
    return int(np.argmax(np.abs(direction)))


def _runs_to_lpi(direction: np.ndarray) -> bool:
    """Whether a direction runs to the patient's left, back or feet: what lies right or down on the screen."""
    return direction[_dominant(direction)] < 0


def _letter(direction: np.ndarray) -> str:
    axis = _dominant(direction)
    return _LETTERS[axis][0 if direction[axis] > 0 else 1]
