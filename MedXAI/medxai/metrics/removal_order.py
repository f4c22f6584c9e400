"""In which order cells are hidden or shown, and how many at each point of a curve."""

import numpy as np

from ..model_input.frame import ModelFrame
from ..slice.box import PixelBox


def step_counts(cells: int, steps: int) -> np.ndarray:
    """(steps + 1,): how many of the cells are done at each point, from 0 to all, in squares: n (k / steps)².

    An organ covers some percent of a slice. In even steps the first would hide all of it, and every fair map would get
    the same curve; of 8 squared steps the first hides 1.6 %.
    """
    return np.rint(cells * (np.arange(steps + 1) / steps) ** 2).astype(int)


def highest_first(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) indexes by falling value; equal values in random order, so that a uniform map has a random order."""
    return np.lexsort((rng.random(len(values)), -values))


def nearest_first(centres_px: np.ndarray, box: PixelBox, frame: ModelFrame) -> np.ndarray:
    """(n,) indexes of cells by distance to the box; those inside it by distance to its centre, in units of its half-size."""
    x0, y0, x1, y1 = frame.scale_xyxy(box.extent_xyxy)
    centre, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    away = np.abs(centres_px - centre)
    outside = np.linalg.norm(np.clip(away - half, 0, None), axis=1)
    return np.lexsort((np.linalg.norm(away / half, axis=1), outside))
