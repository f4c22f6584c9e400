"""Cross-sections of the head: skull, folded cortex, ventricles, tumours."""

from __future__ import annotations

import numpy as np

from .fields import Grid, smooth_noise, warped_grid
from .scene import SCENE_SIZE, Canvas, Tissue
from .shapes import Placement, blob, crescent, superellipse


def head(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws scalp, skull, folded cortex, ventricles, nuclei, tumours with rim, core and oedema."""
    grid = warped_grid(rng, SCENE_SIZE, rng.uniform(0.005, 0.04))
    a, b = rng.uniform(0.6, 0.9), rng.uniform(0.7, 0.97)
    outline = superellipse(grid, Placement(0, 0, a, b, rng.normal() * 0.1), rng.uniform(1.9, 2.4))
    stripped = rng.random() < 0.4
    brain_level = outline if stripped else _draw_skull(rng, canvas, outline)
    folds = smooth_noise(rng, grid.x.shape, rng.uniform(12, 26))
    surface = brain_level + 0.03 * np.maximum(folds, 0)
    brain = canvas.add(surface < 0, Tissue.GREY)
    if brain is None:
        return
    white = surface + rng.uniform(0.06, 0.16) + rng.uniform(0.03, 0.1) * folds
    matter = canvas.add(white < 0, Tissue.WHITE, parent=brain, target=bool(rng.random() < 0.3))
    host = brain if matter is None else matter
    _draw_ventricles_and_nuclei(rng, canvas, grid, brain_level, host)
    if rng.random() < 0.3:
        canvas.add((np.abs(grid.x) < 0.008) & (brain_level < 0), Tissue.FLUID, parent=host, target=False)
    for _ in range(rng.choice([0, 1, 1, 2])):
        centre = rng.uniform(-0.5, 0.5) * a, rng.uniform(-0.6, 0.6) * b
        _draw_tumour(rng, canvas, grid, centre, (brain_level, folds, host))


def _draw_skull(rng: np.random.Generator, canvas: Canvas, outline: np.ndarray) -> np.ndarray:
    """Scalp, bone with marrow, fluid; returns the level (h, w) of the brain within them."""
    canvas.add(outline < 0, Tissue.FAT, target=False)
    scalp, skull = rng.uniform(0.02, 0.1), rng.uniform(0.03, 0.1)
    bone = canvas.add(outline < -scalp, Tissue.BONE)
    marrow = (outline < -scalp - skull * 0.3) & (outline > -scalp - skull * 0.7)
    if rng.random() < 0.5:
        canvas.add(marrow, Tissue.MARROW, parent=bone, target=False)
    canvas.add(outline < -scalp - skull, Tissue.FLUID, target=False)
    return outline + scalp + skull + rng.uniform(0.0, 0.06)


def _draw_ventricles_and_nuclei(
    rng: np.random.Generator, canvas: Canvas, grid: Grid, brain_level: np.ndarray, host: int
) -> None:
    wide = rng.uniform(0.5, 1.6)
    for side in (-1, 1):
        if rng.random() < 0.85:
            level = crescent(
                rng,
                grid,
                Placement(
                    side * rng.uniform(0.08, 0.16),
                    rng.normal() * 0.1,
                    0.08 * wide,
                    rng.uniform(0.15, 0.35) * wide,
                    rng.normal() * 0.3 + (np.pi if side < 0 else 0),
                ),
                rng.uniform(0.3, 1.2),
            )
            canvas.add((level < 0) & (brain_level < -0.05), Tissue.FLUID, parent=host)
        for _ in range(rng.integers(0, 3)):
            level = blob(
                rng,
                grid,
                Placement(
                    side * rng.uniform(0.12, 0.35),
                    rng.normal() * 0.2,
                    rng.uniform(0.04, 0.12),
                    rng.uniform(0.06, 0.18),
                    rng.normal() * 0.4,
                ),
            )
            canvas.add((level < 0) & (brain_level < -0.05), Tissue.GREY, parent=host)


def _draw_tumour(
    rng: np.random.Generator,
    canvas: Canvas,
    grid: Grid,
    centre: tuple[float, float],
    brain: tuple[np.ndarray, np.ndarray, int],
) -> None:
    """Oedema, often with a core and a cyst in it. brain: its level (h, w), its folds (h, w) and the label around."""
    (cx, cy), (brain_level, folds, host) = centre, brain
    size = rng.uniform(0.06, 0.38)
    field = blob(
        rng,
        grid,
        Placement(cx, cy, size, size * rng.uniform(0.6, 1.3), rng.uniform(0, 3)),
        rng.uniform(0.1, 0.7),
    )
    ragged = field + rng.uniform(0, 0.3) * folds
    brain_mask = brain_level < -0.02
    outer = canvas.add((ragged < 0) & brain_mask, Tissue.LESION, parent=host)
    if outer is None or rng.random() < 0.3:
        return
    scale = rng.uniform(0.4, 0.85)
    level = blob(
        rng,
        grid,
        Placement(
            cx + rng.normal() * size * 0.15,
            cy + rng.normal() * size * 0.15,
            size * scale,
            size * scale * rng.uniform(0.7, 1.2),
            rng.uniform(0, 3),
        ),
        0.4,
    )
    core = canvas.add((level < 0) & canvas.region(outer), Tissue.LESION, parent=outer)
    if core is not None and rng.random() < 0.6:
        canvas.add((level < -rng.uniform(0.15, 0.6)) & canvas.region(core), Tissue.FLUID, parent=core)
