"""The outline of a mask on the mask decoder's grid, with its place on the slice and in the patient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from ..model_input.frame import ModelFrame
from ..slice.slice_image import SliceImage
from .result import ContourCheck

#: What follows the outline is smooth over so many cells of the decoder's grid (standard deviation of a Gaussian).
SMOOTHING_CELLS = 1.0
#: A Gaussian is cut off at so many standard deviations.
_REACH = 3.0
#: So many cells around a point have a part in what is smoothed there.
_NEEDED_CELLS = int(np.ceil(_REACH * SMOOTHING_CELLS)) + 1


@dataclass(frozen=True)
class Grid:
    """The part of the decoder's grid that the slice covers, and how large its cells are.

    Attributes:
        shape: (rows, columns) of that part, a part of a cell counted as one.
        cell_px: Width and height of a cell in pixels of the slice.
        cell_mm: The same in millimetres.
        model_px_mm: Width and height of a pixel of the model's square in millimetres.
    """

    shape: tuple[int, int]
    cell_px: tuple[float, float]
    cell_mm: tuple[float, float]
    model_px_mm: tuple[float, float]

    @classmethod
    def of(cls, logits_shape: tuple[int, int], frame: ModelFrame, image: SliceImage) -> Grid:
        """The grid of logits (4h, 4w) over the model's square, on which the slice lies as the frame says."""
        (height, width), (rows, columns) = frame.content_shape, frame.slice_shape
        down, across = (frame.size_px / cells for cells in logits_shape)  # model pixels a cell
        cell_px = across * columns / width, down * rows / height
        cell_mm = cell_px[0] * image.spacing_mm[0], cell_px[1] * image.spacing_mm[1]
        shape = int(np.ceil(height / down)), int(np.ceil(width / across))
        return cls(shape, cell_px, cell_mm, (cell_mm[0] / across, cell_mm[1] / down))


@dataclass(frozen=True, eq=False)
class Outline:
    """Where a mask's logit is zero, found by marching squares (`skimage.measure.find_contours`).

    Attributes:
        grid: Of the logits.
        points: (n, 2) row and column on the grid; a cell's centre has whole numbers.
        number: (n,) which outline a point is of.
        is_closed: For each outline.
    """

    grid: Grid
    points: np.ndarray
    number: np.ndarray
    is_closed: tuple[bool, ...]

    @classmethod
    def of(cls, logits: np.ndarray, grid: Grid) -> Outline:
        """All outlines of logits (4h, 4w); none where no cell, or every cell, is above zero."""
        rows, columns = grid.shape
        found = find_contours(logits[:rows, :columns], 0.0)
        closed = tuple(bool(np.array_equal(points[0], points[-1])) for points in found)
        parts = [points[:-1] if ends_meet else points for points, ends_meet in zip(found, closed, strict=True)]
        number = np.repeat(np.arange(len(parts)), [len(points) for points in parts])
        return cls(grid, np.concatenate(parts) if parts else np.empty((0, 2)), number, closed)

    @classmethod
    def of_check(cls, check: ContourCheck, grid: Grid) -> Outline:
        """The outline that was checked on this grid, without looking for it again."""
        points = (check.points_px + 0.5) / grid.cell_px - 0.5
        return cls(grid, points[:, ::-1], check.outline, check.is_closed)

    @property
    def points_px(self) -> np.ndarray:
        """(n, 2): column and row on the slice; a pixel's centre has whole numbers."""
        return (self.points[:, ::-1] + 0.5) * self.grid.cell_px - 0.5

    @property
    def parts(self) -> Iterator[tuple[slice, bool]]:
        """Where each outline's points are among all, and whether it is closed; a noisy mask has thousands of outlines."""
        ends = np.searchsorted(self.number, np.arange(len(self.is_closed) + 1))
        for start, end, is_closed in zip(ends[:-1], ends[1:], self.is_closed, strict=True):
            yield slice(int(start), int(end)), is_closed

    def to_next_mm(self) -> np.ndarray:
        """(n,): the way from each point to the next one of its outline; from the last one to the first, closed or not."""
        placed = self.points[:, ::-1] * self.grid.cell_mm
        following = np.arange(1, len(placed) + 1)
        for part, _is_closed in self.parts:
            following[part.stop - 1] = part.start
        return np.linalg.norm(placed[following] - placed, axis=1)

    @property
    def length_mm(self) -> np.ndarray:
        """(n,): half the way to the point before and half the way to the one after."""
        after, lengths = self.to_next_mm(), np.zeros(len(self.points))
        for part, is_closed in self.parts:
            own = after[part]
            if not is_closed:
                own[-1] = 0
            lengths[part] = (own + np.roll(own, 1)) / 2
        return lengths

    def at_points(self, values: np.ndarray) -> np.ndarray:
        """(n,): values (rows, columns) on the grid, bilinearly at the outline's points."""
        return ndimage.map_coordinates(values, self.points.T, order=1, mode="nearest")

    def smoothed(self, values: np.ndarray, derivative: tuple[int, int] = (0, 0)) -> np.ndarray:
        """(n,): values (4h, 4w) smoothed by `SMOOTHING_CELLS`, or a derivative of that per cell, at the points.

        derivative: orders along rows and columns.
        """
        rows, columns = self.grid.shape
        near = self._surroundings()
        part = ndimage.gaussian_filter(
            values[:rows, :columns][near], SMOOTHING_CELLS, derivative, mode="nearest", truncate=_REACH
        )
        start = np.array([near[0].start, near[1].start])
        return ndimage.map_coordinates(part, (self.points - start).T, order=1, mode="nearest")

    def read_blocks(self, logits_shape: tuple[int, int], blocks: tuple[int, int]) -> np.ndarray:
        """(h, w) bool: which blocks of the whole grid hold a cell that `smoothed` reads.

        Args:
            logits_shape: (4h, 4w) of the whole grid.
            blocks: (h, w), how many blocks it is cut into.
        """
        sides = np.array(logits_shape) // blocks
        low = np.maximum(np.floor(self.points).astype(int) - _NEEDED_CELLS + 1, 0) // sides
        high = np.minimum(np.floor(self.points).astype(int) + _NEEDED_CELLS, np.array(logits_shape) - 1) // sides
        read = np.zeros(blocks, bool)
        steps = range(int((high - low).max(initial=-1)) + 1)
        for down, across in product(steps, steps):  # all points at once, block by block of what each of them reads
            read[tuple(np.minimum(low + np.array([down, across]), high).T)] = True
        return read

    def _surroundings(self) -> tuple[slice, slice]:
        """The part of the grid that smoothing reads: the outline's bounding box and a Gaussian's reach around it."""
        low = np.maximum(np.floor(self.points.min(axis=0)).astype(int) - _NEEDED_CELLS, 0)
        high = np.ceil(self.points.max(axis=0)).astype(int) + _NEEDED_CELLS + 1
        return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def ras_mm_of(points_px: np.ndarray, image: SliceImage) -> np.ndarray:
    """(n, 3): points (n, 2), column and row on the slice, in the patient."""
    columns, rows = points_px.T
    pixels = np.stack([columns, rows, np.zeros(len(points_px)), np.ones(len(points_px))])
    return (image.pixel_to_ras_mm @ pixels)[:3].T
