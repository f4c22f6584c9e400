"""Shape families as implicit functions: negative inside, about -1 at the centre, 0 at the edge.

All take a grid of coordinates (h, w) in [-1, 1] (often warped, so that no edge is a formula) and lengths in those
units; all return float32 (h, w).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fields import Grid


@dataclass(frozen=True)
class Placement:
    """Where a shape lies and how large it is.

    Attributes:
        x: of its centre.
        y: of its centre.
        half_width: before it is turned.
        half_height: before it is turned.
        angle: by which it is turned, in radians.
    """

    x: float
    y: float
    half_width: float
    half_height: float
    angle: float = 0.0


@dataclass(frozen=True)
class Course:
    """Where a tube runs.

    Attributes:
        x: of its middle.
        y: of its middle.
        length: from end to end, were it straight.
        radius: half its thickness.
        angle: of its direction, in radians.
        bend: how far it leaves the straight line: 0 not at all, 1 by about half its length.
    """

    x: float
    y: float
    length: float
    radius: float
    angle: float = 0.0
    bend: float = 1.0


def _local(grid: Grid, at: Placement) -> tuple[np.ndarray, np.ndarray]:
    """The grid in the shape's own coordinates: its half sides are 1."""
    c, s = np.cos(at.angle), np.sin(at.angle)
    dx, dy = grid.x - at.x, grid.y - at.y
    return (c * dx + s * dy) / at.half_width, (c * dy - s * dx) / at.half_height


def superellipse(grid: Grid, at: Placement, power: float = 2.0) -> np.ndarray:
    """An ellipse (power 2) up to a rounded box (power 4 and more).

    Args:
        grid: Coordinates of the pixels.
        at: Place and size.
        power: Of the coordinates.
    """
    u, v = _local(grid, at)
    if power == 2.0:
        return np.sqrt(u * u + v * v) - 1.0
    return (np.abs(u) ** power + np.abs(v) ** power) ** (1.0 / power) - 1.0


def blob(rng: np.random.Generator, grid: Grid, at: Placement, roughness: float = 0.15) -> np.ndarray:
    """A star-shaped body whose radius has random harmonics of order 2 to 6.

    Args:
        rng: Draws the harmonics.
        grid: Coordinates of the pixels.
        at: Place and size.
        roughness: Size of the harmonics, as a share of the radius.
    """
    u, v = _local(grid, at)
    theta = np.linspace(-np.pi, np.pi, 512, dtype=np.float32)
    radius = np.ones_like(theta)
    for order in range(2, 7):
        amplitude = rng.normal() * roughness / (order - 0.5)
        radius += np.float32(amplitude) * np.cos(order * theta + rng.uniform(0, 2 * np.pi))
    inverse = 1.0 / np.maximum(radius, 0.25)
    turn = ((np.arctan2(v, u) + np.pi) * (511.0 / (2 * np.pi))).astype(np.intp)
    return np.sqrt(u * u + v * v) * inverse[turn] - 1.0


def crescent(rng: np.random.Generator, grid: Grid, at: Placement, depth: float | None = None) -> np.ndarray:
    """A body with a hollow: a bean (small depth) or a crescent (large); it opens along the local -x axis.

    Args:
        rng: Draws the depth where none is given.
        grid: Coordinates of the pixels.
        at: Place and size.
        depth: Of the hollow; None for a random one.
    """
    depth = rng.uniform(0.1, 1.0) if depth is None else depth
    body = blob(rng, grid, at, 0.08)
    u, v = _local(grid, at)
    width = rng.uniform(0.35, 1.0)
    bite = np.sqrt(((u + 1.0) / depth) ** 2 + ((v - rng.normal() * 0.15) / width) ** 2) - 1.0
    return np.maximum(body, -bite)


def tube(rng: np.random.Generator, grid: Grid, along: Course) -> np.ndarray:
    """A bent tube whose thickness varies along it.

    Args:
        rng: Draws bend and thickness.
        grid: Coordinates of the pixels.
        along: Where it runs.
    """
    t = np.linspace(-1.0, 1.0, 18, dtype=np.float32)
    straight = t * along.length / 2
    across = along.bend * along.length / 2 * (rng.normal() * 0.5 * (t * t - 0.4) + rng.normal() * 0.4 * t**3)
    across = across + along.bend * along.length / 2 * rng.normal() * 0.15 * np.sin(3 * t + rng.uniform(0, 6))
    c, s = np.cos(along.angle), np.sin(along.angle)
    px, py = along.x + c * straight - s * across, along.y + s * straight + c * across
    thickness = along.radius * (1.0 + rng.uniform(0, 0.4) * np.sin(rng.uniform(1, 4) * t + rng.uniform(0, 6)))
    # Distance to the segments at half the resolution: it is smooth, and this is the slow shape.
    xs, ys = grid.x[::2, ::2], grid.y[::2, ::2]
    best = np.full(xs.shape, np.inf, dtype=np.float32)
    for i in range(len(t) - 1):
        dx, dy = px[i + 1] - px[i], py[i + 1] - py[i]
        k = ((xs - px[i]) * dx + (ys - py[i]) * dy) / max(dx * dx + dy * dy, 1e-9)
        k = np.clip(k, 0.0, 1.0)
        distance = np.hypot(xs - px[i] - k * dx, ys - py[i] - k * dy)
        best = np.minimum(best, distance / (thickness[i] + k * (thickness[i + 1] - thickness[i])))
    level = np.repeat(np.repeat(best, 2, axis=0), 2, axis=1)
    return (level - 1.0).astype(np.float32)


def ring(level: np.ndarray, thickness: float) -> np.ndarray:
    """The wall of another shape.

    Args:
        level: (h, w) of the shape, negative inside.
        thickness: Inwards of the edge, in units of the shape's radius.
    """
    return np.maximum(level, -level - thickness)
