"""Cross-sections of the chest: lungs, heart and great vessels in a torso."""

from __future__ import annotations

import numpy as np

from .interiors import add_lesions, add_vessels
from .scene import Canvas, Tissue
from .shapes import Placement, blob, superellipse
from .torso import Torso, draw_torso


def thorax(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws lungs with vessels and nodules, a chambered heart, great vessels."""
    torso = draw_torso(rng, canvas)
    _lungs(rng, canvas, torso)
    _heart(rng, canvas, torso)
    _vessels_and_dome(rng, canvas, torso)


def _lungs(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    a, b = torso.half_width, torso.half_height
    for side in (-1, 1):
        if rng.random() < 0.9:
            level = blob(
                rng,
                torso.grid,
                Placement(
                    side * a * rng.uniform(0.38, 0.52),
                    rng.normal() * 0.08,
                    a * rng.uniform(0.25, 0.45),
                    b * rng.uniform(0.5, 0.85),
                    rng.normal() * 0.15,
                ),
                0.2,
            )
            label = canvas.add((level < 0) & torso.cavity, Tissue.LUNG)
            if label is not None:
                for _ in range(3):
                    add_vessels(rng, canvas, label, torso.grid)
                if rng.random() < 0.5:
                    add_lesions(rng, canvas, label, torso.grid)


def _heart(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    level = blob(
        rng,
        torso.grid,
        Placement(
            rng.uniform(-0.1, 0.25),
            -rng.uniform(0, 0.3),
            rng.uniform(0.2, 0.45),
            rng.uniform(0.2, 0.4),
            rng.uniform(0, 3),
        ),
        0.2,
    )
    heart = canvas.add((level < 0) & torso.cavity, Tissue.MUSCLE)
    if heart is not None:
        for _ in range(rng.integers(1, 5)):
            inside = canvas.region(heart) & (level < -0.12)
            chamber = blob(
                rng,
                torso.grid,
                Placement(
                    rng.uniform(-0.2, 0.4),
                    -rng.uniform(-0.1, 0.4),
                    rng.uniform(0.08, 0.2),
                    rng.uniform(0.08, 0.2),
                    rng.uniform(0, 3),
                ),
            )
            canvas.add((chamber < 0) & inside, Tissue.VESSEL, parent=heart)


def _vessels_and_dome(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """The dome is the top of an organ of the belly."""
    for _ in range(rng.integers(1, 6)):
        size = rng.uniform(0.03, 0.1)
        vessel = superellipse(
            torso.grid,
            Placement(rng.normal() * 0.18, rng.normal() * 0.25, size, size * rng.uniform(0.7, 1.5), rng.uniform(0, 3)),
        )
        canvas.add((vessel < 0) & torso.cavity, Tissue.VESSEL)
    if rng.random() < 0.4:
        dome = blob(
            rng,
            torso.grid,
            Placement(-torso.half_width * 0.45, rng.normal() * 0.2, rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.5)),
        )
        canvas.add((dome < 0) & torso.cavity, Tissue.ORGAN)
