"""A slice turned upright for the eye, as radiologists look: patient's right on the left, front (or head) at the top."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from .box import PixelBox
from .slice_image import CLEAR_COSINE, SliceImage

_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))  # at the positive and the negative end of each RAS axis


@dataclass(frozen=True)
class ScreenOrientation:
    """How the pixels of a slice are turned upright: transposed first, then flipped.

    Attributes:
        transposed: Whether rows and columns change places.
        flipped_columns: Whether columns are then reversed.
        flipped_rows: Whether rows are then reversed.
        right_ras: (3,) unit vector in RAS of what is right on the screen.
        down_ras: (3,) unit vector in RAS of what is down on the screen.
        letters: At the left, right, top and bottom; '' where it is not known.
        pixel_mm: Width and height of a pixel on the screen.
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

    def upright_size(self, size: tuple[float, float]) -> tuple[float, float]:
        """A width and a height on the slice as stored to those on it as looked at."""
        across, down = size
        return (down, across) if self.transposed else (across, down)

    def upright_points(self, points_px: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """(n, 2) x and y in pixel edges of the upright picture.

        Args:
            points_px: (n, 2) column and row, a pixel's centre having whole numbers.
            shape: (rows, columns) as stored.
        """
        x, y = (points_px + 0.5).T
        rows, columns = shape
        if self.transposed:
            x, y, rows, columns = y, x, columns, rows
        return np.stack([columns - x if self.flipped_columns else x, rows - y if self.flipped_rows else y], axis=1)

    def upright_extent(self, box: PixelBox, shape: tuple[int, int]) -> tuple[float, float, float, float]:
        """The edges of a box on the upright picture.

        Args:
            box: On the slice as stored.
            shape: (rows, columns) as stored.

        Returns:
            x0, y0, x1, y1 in pixel edges.
        """
        x0, y0, x1, y1 = box.extent_xyxy
        rows, columns = shape
        if self.transposed:
            x0, y0, x1, y1, rows, columns = y0, x0, y1, x1, columns, rows
        if self.flipped_columns:
            x0, x1 = columns - x1, columns - x0
        if self.flipped_rows:
            y0, y1 = rows - y1, rows - y0
        return float(x0), float(y0), float(x1), float(y1)


def screen_orientation(pixel_to_world_mm: np.ndarray, is_known: bool = True) -> ScreenOrientation:
    """The upright orientation of a slice.

    Args:
        pixel_to_world_mm: (4, 4) geometry of the slice in world (RAS).
        is_known: False where it is not known how the slice lies in the patient: it is shown as stored, without letters.
    """
    columns, rows = (pixel_to_world_mm[:3, n] for n in (0, 1))
    width, height = float(np.linalg.norm(columns)), float(np.linalg.norm(rows))
    across, along = columns / width, rows / height
    if not is_known:
        return ScreenOrientation(False, False, False, across, along, ("", "", "", ""), (width, height))
    first, second = _anatomical_axes(across, along)
    # Of the two, the direction nearest to left-right (else to front-back) runs across the screen.
    transposed = first > second
    if transposed:
        across, along, first, second = along, across, second, first
    # What lies right or down on the screen runs to the patient's left, back or feet.
    flipped_columns, flipped_rows = bool(across[first] >= 0), bool(along[second] >= 0)
    right = -across if flipped_columns else across
    down = -along if flipped_rows else along
    letters = (_letters(-right, first), _letters(right, first), _letters(-down, second), _letters(down, second))
    pixel_mm = (height, width) if transposed else (width, height)
    return ScreenOrientation(transposed, flipped_columns, flipped_rows, right, down, letters, pixel_mm)


def orientation_of(image: SliceImage) -> ScreenOrientation:
    """The upright orientation of a slice image in its volume's own frame."""
    return screen_orientation(image.pixel_to_ras_mm, image.facts.has_known_orientation)


def _anatomical_axes(across: np.ndarray, along: np.ndarray) -> tuple[int, int]:
    """The two RAS axes, never the same one, that the two directions are nearest to together."""
    return max(permutations(range(3), 2), key=lambda axes: abs(across[axes[0]]) + abs(along[axes[1]]))


def _letters(direction: np.ndarray, nearest: int) -> str:
    """'R', or the two nearest where the direction is not clearly one, the nearer first: 'RA'."""
    strength = np.abs(direction)
    order = sorted(range(3), key=lambda axis: (-round(float(strength[axis]), 6), axis != nearest))
    shown = order[: 1 if strength[order[0]] >= CLEAR_COSINE else 2]
    return "".join(_LETTERS[axis][0 if direction[axis] > 0 else 1] for axis in shown)
