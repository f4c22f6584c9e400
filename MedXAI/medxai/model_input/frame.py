"""The tensor that a model segments, and the mapping between its square and the slice. It needs numpy only."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class ModelFrame:
    """Where the slice lies in the model's square: in the top left corner.

    Attributes:
        size_px: Side of the square in pixels.
        content_shape: Rows and columns that the slice takes in the square.
        slice_shape: Rows and columns of the slice itself.
    """

    size_px: int
    content_shape: tuple[int, int]
    slice_shape: tuple[int, int]

    @property
    def enlargement(self) -> float:
        """By how much the slice is larger on the model's square than it was, along the side where this is most."""
        return max(new / old for new, old in zip(self.content_shape, self.slice_shape, strict=True))

    def scale_xyxy(self, xyxy: np.ndarray) -> np.ndarray:
        """(..., 4) slice pixel coordinates x0, y0, x1, y1 to model pixels."""
        (height, width), (rows, columns) = self.content_shape, self.slice_shape
        return np.asarray(xyxy) * np.array([width / columns, height / rows] * 2)

    def content_coverage(self, grid: tuple[int, int]) -> np.ndarray:
        """(h, w) in [0, 1]: the share of each cell of a grid over the model's square that the slice covers."""
        height, width = self.content_shape
        return box_coverage(np.array([0, 0, width, height], dtype=float), grid, self.size_px)

    def to_slice(self, values: np.ndarray) -> np.ndarray:
        """(..., h, w) on the model's square, bilinearly to (..., rows, columns) on the slice.

        For a slice that fills the square this is torch's `interpolate(mode="bilinear", align_corners=False)`, which
        MedSAM uses for its masks; the padding never bleeds in.
        """
        (height, width), (rows, columns) = self.content_shape, self.slice_shape
        h, w = values.shape[-2:]
        along_rows = _linear_taps(rows, h, height / self.size_px)
        along_columns = _linear_taps(columns, w, width / self.size_px)
        low, high, share = along_rows
        values = values[..., low, :] * (1 - share[:, None]) + values[..., high, :] * share[:, None]
        low, high, share = along_columns
        return values[..., low] * (1 - share) + values[..., high] * share


def _linear_taps(count: int, cells: int, content: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of `count` samples over the first `content` of `cells` cells: its two neighbours and the second's share."""
    used = cells * content
    centres = (np.arange(count) + 0.5) * used / count - 0.5
    centres = np.clip(centres, 0, max(np.ceil(used) - 1, 0))
    low = np.floor(centres).astype(int)
    high = np.minimum(low + 1, max(int(np.ceil(used)) - 1, 0))
    return low, high, (centres - low).astype(np.float32)


def widened(xyxy: np.ndarray, by_px: float, frame: ModelFrame) -> np.ndarray:
    """A box with each side moved outwards, but not off the slice.

    Args:
        xyxy: (4,) corners in model pixels.
        by_px: How far, in model pixels.
        frame: Where the slice lies in the square.
    """
    height, width = frame.content_shape
    return np.clip(xyxy + by_px * np.array([-1, -1, 1, 1]), 0, [width, height, width, height])


def box_coverage(extent_xyxy: np.ndarray, grid: tuple[int, int], size_px: int) -> np.ndarray:
    """The fraction of each cell that a box covers.

    It is never a hard 0 or 1, so that a box within one cell has a positive sum.

    Args:
        extent_xyxy: (4,) the box's edges in pixels of the square.
        grid: (h, w) of cells over the square.
        size_px: Side of the square.

    Returns:
        (h, w) in [0, 1].
    """
    h, w = grid
    x0, y0, x1, y1 = extent_xyxy
    rows, columns = np.arange(h) * size_px / h, np.arange(w) * size_px / w
    along_rows = np.clip(np.minimum(y1, rows + size_px / h) - np.maximum(y0, rows), 0, None) / (size_px / h)
    along_columns = np.clip(np.minimum(x1, columns + size_px / w) - np.maximum(x0, columns), 0, None) / (size_px / w)
    return np.outer(along_rows, along_columns)


@dataclass(frozen=True)
class ModelInput:
    """What the image encoder gets.

    Attributes:
        tensor_chw: (3, S, S) float32, exactly what the encoder gets.
        frame: How it maps onto the slice.
    """

    tensor_chw: np.ndarray
    frame: ModelFrame

    @cached_property
    def digest(self) -> bytes:
        """Equal for two inputs exactly if tensor and frame are. Taken once: at 1024 px it costs as much as a box's mask."""
        hashed = hashlib.blake2b(np.ascontiguousarray(self.tensor_chw).data, digest_size=16)
        hashed.update(repr((self.tensor_chw.shape, self.frame)).encode())
        return hashed.digest()
