"""A trunk without organs: outline, fat, muscle wall, spine and ribs, and the cavity that organs are placed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .fields import Grid, smooth_noise, warped_grid
from .scene import SCENE_SIZE, Canvas, Tissue
from .shapes import Course, Placement, blob, superellipse, tube


@dataclass(frozen=True)
class Torso:
    """A trunk that was drawn on a canvas. Lengths are in half sides of the scene, as the grid's coordinates are.

    Attributes:
        grid: the warped coordinates that everything in it is drawn in.
        half_width: of the body.
        half_height: of the body.
        spine_radius: of the vertebra.
        spine_y: height of the vertebra's centre.
        cavity: (h, w) bool, where organs may lie.
        inner: (h, w) float32, negative inside the muscle wall.
        filler: label of the fat in the cavity.
    """

    grid: Grid
    half_width: float
    half_height: float
    spine_radius: float
    spine_y: float
    cavity: np.ndarray
    inner: np.ndarray
    filler: int

    def place(
        self,
        rng: np.random.Generator,
        canvas: Canvas,
        level: np.ndarray,
        tissue: Tissue = Tissue.ORGAN,
        gap_odds: float = 0.6,
        margin: float = 0.0,
    ) -> int | None:
        """Paints an organ into the cavity, often with a seam of fat around it.

        Args:
            rng: of the scene.
            canvas: the one that the torso was drawn on.
            level: (h, w), negative inside the organ.
            tissue: what it is made of.
            gap_odds: how likely the seam is.
            margin: how far it stays from the muscle wall, in units of `inner`.

        Returns:
            Its label, None where nothing of it lies in the cavity.
        """
        mask = (level < 0) & self.cavity & (self.inner < -margin)
        clear_gap(rng, canvas, mask, (self.cavity, self.filler), gap_odds)
        return canvas.add(mask, tissue)


@dataclass(frozen=True)
class _Wall:
    """Levels (h, w) of the body, of the muscle wall's outside and of its inside; thickness of fat and muscle."""

    body: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    fat: float
    thickness: float
    filler: int


def clear_gap(
    rng: np.random.Generator, canvas: Canvas, mask: np.ndarray, around: tuple[np.ndarray, int], odds: float = 0.6
) -> None:
    """Clears a seam around a structure to come, as fat planes lie between organs.

    Args:
        rng: of the scene.
        canvas: is changed.
        mask: (h, w) bool, the structure to come.
        around: where a seam may lie, (h, w) bool, and the label that fills it.
        odds: how likely there is one.
    """
    if rng.random() < odds:
        allowed, filler = around
        grown = ndimage.binary_dilation(mask, iterations=int(rng.integers(1, 4)))
        canvas.labels[grown & allowed & ~mask] = filler


def draw_torso(rng: np.random.Generator, canvas: Canvas) -> Torso:
    """Draws a trunk of random proportions on an empty canvas."""
    grid = warped_grid(rng, SCENE_SIZE, rng.uniform(0.005, 0.05))
    a, b = rng.uniform(0.7, 0.98), rng.uniform(0.5, 0.95)
    wall = _draw_wall(rng, canvas, grid, (a, b))
    back = b * (1 - wall.fat - wall.thickness)
    spine_y, r = back * rng.uniform(0.55, 0.85), rng.uniform(0.1, 0.2)
    _draw_back_muscles(rng, canvas, grid, wall, (spine_y, r, back))
    vertebra = _draw_spine(rng, canvas, grid, wall.body, (spine_y, r))
    if rng.random() < 0.75:
        _draw_ribs(rng, canvas, np.arctan2(grid.y / b, grid.x / a), wall)
    cavity = (wall.inner < 0) & (vertebra > 0) & (canvas.labels == wall.filler)
    return Torso(grid, a, b, r, spine_y, cavity, wall.inner, wall.filler)


