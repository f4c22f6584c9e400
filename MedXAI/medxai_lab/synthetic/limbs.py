"""Cross-sections of limbs, or of a pelvis."""

from __future__ import annotations

import numpy as np

from .fields import Grid, smooth_noise, warped_grid
from .scene import SCENE_SIZE, Canvas, Tissue
from .shapes import Placement, blob, superellipse


def limbs(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws one or two limbs: muscles by partition, bones with marrow, vessels."""
    grid = warped_grid(rng, SCENE_SIZE, rng.uniform(0.01, 0.06))
    for side in (-1, 1) if rng.random() < 0.6 else (0,):
        cx = side * rng.uniform(0.4, 0.5)
        a = rng.uniform(0.3, 0.46) if side else rng.uniform(0.5, 0.9)
        outline = superellipse(grid, Placement(cx, 0, a, a * rng.uniform(0.8, 1.3), 0), 2.2)
        canvas.add(outline < 0, Tissue.FAT, target=False)
        inner = outline < -rng.uniform(0.05, 0.3)
        fields = np.stack([smooth_noise(rng, grid.x.shape, rng.uniform(3, 7)) for _ in range(rng.integers(3, 8))])
        ranked = np.sort(fields, axis=0)
        seam = ranked[-1] - ranked[-2] < rng.uniform(0.0, 0.12)
        for i in range(len(fields)):
            canvas.add((fields.argmax(0) == i) & inner & ~seam, Tissue.MUSCLE)
        _draw_bones(rng, canvas, grid, outline, (cx, a))
        for _ in range(rng.integers(0, 5)):
            size = rng.uniform(0.015, 0.05)
            level = superellipse(grid, Placement(cx + rng.normal() * a * 0.4, rng.normal() * a * 0.4, size, size))
            canvas.add((level < 0) & (outline < 0), Tissue.VESSEL)


def _draw_bones(
    rng: np.random.Generator, canvas: Canvas, grid: Grid, outline: np.ndarray, limb: tuple[float, float]
) -> None:
    """One or two, with marrow. outline: (h, w), negative inside the limb, whose centre's x and half width are given."""
    cx, a = limb
    for _ in range(rng.integers(1, 3)):
        r = a * rng.uniform(0.12, 0.35)
        level = blob(
            rng,
            grid,
            Placement(cx + rng.normal() * a * 0.25, rng.normal() * a * 0.25, r, r * rng.uniform(0.7, 1.4), 0),
            0.2,
        )
        bone = canvas.add((level < 0) & (outline < 0), Tissue.BONE)
        if bone is not None:
            core = canvas.region(bone) & (level < -rng.uniform(0.1, 0.5))
            canvas.add(core, Tissue.MARROW, parent=bone, target=bool(rng.random() < 0.3))
