"""How far an outline moves with each edge of the box.

With ℓ(x; b) the mask's logit for a box b, the outline ℓ = 0 moves along its normal by ‖∂ℓ/∂b_e‖ / ‖∇ℓ‖ mm for each mm that
the edge e moves (first order). 0: it stays with the image. 1: it goes with the box. ∂ℓ/∂b_e is a central difference over
one cell of the decoder's grid on either side: eight boxes, decoded approximately (`segmentation.near_decoder`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model_input.frame import ModelFrame
from .outline import Outline

#: So many cells of the embedding around the boxes change with them; further off, all boxes share what they see.
_NEAR_CELLS = 2
#: An edge moves at most by this share of the box's side, so that a small box does not turn inside out.
_MOST_OF_SIDE = 0.25


@dataclass(frozen=True, eq=False)
class MovedBoxes:
    """A box with each of its edges moved down and up a little.

    Attributes:
        corners_xyxy: (8, 4) in model pixels: first edge low, first edge high, second edge low, ...
        moved_px: (4,) how far the two places of each edge lie apart, in model pixels; 0 where it could not move.
    """

    corners_xyxy: np.ndarray
    moved_px: np.ndarray

    def near_cells(self, frame: ModelFrame, grid: tuple[int, int]) -> np.ndarray:
        """(h, w) bool: which cells of an embedding with this grid lie under the boxes, or near them."""
        cell_px = np.array([frame.size_px / grid[1], frame.size_px / grid[0]])
        low = np.floor(self.corners_xyxy[:, :2].min(axis=0) / cell_px).astype(int) - _NEAR_CELLS
        high = np.floor(self.corners_xyxy[:, 2:].max(axis=0) / cell_px).astype(int) + _NEAR_CELLS
        near = np.zeros(grid, bool)
        near[max(low[1], 0) : max(high[1] + 1, 0), max(low[0], 0) : max(high[0] + 1, 0)] = True
        return near


def moved_boxes(xyxy: np.ndarray, logits_shape: tuple[int, int], frame: ModelFrame) -> MovedBoxes:
    """Moves the edges of a box (4,) in model pixels by one cell of the decoder's grid, but not off the slice."""
    height, width = frame.content_shape
    cells = np.array([frame.size_px / logits_shape[1], frame.size_px / logits_shape[0]] * 2)
    sides = np.array([xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]] * 2)
    step = np.minimum(cells, np.maximum(_MOST_OF_SIDE * sides, 0))
    most = np.array([width, height, width, height], dtype=float)
    low, high = np.maximum(xyxy - step, np.minimum(xyxy, 0)), np.minimum(xyxy + step, np.maximum(xyxy, most))
    corners = np.repeat(np.asarray(xyxy, dtype=float)[None], 8, axis=0)
    for edge in range(4):
        corners[2 * edge, edge], corners[2 * edge + 1, edge] = low[edge], high[edge]
    return MovedBoxes(corners, high - low)


def follows_box(outline: Outline, tolerance: np.ndarray, moved: MovedBoxes, moved_logits: np.ndarray) -> np.ndarray:
    """(n, 4): mm that the outline moves for each mm of each edge; never negative.

    Args:
        outline: Of the box's own logits.
        tolerance: (n,) mm per logit, 1 / ‖∇ℓ‖ of a stretch.
        moved: The moved boxes.
        moved_logits: (8, 4h, 4w), one of each moved box.
    """
    shares = []
    for edge, (low, high) in enumerate(zip(moved_logits[::2], moved_logits[1::2], strict=True)):
        moved_mm = moved.moved_px[edge] * outline.grid.model_px_mm[edge % 2]
        change = np.abs(outline.smoothed(high - low))
        shares.append(change / moved_mm * tolerance if moved_mm > 0 else np.zeros(len(tolerance)))
    return np.stack(shares, axis=1)
