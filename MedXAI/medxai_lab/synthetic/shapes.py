"""Shape families as implicit functions: negative inside, about -1 at the centre, 0 at the edge.

All take coordinate arrays x, y (h, w) in [-1, 1] (often warped, so that no edge is a formula) and
centre, half-sides and angle in those units and radians; all return float32 (h, w).
"""

from __future__ import annotations

import numpy as np


def _local(x, y, cx, cy, a, b, angle):
    c, s = np.cos(angle), np.sin(angle)
    dx, dy = x - cx, y - cy
    return (c * dx + s * dy) / a, (c * dy - s * dx) / b


def superellipse(x, y, cx, cy, a, b, angle=0.0, power=2.0) -> np.ndarray:
    """An ellipse (power 2) up to a rounded box (power 4 and more)."""
    u, v = _local(x, y, cx, cy, a, b, angle)
    if power == 2.0:
        return np.sqrt(u * u + v * v) - 1.0
    return (np.abs(u) ** power + np.abs(v) ** power) ** (1.0 / power) - 1.0


def blob(rng, x, y, cx, cy, a, b, angle=0.0, roughness=0.15) -> np.ndarray:
    """A star-shaped body whose radius has random harmonics of order 2 to 6."""
    u, v = _local(x, y, cx, cy, a, b, angle)
    theta = np.linspace(-np.pi, np.pi, 512, dtype=np.float32)
    radius = np.ones_like(theta)
    for order in range(2, 7):
        amplitude = rng.normal() * roughness / (order - 0.5)
        radius += np.float32(amplitude) * np.cos(order * theta + rng.uniform(0, 2 * np.pi))
    inverse = 1.0 / np.maximum(radius, 0.25)
    turn = ((np.arctan2(v, u) + np.pi) * (511.0 / (2 * np.pi))).astype(np.intp)
    return np.sqrt(u * u + v * v) * inverse[turn] - 1.0


def crescent(rng, x, y, cx, cy, a, b, angle=0.0, depth=None) -> np.ndarray:
    """A body with a bite: bean (small depth), crescent (large); opens along the local -x axis."""
    depth = rng.uniform(0.1, 1.0) if depth is None else depth
    body = blob(rng, x, y, cx, cy, a, b, angle, 0.08)
    u, v = _local(x, y, cx, cy, a, b, angle)
    width = rng.uniform(0.35, 1.0)
    bite = np.sqrt(((u + 1.0) / depth) ** 2 + ((v - rng.normal() * 0.15) / width) ** 2) - 1.0
    return np.maximum(body, -bite)


def tube(rng, x, y, cx, cy, length, radius, angle=0.0, bend=1.0) -> np.ndarray:
    """A bent tube of the given length and radius, thickness varying along it."""
    t = np.linspace(-1.0, 1.0, 18, dtype=np.float32)
    along = t * length / 2
    across = bend * length / 2 * (rng.normal() * 0.5 * (t * t - 0.4) + rng.normal() * 0.4 * t**3)
    across = across + bend * length / 2 * rng.normal() * 0.15 * np.sin(3 * t + rng.uniform(0, 6))
    c, s = np.cos(angle), np.sin(angle)
    px, py = cx + c * along - s * across, cy + s * along + c * across
    thickness = radius * (1.0 + rng.uniform(0, 0.4) * np.sin(rng.uniform(1, 4) * t + rng.uniform(0, 6)))
    # Distance to the segments at half the resolution: it is smooth, and this is the slow shape.
    xs, ys = x[::2, ::2], y[::2, ::2]
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
    """The wall of another shape: `thickness` in units of its radius, inwards of its edge."""
    return np.maximum(level, -level - thickness)