def _draw_wall(rng: np.random.Generator, canvas: Canvas, grid: Grid, half_sides: tuple[float, float]) -> _Wall:
    a, b = half_sides
    power = rng.uniform(2.0, 3.2)
    body = superellipse(grid, Placement(0, 0, a, b, rng.normal() * 0.05), power)
    canvas.add(body < 0, Tissue.FAT, target=False)
    if rng.random() < 0.3:  # the table
        row = int(SCENE_SIZE * (0.5 + b / 2)) + int(rng.integers(2, 8))
        canvas.labels[row : row + int(rng.integers(1, 4)), 20:-20] = 1
    fat = rng.uniform(0.02, 0.2)
    thickness = rng.uniform(0.03, 0.14)
    outer = body + fat * (1 + 0.4 * smooth_noise(rng, body.shape, 3))
    muscle = canvas.add(outer < 0, Tissue.MUSCLE, target=bool(rng.random() < 0.1))
    inner = outer + thickness * (1 + 0.3 * smooth_noise(rng, body.shape, 4))
    if rng.random() < 0.35 and muscle is not None:  # fatty stripes in the wall
        stripes = (smooth_noise(rng, body.shape, rng.uniform(8, 20)) > 0.9) & (outer < 0)
        canvas.add(stripes, Tissue.FAT, parent=muscle, target=False)
    filler = canvas.add(inner < 0, Tissue.FAT, target=False)
    return _Wall(body, outer, inner, fat, thickness, filler)


def _draw_back_muscles(
    rng: np.random.Generator, canvas: Canvas, grid: Grid, wall: _Wall, spine: tuple[float, float, float]
) -> None:
    """Beside the spine, whose height and radius are given, and the height of the back."""
    spine_y, r, back = spine
    for side in (-1, 1):
        m = blob(
            rng,
            grid,
            Placement(
                side * r * rng.uniform(1.3, 1.9),
                spine_y + r * rng.uniform(0, 0.9),
                r * rng.uniform(0.5, 0.9),
                r * rng.uniform(0.6, 1.1),
                rng.normal() * 0.4,
            ),
        )
        canvas.add((m < 0) & (wall.body < -0.02), Tissue.MUSCLE)
        m = blob(
            rng,
            grid,
            Placement(side * r * rng.uniform(1.0, 1.9), back, r * rng.uniform(0.7, 1.4), r * rng.uniform(0.5, 0.9)),
        )
        canvas.add((m < 0) & (wall.body < -wall.fat / 2), Tissue.MUSCLE)


def _draw_spine(
    rng: np.random.Generator, canvas: Canvas, grid: Grid, body: np.ndarray, spine: tuple[float, float]
) -> np.ndarray:
    """Vertebra with marrow, arch and canal; returns the vertebra's level (h, w)."""
    spine_y, r = spine
    vertebra = superellipse(grid, Placement(0, spine_y, r * rng.uniform(0.9, 1.3), r, 0), 2.5)
    bone = canvas.add(vertebra < 0, Tissue.BONE)
    if bone is not None:
        core = canvas.region(bone) & (vertebra < -rng.uniform(0.08, 0.35))
        canvas.add(core, Tissue.MARROW, parent=bone, target=False)
    arch = np.minimum.reduce(
        [
            tube(rng, grid, Course(0, spine_y + r * 1.7, r * 3, r * 0.22, np.pi / 2, 0.1)),
            tube(rng, grid, Course(-r, spine_y + r, r * 2, r * 0.22, rng.uniform(-0.9, 0.2), 0.5)),
            tube(rng, grid, Course(r, spine_y + r, r * 2, r * 0.22, rng.uniform(-0.2, 0.9), 0.5)),
        ]
    )
    if rng.random() < 0.85:
        canvas.add((arch < 0) & (body < 0), Tissue.BONE)
    canal = superellipse(grid, Placement(0, spine_y + r * 1.35, r * 0.5, r * 0.42))
    canvas.add((canal < 0) & (body < 0), Tissue.FLUID)
    return vertebra


def _draw_ribs(rng: np.random.Generator, canvas: Canvas, theta: np.ndarray, wall: _Wall) -> None:
    """Short arcs within the muscle wall. theta: (h, w) direction from the body's centre, in radians."""
    middle = (wall.outer + wall.inner) / 2
    half = wall.thickness * rng.uniform(0.25, 0.6)
    turns = np.sort(rng.uniform(-np.pi, np.pi, rng.integers(4, 18)))
    for turn in turns:
        span = rng.uniform(0.02, 0.16)
        apart = np.abs((theta - turn + np.pi) % (2 * np.pi) - np.pi)
        rib = np.hypot(apart / span, middle / half) < 1
        label = canvas.add(rib, Tissue.BONE)
        if label is not None and rng.random() < 0.6:
            core = np.hypot(apart / span, middle / half) < 0.6
            canvas.add(core, Tissue.MARROW, parent=label, target=False)
