"""Boxes as users draw them around a mask."""

from __future__ import annotations

import numpy as np


def tight_box(mask: np.ndarray) -> np.ndarray:
    """The smallest box around a mask.

    Args:
        mask: (h, w) bool.

    Returns:
        (4,) float32 x0, y0, x1, y1; pixel i covers [i, i + 1].

    Raises:
        ValueError: For an empty mask.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("An empty mask has no box: choose a slice where the structure is present.")
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def drawn_box(rng: np.random.Generator, tight: np.ndarray, size: int) -> np.ndarray:
    """A tight box as a user would draw it on a square slice.

    A third of the boxes are 0 to 20 of 1024 pixels too large on every side (as MedSAM was trained). A third miss every
    side by up to 5 % of the box, in or out; a third by up to 5 % outwards. Many programs give the indexes of the last
    pixels instead of their far edges: a fifth of the boxes fall short at the right and the bottom by a pixel of the
    scan, which may be 2.5 of 256 here.

    Args:
        rng: Draws the errors.
        tight: (4,) x0, y0, x1, y1 in pixel edges.
        size: Pixels a side of the slice.

    Returns:
        (4,), at least a pixel large, within the slice.
    """
    sides = np.array([tight[2] - tight[0], tight[3] - tight[1]] * 2)
    kind = rng.integers(3)
    if kind == 0:
        outward = rng.uniform(0, 20 / 1024 * size, 4)
    else:
        outward = rng.uniform(-0.05 if kind == 1 else 0.0, 0.05, 4) * sides
    if rng.random() < 0.2:
        outward[2:] -= np.minimum(rng.uniform(0.3, 2.5) * size / 256, 0.15 * sides[2:])
    box = tight + outward * np.array([-1, -1, 1, 1])
    x0, y0 = np.clip(box[:2], 0, size - 1)
    x1, y1 = np.clip(box[2:], (x0 + 1, y0 + 1), size)
    return np.array([x0, y0, x1, y1], np.float32)
