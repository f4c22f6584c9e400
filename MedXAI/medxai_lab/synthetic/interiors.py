"""What lies inside an organ: vessels, lesions, walls, cavities, chambers."""

from __future__ import annotations

import numpy as np

from .fields import Grid, smooth_noise
from .scene import Canvas, Tissue
from .shapes import Course, Placement, blob, superellipse, tube


def add_vessels(rng: np.random.Generator, canvas: Canvas, label: int, grid: Grid) -> None:
    """Paints a few bent tubes or dots inside a structure; they are part of it, and too thin to be asked for.

    Args:
        rng: Of the scene.
        canvas: Is painted on.
        label: The structure.
        grid: Coordinates of the pixels.
    """
    inside = canvas.region(label)
    for _ in range(rng.integers(1, 4)):
        cx, cy = _point(rng, inside, grid)
        if rng.random() < 0.5:
            level = tube(
                rng, grid, Course(cx, cy, rng.uniform(0.1, 0.5), rng.uniform(0.008, 0.03), rng.uniform(0, np.pi))
            )
        else:
            r = rng.uniform(0.012, 0.04)
            level = superellipse(grid, Placement(cx, cy, r, r * rng.uniform(0.6, 1.6), rng.uniform(0, 3)))
        canvas.add((level < 0) & inside, Tissue.VESSEL, parent=label, target=False)


def add_lesions(rng: np.random.Generator, canvas: Canvas, label: int, grid: Grid, most: int = 3) -> None:
    """Paints round or ragged lesions, some with a rim and a core, inside a structure; they are part of it.

    Args:
        rng: Of the scene.
        canvas: Is painted on.
        label: The structure.
        grid: Coordinates of the pixels.
        most: How many at most.
    """
    for _ in range(rng.integers(1, most + 1)):
        inside = canvas.region(label)
        extent = np.sqrt(inside.mean()) * 2
        if extent < 0.12:
            return
        cx, cy = _point(rng, inside, grid)
        a = extent * rng.uniform(0.06, 0.35)
        level = blob(
            rng,
            grid,
            Placement(cx, cy, a, a * rng.uniform(0.6, 1.4), rng.uniform(0, np.pi)),
            rng.uniform(0.05, 0.6),
        )
        lesion = canvas.add((level < 0) & inside, Tissue.LESION, parent=label)
        if lesion is not None and a > 0.05 and rng.random() < 0.5:
            rim = rng.uniform(0.15, 0.5)
            canvas.add((level < -rim) & canvas.region(lesion), Tissue.LESION, parent=lesion)


def add_wall(rng: np.random.Generator, canvas: Canvas, label: int, level: np.ndarray) -> None:
    """Makes a hollow organ: content within the wall, in layers (fluid below, gas above) at times.

    Args:
        rng: Of the scene.
        canvas: Is painted on.
        label: The structure.
        level: (h, w) of the structure, negative inside.
    """
    content = canvas.region(label) & (level < -rng.uniform(0.1, 0.45))
    if not content.any():
        return
    first, second = rng.choice([Tissue.FLUID, Tissue.ORGAN, Tissue.FLUID, Tissue.GAS], 2, replace=False)
    lumen = canvas.add(content, Tissue(int(first)), parent=label, target=False)
    if lumen is None or rng.random() < 0.5:
        return
    rows = np.flatnonzero(content.any(axis=1))
    cut = int(rng.uniform(rows[0], rows[-1] + 1))
    upper = canvas.region(lumen)
    upper[cut:] = False
    canvas.add(upper, Tissue(int(second)), parent=label, target=False)


def add_rim(rng: np.random.Generator, canvas: Canvas, label: int, level: np.ndarray) -> None:
    """Makes a cortex: the core becomes a part of its own (kidneys, bones with marrow).

    Args:
        rng: Of the scene.
        canvas: Is painted on.
        label: The structure.
        level: (h, w) of the structure, negative inside.
    """
    depth = rng.uniform(0.15, 0.55)
    core = canvas.region(label) & (level < -depth)
    if rng.random() < 0.6:  # pyramids rather than one core
        core &= smooth_noise(rng, core.shape, rng.uniform(14, 30)) > -0.2
    tissue = Tissue.MARROW if canvas.tissue[label] == Tissue.BONE else Tissue.ORGAN
    canvas.add(core, tissue, parent=label, target=False)


def _point(rng: np.random.Generator, inside: np.ndarray, grid: Grid) -> tuple[float, float]:
    indices = np.flatnonzero(inside.ravel())
    if not len(indices):
        return 9.0, 9.0
    i = indices[rng.integers(len(indices))]
    return float(grid.x.ravel()[i]), float(grid.y.ravel()[i])
