"""The user's region on a slice."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .slice_image import SliceImage

#: The grown box B⁺ is this much longer and wider than the box, about the same centre.
BOX_GROWTH = 0.25


@dataclass(frozen=True)
class PixelBox:
    """A box on a slice in pixel indices; the first and the last pixel belong to it.

    Attributes:
        first_column: Of the box, from 0.
        first_row: Likewise.
        last_column: Inclusive.
        last_row: Inclusive.
    """

    first_column: int
    first_row: int
    last_column: int
    last_row: int

    @property
    def area_px(self) -> int:
        return (self.last_column - self.first_column + 1) * (self.last_row - self.first_row + 1)

    @property
    def xyxy(self) -> np.ndarray:
        """(4,): x0, y0, x1, y1 as MedSAM's own pipeline takes a box, the indexes of its first and last pixels."""
        return np.array([self.first_column, self.first_row, self.last_column, self.last_row], dtype=np.float64)

    @property
    def extent_xyxy(self) -> np.ndarray:
        """(4,): the area that the box's pixels cover, in pixel edges: a one-pixel box covers one pixel."""
        return self.xyxy + [0, 0, 1, 1]  # noqa: RUF005  an array

    def mask(self, shape: tuple[int, int]) -> np.ndarray:
        """(rows, columns) bool: the pixels of the box."""
        inside = np.zeros(shape, bool)
        inside[self.first_row : self.last_row + 1, self.first_column : self.last_column + 1] = True
        return inside


@dataclass(frozen=True)
class ClippedBox:
    """A box that lies on the slice.

    Attributes:
        box: The box.
        was_clipped: Whether a part of the asked box had to be cut off.
    """

    box: PixelBox
    was_clipped: bool


def clip_box(
    image: SliceImage, first_column: float, first_row: float, last_column: float, last_row: float
) -> ClippedBox:
    """The asked box on the slice.

    Args:
        image: The slice.
        first_column: In pixels, inclusive; the others too.
        first_row: Likewise.
        last_column: Likewise.
        last_row: Likewise.

    Raises:
        InputError: Where the box is not finite, has its corners swapped, lies outside the slice, or covers only pixels
            outside the volume or without a value.
    """
    asked = np.array([first_column, first_row, last_column, last_row], dtype=float)
    if not np.isfinite(asked).all():
        raise InputError("The box has corners that are not numbers; draw it again.")
    asked = np.rint(asked).astype(int)
    rows, columns = image.shape
    x0, y0, x1, y1 = (int(v) for v in asked)
    if x1 < x0 or y1 < y0:
        raise InputError(
            f"The box ({x0}, {y0}) to ({x1}, {y1}) is empty: its last corner lies before its first; give the smaller indexes first."
        )
    if x1 < 0 or y1 < 0 or x0 >= columns or y0 >= rows:
        raise InputError(
            f"The box ({x0}, {y0}) to ({x1}, {y1}) lies outside the slice, whose indexes run from (0, 0) to ({columns - 1}, {rows - 1}); move it onto the slice."
        )
    box = PixelBox(max(x0, 0), max(y0, 0), min(x1, columns - 1), min(y1, rows - 1))
    if not image.inside[box.mask(image.shape)].any():
        raise InputError(
            "The box lies on a part of the plane that is outside the volume or holds no values; move it onto the anatomy."
        )
    return ClippedBox(box, bool((box.xyxy != asked).any()))


def grown_box(box: PixelBox, shape: tuple[int, int], growth: float = BOX_GROWTH) -> PixelBox:
    """The box with sides 1 + growth times as long about its centre, cut at the slice's edge.

    Every side moves by whole pixels, at least one: else a box of a few pixels would have no surroundings at all.

    Args:
        box: On the slice.
        shape: (rows, columns) of the slice.
        growth: By how much a side grows, as a share of its length.
    """
    columns = max(round(growth / 2 * (box.last_column - box.first_column + 1)), 1)
    rows = max(round(growth / 2 * (box.last_row - box.first_row + 1)), 1)
    return PixelBox(
        max(box.first_column - columns, 0),
        max(box.first_row - rows, 0),
        min(box.last_column + columns, shape[1] - 1),
        min(box.last_row + rows, shape[0] - 1),
    )


def box_of_mask(mask: np.ndarray) -> PixelBox:
    """The smallest box around a mask.

    Args:
        mask: (rows, columns) bool.

    Raises:
        InputError: For an empty mask.
    """
    if not mask.any():
        raise InputError(
            "The mask is empty on this slice, so there is no box around it; choose a slice where it has voxels."
        )
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return PixelBox(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))


Box = ClippedBox | PixelBox | tuple[float, float, float, float]
"""A box on the slice: checked already, in pixels, or first column, first row, last column, last row (inclusive)."""


def clipped_box(image: SliceImage, box: Box) -> ClippedBox:
    """A box on the slice, however it is given; raises what `clip_box` raises."""
    if isinstance(box, ClippedBox):
        return box
    return clip_box(image, *(box.xyxy if isinstance(box, PixelBox) else box))
