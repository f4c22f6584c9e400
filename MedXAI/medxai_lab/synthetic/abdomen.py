"""Cross-sections of the belly: organs, gut and vessels packed in a torso."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from .interiors import add_lesions, add_rim, add_vessels, add_wall
from .scene import Canvas, Tissue
from .shapes import Course, Placement, blob, crescent, superellipse, tube
from .torso import Torso, draw_torso


def abdomen(rng: np.random.Generator, canvas: Canvas) -> None:
    """Draws liver-, spleen-, stomach-, kidney-, gut- and vessel-like structures packed in a torso."""
    torso = draw_torso(rng, canvas)
    vessels_x = rng.uniform(0, 0.1)

    def vessels(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
        _large_vessels(rng, canvas, torso, vessels_x)
        _small_vessels(rng, canvas, torso)

    organs: list[tuple[Callable[[np.random.Generator, Canvas, Torso], None], float]] = [
        (_liver, 0.8),
        (_spleen, 0.75),
        (_stomach, 0.75),
        (_gut, 0.75),
        (_small_organs, 0.8),
        (vessels, 0.9),
        (_lung_base, 0.2),
    ]
    rng.shuffle(organs)
    for organ, odds in organs:
        if rng.random() < odds:
            organ(rng, canvas, torso)
    for side in (-1, 1):
        if rng.random() < 0.8:
            _kidney(rng, canvas, torso, side)


def _liver(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """A large wedge, often with a left lobe, vessels and lesions."""
    a, b = torso.half_width, torso.half_height
    size = rng.uniform(0.3, 0.95)
    level = blob(
        rng,
        torso.grid,
        Placement(
            -a * rng.uniform(0.2, 0.65),
            rng.uniform(-0.3, 0.25) * b,
            a * size * 0.8,
            b * size,
            rng.uniform(-0.6, 0.6),
        ),
        rng.uniform(0.1, 0.5),
    )
    if rng.random() < 0.4:  # a left lobe that reaches over
        lobe = blob(
            rng,
            torso.grid,
            Placement(
                rng.uniform(-0.2, 0.2),
                -b * rng.uniform(0.25, 0.6),
                a * rng.uniform(0.3, 0.6),
                b * rng.uniform(0.1, 0.3),
                rng.normal() * 0.3,
            ),
            0.2,
        )
        level = np.minimum(level, lobe)
    label = torso.place(rng, canvas, level, margin=rng.choice([0.0, 0.02]))
    if label is not None:
        if rng.random() < 0.75:
            add_vessels(rng, canvas, label, torso.grid)
        if rng.random() < 0.3:
            add_lesions(rng, canvas, label, torso.grid)


def _spleen(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """A crescent at the left wall."""
    a, b = torso.half_width, torso.half_height
    depth = rng.uniform(0.2, 1.1)
    level = crescent(
        rng,
        torso.grid,
        Placement(
            a * rng.uniform(0.45, 0.8),
            b * rng.uniform(-0.2, 0.5),
            rng.uniform(0.1, 0.28),
            rng.uniform(0.15, 0.42),
            rng.uniform(-0.7, 0.9),
        ),
        depth,
    )
    label = torso.place(rng, canvas, level)
    if label is not None and rng.random() < 0.2:
        add_lesions(rng, canvas, label, torso.grid)


def _stomach(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """A hollow bag or a bent tube."""
    a, b = torso.half_width, torso.half_height
    family = rng.random()
    cx, cy = a * rng.uniform(0.0, 0.55), -b * rng.uniform(0.0, 0.6)
    if family < 0.6:
        level = blob(
            rng,
            torso.grid,
            Placement(cx, cy, rng.uniform(0.15, 0.45), rng.uniform(0.1, 0.35), rng.uniform(0, np.pi)),
            0.3,
        )
    else:
        level = tube(
            rng,
            torso.grid,
            Course(cx, cy, rng.uniform(0.4, 0.9), rng.uniform(0.08, 0.18), rng.uniform(-1, 1), 1.2),
        )
    label = torso.place(rng, canvas, level)
    if label is not None and rng.random() < 0.75:
        add_wall(rng, canvas, label, level)


def _kidney(rng: np.random.Generator, canvas: Canvas, torso: Torso, side: int) -> None:
    """A bean beside the spine, in fat of its own."""
    a = torso.half_width
    level = crescent(
        rng,
        torso.grid,
        Placement(
            side * rng.uniform(0.28, 0.55) * a + 0.02,
            torso.spine_y - rng.uniform(-0.05, 0.25),
            rng.uniform(0.09, 0.19),
            rng.uniform(0.12, 0.25),
            rng.normal() * 0.5 + (np.pi if side > 0 else 0),
        ),
        rng.uniform(0.1, 0.8),
    )
    mask = (level < 0) & torso.cavity
    if rng.random() < 0.85:
        grown = ndimage.binary_dilation(mask, iterations=int(rng.integers(2, 10)))
        canvas.labels[grown & torso.cavity] = torso.filler
    label = canvas.add(mask, Tissue.ORGAN)
    if label is None:
        return
    if rng.random() < 0.55:
        add_rim(rng, canvas, label, level)
    if rng.random() < 0.2:
        add_lesions(rng, canvas, label, torso.grid)


def _gut(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """Loops of bowel, most of them hollow."""
    a, b = torso.half_width, torso.half_height
    for _ in range(rng.integers(2, 16)):
        cx, cy = rng.uniform(-0.8, 0.8) * a, rng.uniform(-0.8, 0.5) * b
        size = rng.uniform(0.05, 0.16)
        if rng.random() < 0.6:
            level = blob(
                rng, torso.grid, Placement(cx, cy, size, size * rng.uniform(0.6, 1.5), rng.uniform(0, 3)), 0.25
            )
        else:
            level = tube(rng, torso.grid, Course(cx, cy, rng.uniform(0.2, 0.7), size * 0.7, rng.uniform(0, np.pi), 1.0))
        label = torso.place(rng, canvas, level, gap_odds=0.5)
        if label is not None and rng.random() < 0.7:
            add_wall(rng, canvas, label, level)


def _large_vessels(rng: np.random.Generator, canvas: Canvas, torso: Torso, x: float) -> None:
    """Two round vessels before the spine."""
    for cx in (rng.normal() * 0.06 + x, rng.normal() * 0.06 - 0.15):
        radius = rng.uniform(0.03, 0.085)
        level = superellipse(
            torso.grid,
            Placement(
                cx,
                torso.spine_y - torso.spine_radius - radius - rng.uniform(0, 0.06),
                radius * rng.uniform(0.9, 1.5),
                radius,
                rng.normal() * 0.3,
            ),
        )
        label = torso.place(rng, canvas, level, Tissue.VESSEL)
        if label is not None and rng.random() < 0.2:
            add_rim(rng, canvas, label, level)


def _small_vessels(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    for _ in range(rng.integers(0, 5)):
        level = tube(
            rng,
            torso.grid,
            Course(
                rng.normal() * 0.25,
                rng.uniform(-0.4, 0.3),
                rng.uniform(0.15, 0.5),
                rng.uniform(0.012, 0.03),
                rng.uniform(0, np.pi),
            ),
        )
        torso.place(rng, canvas, level, Tissue.VESSEL, gap_odds=0.3)


def _small_organs(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """A gallbladder, a pancreas, adrenal glands and small nodes."""
    a, b = torso.half_width, torso.half_height
    level = blob(
        rng,
        torso.grid,
        Placement(
            -rng.uniform(0.1, 0.5) * a,
            -rng.uniform(-0.2, 0.5) * b,
            rng.uniform(0.06, 0.14),
            rng.uniform(0.05, 0.12),
            rng.uniform(0, 3),
        ),
        0.1,
    )
    torso.place(rng, canvas, level, Tissue.FLUID, gap_odds=0.3)
    level = tube(
        rng,
        torso.grid,
        Course(
            rng.normal() * 0.15,
            torso.spine_y - torso.spine_radius - rng.uniform(0.15, 0.35),
            rng.uniform(0.3, 0.8),
            rng.uniform(0.04, 0.09),
            rng.normal() * 0.5,
            0.9,
        ),
    )
    torso.place(rng, canvas, level)
    for side in (-1, 1):
        level = tube(
            rng,
            torso.grid,
            Course(
                side * rng.uniform(0.2, 0.35),
                torso.spine_y - rng.uniform(0.1, 0.3),
                rng.uniform(0.08, 0.2),
                rng.uniform(0.012, 0.03),
                rng.uniform(0, 3),
                1.5,
            ),
        )
        torso.place(rng, canvas, level)
    for _ in range(rng.integers(0, 6)):
        size = rng.uniform(0.02, 0.06)
        level = blob(
            rng,
            torso.grid,
            Placement(
                rng.normal() * 0.4 * a,
                rng.normal() * 0.4 * b,
                size,
                size * rng.uniform(0.6, 1.4),
                rng.uniform(0, 3),
            ),
        )
        torso.place(rng, canvas, level)


def _lung_base(rng: np.random.Generator, canvas: Canvas, torso: Torso) -> None:
    """The lower end of a lung at one side."""
    a, b = torso.half_width, torso.half_height
    side = rng.choice([-1, 1])
    level = crescent(
        rng,
        torso.grid,
        Placement(
            side * a * rng.uniform(0.4, 0.7),
            b * rng.uniform(0, 0.5),
            a * rng.uniform(0.2, 0.45),
            b * rng.uniform(0.2, 0.5),
            rng.uniform(0, 6),
        ),
        rng.uniform(0.5, 1.4),
    )
    torso.place(rng, canvas, level, Tissue.LUNG, gap_odds=0.1)
