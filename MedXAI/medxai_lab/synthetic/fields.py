"""Smooth random fields, used for warps, textures and bias."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F


class Grid(NamedTuple):
    """Coordinates of a scene's pixels, each (h, w) float32 in [-1, 1], or somewhat beyond where they were warped."""

    x: np.ndarray
    y: np.ndarray


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cells: float) -> np.ndarray:
    """Smooth Gaussian noise.

    Args:
        rng: Draws the values at the nodes.
        shape: (h, w).
        cells: About how many bumps a side.

    Returns:
        (h, w) float32, unit deviation at the nodes.
    """
    nodes = tuple(max(2, round(cells) + 2) for _ in shape)
    coarse = torch.from_numpy(rng.standard_normal(nodes, dtype=np.float32))[None, None]
    field = F.interpolate(coarse, size=shape, mode="bicubic", align_corners=True)
    return field[0, 0].numpy()


def unit_grid(size: int) -> Grid:
    """Pixel centres x, y (size, size) float32 in [-1, 1]."""
    line = (np.arange(size, dtype=np.float32) + 0.5) * (2.0 / size) - 1.0
    return Grid(*np.meshgrid(line, line, indexing="xy"))


def warped_grid(rng: np.random.Generator, size: int, strength: float) -> Grid:
    """`unit_grid` moved by smooth noise of two scales.

    Args:
        rng: Draws the noise.
        size: Pixels a side.
        strength: Deviation of the coarse noise, in half sides of the grid.
    """
    x, y = unit_grid(size)
    for cells, weight in ((rng.uniform(2, 4), 1.0), (rng.uniform(8, 16), 0.2)):
        x = x + weight * strength * smooth_noise(rng, (size, size), cells)
        y = y + weight * strength * smooth_noise(rng, (size, size), cells)
    return Grid(x, y)
