"""Scenes that are no anatomy: loose packings of any shapes, and partitions in which everything touches."""

from __future__ import annotations

import numpy as np

from .fields import Grid, smooth_noise, warped_grid
from .interiors import add_lesions, add_rim, add_vessels, add_wall
from .scene import SCENE_SIZE, Canvas, Tissue
from .shapes import Course, Placement, blob, crescent, ring, superellipse, tube
from .torso import clear_gap

#: The kinds of `_random_shape` that have no core: nothing can be put behind a rim or a wall.
_WITHOUT_CORE = (2, 3)


def packing(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws any shape anywhere: convex, crescent, ring, tube, thin, nested, touching, with holes."""
    grid = warped_grid(rng, SCENE_SIZE, rng.uniform(0.0, 0.12))
    allowed = np.ones(grid.x.shape, bool)
    background = 0
    if rng.random() < 0.7:
        outline = blob(rng, grid, Placement(0, 0, rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0), 0), 0.15)
        allowed = outline < 0
        background = canvas.add(allowed, Tissue.FAT, target=False) or 0
    scale = np.exp(rng.uniform(np.log(0.5), np.log(2.0)))
    tissues = (Tissue.ORGAN, Tissue.FLUID, Tissue.VESSEL, Tissue.MUSCLE, Tissue.LESION, Tissue.BONE)
    for _ in range(rng.integers(3, 26)):
        kind, level = _random_shape(rng, grid, scale)
        mask = (level < 0) & allowed
        clear_gap(rng, canvas, mask, (allowed, background), 0.3)
        label = canvas.add(mask, tissues[rng.integers(len(tissues))])
        if label is not None:
            _fill(rng, canvas, label, (kind, level, background), grid)


def _random_shape(rng: np.random.Generator, grid: Grid, scale: float) -> tuple[int, np.ndarray]:
    """The number of its kind, and its level (h, w)."""
    cx, cy = rng.uniform(-0.85, 0.85, 2)
    size = min(0.7, scale * np.exp(rng.uniform(np.log(0.04), np.log(0.45))))
    other = size * rng.uniform(0.4, 1.6)
    angle = rng.uniform(0, 2 * np.pi)
    place = Placement(cx, cy, size, other, angle)
    kind = int(rng.choice(6, p=(0.3, 0.25, 0.2, 0.1, 0.1, 0.05)))
    if kind == 0:
        return kind, blob(rng, grid, place, rng.uniform(0.05, 0.6))
    if kind == 1:
        return kind, crescent(rng, grid, place)
    if kind == 2:
        return kind, tube(rng, grid, Course(cx, cy, 3 * size, rng.uniform(0.1, 0.5) * size, angle, 1.2))
    if kind == 3:
        return kind, ring(blob(rng, grid, place), rng.uniform(0.1, 0.5))
    if kind == 4:
        return kind, superellipse(grid, place, rng.uniform(2, 5))
    return kind, np.minimum(
        blob(rng, grid, place, 0.3),
        blob(
            rng,
            grid,
            Placement(cx + rng.normal() * size, cy + rng.normal() * size, size, other, angle + 1),
            0.3,
        ),
    )


def _fill(rng: np.random.Generator, canvas: Canvas, label: int, shape: tuple[int, np.ndarray, int], grid: Grid) -> None:
    """Puts something into about half of the shapes. shape: its kind, its level (h, w), and the label around it."""
    kind, level, background = shape
    inside = rng.random()
    if inside < 0.15:
        add_lesions(rng, canvas, label, grid)
    elif inside < 0.3:
        add_vessels(rng, canvas, label, grid)
    elif inside < 0.4 and kind not in _WITHOUT_CORE:
        add_wall(rng, canvas, label, level)
    elif inside < 0.5 and kind not in _WITHOUT_CORE:
        add_rim(rng, canvas, label, level)
    elif inside < 0.55:
        hole = (level < -rng.uniform(0.4, 0.7)) & canvas.region(label)
        canvas.labels[hole] = background


def partition(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws the plane cut into regions by competing noise fields: everything touches."""
    grid = warped_grid(rng, SCENE_SIZE, 0.05)
    allowed = np.ones(grid.x.shape, bool)
    if rng.random() < 0.6:
        allowed = superellipse(grid, Placement(0, 0, rng.uniform(0.6, 1), rng.uniform(0.6, 1), 0), 2.5) < 0
        canvas.add(allowed, Tissue.FAT, target=False)
    cells = np.exp(rng.uniform(np.log(3), np.log(11)))
    count = int(rng.integers(3, 12))
    fields = np.stack([smooth_noise(rng, grid.x.shape, cells * rng.uniform(0.7, 1.4)) for _ in range(count)])
    ranked = np.sort(fields, axis=0)
    seam = (ranked[-1] - ranked[-2]) < rng.choice([0.0, 0.0, 0.05, 0.15])
    winner = fields.argmax(axis=0)
    tissues = (Tissue.ORGAN, Tissue.MUSCLE, Tissue.FLUID, Tissue.FAT, Tissue.VESSEL)
    for i in range(count):
        label = canvas.add((winner == i) & allowed & ~seam, tissues[rng.integers(len(tissues))])
        if label is not None and rng.random() < 0.1:
            add_lesions(rng, canvas, label, grid, 2)
