"""In which order cells are hidden or shown, and how many at each point of a curve."""

import numpy as np

from ..model_input.frame import ModelFrame
from ..slice.box import PixelBox


def step_counts(cells: int, steps: int) -> np.ndarray:
    """How many cells are done at each point of a curve, growing as squares: n (k / steps)².

    An organ covers some percent of a slice. In even steps the first would hide all of it, and every fair map would get
    the same curve; of 8 squared steps the first hides 1.6 %.

    Args:
        cells: n.
        steps: Points after the start.

    Returns:
        (steps + 1,) integers from 0 to n.
    """
    return np.rint(cells * (np.arange(steps + 1) / steps) ** 2).astype(int)


def highest_first(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indexes of values from the highest to the lowest.

    Equal values are in random order, so a uniform map has a random order.

    Args:
        values: (n,).
        rng: Orders equal values.

    Returns:
        (n,).
    """
    return np.lexsort((rng.random(len(values)), -values))


def nearest_first(centres_px: np.ndarray, box: PixelBox, frame: ModelFrame) -> np.ndarray:
    """Indexes of cells by their distance to the box.

    Cells inside the box are ordered by their distance to its centre, in units of its half-size.

    Args:
        centres_px: (n, 2) x, y in pixels of the model's square.
        box: On the slice, in pixels.
        frame: Where the slice lies in the square.

    Returns:
        (n,).
    """
    x0, y0, x1, y1 = frame.scale_xyxy(box.extent_xyxy)
    centre, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    away = np.abs(centres_px - centre)
    outside = np.linalg.norm(np.clip(away - half, 0, None), axis=1)
    return np.lexsort((np.linalg.norm(away / half, axis=1), outside))
