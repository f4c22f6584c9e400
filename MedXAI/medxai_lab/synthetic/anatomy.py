"""Arrangements of structures: torso, head, limbs, loose packings and partitions.

They are made up: proportions are drawn from wide ranges, not measured on anybody, so that a model
learns what makes an object stand out rather than where organs usually lie.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from . import shapes
from .fields import smooth_noise, warped_grid
from .interiors import add_lesions, add_rim, add_vessels, add_wall
from .scene import SCENE_SIZE, Canvas, Scene, Tissue


def random_scene(rng: np.random.Generator) -> Scene:
    """One scene of a random family."""
    families = (abdomen, thorax, head, limbs, packing, partition)
    family = families[rng.choice(len(families), p=(0.46, 0.08, 0.13, 0.05, 0.18, 0.10))]
    canvas = Canvas()
    family(rng, canvas)
    return canvas.finish()


def _gap(rng, canvas: Canvas, mask: np.ndarray, allowed: np.ndarray, filler: int, odds=0.6):
    """Clear a seam of the filler around a structure to come: fat planes between organs."""
    if rng.random() < odds:
        grown = ndimage.binary_dilation(mask, iterations=int(rng.integers(1, 4)))
        canvas.labels[grown & allowed & ~mask] = filler


def _torso(rng, canvas: Canvas):
    """Body outline, fat, muscle wall, ribs, spine: grids, cavity mask, its level and filler label."""
    x, y = warped_grid(rng, SCENE_SIZE, rng.uniform(0.005, 0.05))
    a, b = rng.uniform(0.7, 0.98), rng.uniform(0.5, 0.95)
    power = rng.uniform(2.0, 3.2)
    body = shapes.superellipse(x, y, 0, 0, a, b, rng.normal() * 0.05, power)
    canvas.add(body < 0, Tissue.FAT, target=False)
    if rng.random() < 0.3:  # the table
        row = int(SCENE_SIZE * (0.5 + b / 2)) + int(rng.integers(2, 8))
        canvas.labels[row : row + int(rng.integers(1, 4)), 20:-20] = 1
    fat = rng.uniform(0.02, 0.2)
    wall = rng.uniform(0.03, 0.14)
    outer = body + fat * (1 + 0.4 * smooth_noise(rng, body.shape, 3))
    muscle = canvas.add(outer < 0, Tissue.MUSCLE, target=bool(rng.random() < 0.1))
    inner = outer + wall * (1 + 0.3 * smooth_noise(rng, body.shape, 4))
    if rng.random() < 0.35 and muscle is not None:  # fatty stripes in the wall
        stripes = (smooth_noise(rng, body.shape, rng.uniform(8, 20)) > 0.9) & (outer < 0)
        canvas.add(stripes, Tissue.FAT, parent=muscle, target=False)
    filler = canvas.add(inner < 0, Tissue.FAT, target=False)
    cavity = inner < 0

    back = b * (1 - fat - wall)
    spine_y, r = back * rng.uniform(0.55, 0.85), rng.uniform(0.1, 0.2)
    # Muscles beside the spine.
    for side in (-1, 1):
        m = shapes.blob(
            rng,
            x,
            y,
            side * r * rng.uniform(1.3, 1.9),
            spine_y + r * rng.uniform(0, 0.9),
            r * rng.uniform(0.5, 0.9),
            r * rng.uniform(0.6, 1.1),
            rng.normal() * 0.4,
        )
        canvas.add((m < 0) & (body < -0.02), Tissue.MUSCLE)
        m = shapes.blob(
            rng, x, y, side * r * rng.uniform(1.0, 1.9), back, r * rng.uniform(0.7, 1.4), r * rng.uniform(0.5, 0.9)
        )
        canvas.add((m < 0) & (body < -fat / 2), Tissue.MUSCLE)
    vertebra = shapes.superellipse(x, y, 0, spine_y, r * rng.uniform(0.9, 1.3), r, 0, 2.5)
    bone = canvas.add(vertebra < 0, Tissue.BONE)
    if bone is not None:
        core = canvas.region(bone) & (vertebra < -rng.uniform(0.08, 0.35))
        canvas.add(core, Tissue.MARROW, parent=bone, target=False)
    arch = np.minimum.reduce(
        [
            shapes.tube(rng, x, y, 0, spine_y + r * 1.7, r * 3, r * 0.22, np.pi / 2, 0.1),
            shapes.tube(rng, x, y, -r, spine_y + r, r * 2, r * 0.22, rng.uniform(-0.9, 0.2), 0.5),
            shapes.tube(rng, x, y, r, spine_y + r, r * 2, r * 0.22, rng.uniform(-0.2, 0.9), 0.5),
        ]
    )
    if rng.random() < 0.85:
        canvas.add((arch < 0) & (body < 0), Tissue.BONE)
    canal = shapes.superellipse(x, y, 0, spine_y + r * 1.35, r * 0.5, r * 0.42)
    canvas.add((canal < 0) & (body < 0), Tissue.FLUID)

    if rng.random() < 0.75:  # ribs: short arcs within the wall
        theta = np.arctan2(y / b, x / a)
        middle = (outer + inner) / 2
        half = wall * rng.uniform(0.25, 0.6)
        turns = np.sort(rng.uniform(-np.pi, np.pi, rng.integers(4, 18)))
        for turn in turns:
            span = rng.uniform(0.02, 0.16)
            apart = np.abs((theta - turn + np.pi) % (2 * np.pi) - np.pi)
            rib = np.hypot(apart / span, middle / half) < 1
            label = canvas.add(rib, Tissue.BONE)
            if label is not None and rng.random() < 0.6:
                core = np.hypot(apart / span, middle / half) < 0.6
                canvas.add(core, Tissue.MARROW, parent=label, target=False)
    cavity = cavity & (vertebra > 0) & (canvas.labels == filler)
    return x, y, a, b, r, spine_y, cavity, inner, filler


def abdomen(rng, canvas: Canvas) -> None:
    """Liver-, spleen-, stomach-, kidney-, gut- and vessel-like structures packed in a torso."""
    x, y, a, b, r, spine_y, cavity, inner, filler = _torso(rng, canvas)
    shift = rng.uniform(0, 0.1)

    def place(level, tissue=Tissue.ORGAN, odds=0.6, margin=0.0):
        mask = (level < 0) & cavity & (inner < -margin)
        _gap(rng, canvas, mask, cavity, filler, odds)
        return canvas.add(mask, tissue)

    def liver():
        size = rng.uniform(0.3, 0.95)
        level = shapes.blob(
            rng,
            x,
            y,
            -a * rng.uniform(0.2, 0.65),
            rng.uniform(-0.3, 0.25) * b,
            a * size * 0.8,
            b * size,
            rng.uniform(-0.6, 0.6),
            rng.uniform(0.1, 0.5),
        )
        if rng.random() < 0.4:  # a left lobe that reaches over
            lobe = shapes.blob(
                rng,
                x,
                y,
                rng.uniform(-0.2, 0.2),
                -b * rng.uniform(0.25, 0.6),
                a * rng.uniform(0.3, 0.6),
                b * rng.uniform(0.1, 0.3),
                rng.normal() * 0.3,
                0.2,
            )
            level = np.minimum(level, lobe)
        label = place(level, margin=rng.choice([0.0, 0.02]))
        if label is not None:
            if rng.random() < 0.75:
                add_vessels(rng, canvas, label, x, y)
            if rng.random() < 0.3:
                add_lesions(rng, canvas, label, x, y)

    def spleen():
        depth = rng.uniform(0.2, 1.1)
        level = shapes.crescent(
            rng,
            x,
            y,
            a * rng.uniform(0.45, 0.8),
            b * rng.uniform(-0.2, 0.5),
            rng.uniform(0.1, 0.28),
            rng.uniform(0.15, 0.42),
            rng.uniform(-0.7, 0.9),
            depth,
        )
        label = place(level)
        if label is not None and rng.random() < 0.2:
            add_lesions(rng, canvas, label, x, y)

    def stomach():
        family = rng.random()
        cx, cy = a * rng.uniform(0.0, 0.55), -b * rng.uniform(0.0, 0.6)
        if family < 0.6:
            level = shapes.blob(
                rng, x, y, cx, cy, rng.uniform(0.15, 0.45), rng.uniform(0.1, 0.35), rng.uniform(0, np.pi), 0.3
            )
        else:
            level = shapes.tube(
                rng, x, y, cx, cy, rng.uniform(0.4, 0.9), rng.uniform(0.08, 0.18), rng.uniform(-1, 1), 1.2
            )
        label = place(level)
        if label is not None and rng.random() < 0.75:
            add_wall(rng, canvas, label, level)

    def kidney(side):
        level = shapes.crescent(
            rng,
            x,
            y,
            side * rng.uniform(0.28, 0.55) * a + 0.02,
            spine_y - rng.uniform(-0.05, 0.25),
            rng.uniform(0.09, 0.19),
            rng.uniform(0.12, 0.25),
            rng.normal() * 0.5 + (np.pi if side > 0 else 0),
            rng.uniform(0.1, 0.8),
        )
        mask = (level < 0) & cavity
        if rng.random() < 0.85:
            grown = ndimage.binary_dilation(mask, iterations=int(rng.integers(2, 10)))
            canvas.labels[grown & cavity] = filler
        label = canvas.add(mask, Tissue.ORGAN)
        if label is None:
            return
        if rng.random() < 0.55:
            add_rim(rng, canvas, label, level)
        if rng.random() < 0.2:
            add_lesions(rng, canvas, label, x, y)

    def gut():
        for _ in range(rng.integers(2, 16)):
            cx, cy = rng.uniform(-0.8, 0.8) * a, rng.uniform(-0.8, 0.5) * b
            size = rng.uniform(0.05, 0.16)
            if rng.random() < 0.6:
                level = shapes.blob(rng, x, y, cx, cy, size, size * rng.uniform(0.6, 1.5), rng.uniform(0, 3), 0.25)
            else:
                level = shapes.tube(rng, x, y, cx, cy, rng.uniform(0.2, 0.7), size * 0.7, rng.uniform(0, np.pi), 1.0)
            label = place(level, odds=0.5)
            if label is not None and rng.random() < 0.7:
                add_wall(rng, canvas, label, level)

    def vessels():
        for cx in (rng.normal() * 0.06 + shift, rng.normal() * 0.06 - 0.15):
            radius = rng.uniform(0.03, 0.085)
            level = shapes.superellipse(
                x,
                y,
                cx,
                spine_y - r - radius - rng.uniform(0, 0.06),
                radius * rng.uniform(0.9, 1.5),
                radius,
                rng.normal() * 0.3,
            )
            label = place(level, Tissue.VESSEL)
            if label is not None and rng.random() < 0.2:
                add_rim(rng, canvas, label, level)
        for _ in range(rng.integers(0, 5)):
            level = shapes.tube(
                rng,
                x,
                y,
                rng.normal() * 0.25,
                rng.uniform(-0.4, 0.3),
                rng.uniform(0.15, 0.5),
                rng.uniform(0.012, 0.03),
                rng.uniform(0, np.pi),
            )
            place(level, Tissue.VESSEL, odds=0.3)

    def small():
        level = shapes.blob(
            rng,
            x,
            y,
            -rng.uniform(0.1, 0.5) * a,
            -rng.uniform(-0.2, 0.5) * b,
            rng.uniform(0.06, 0.14),
            rng.uniform(0.05, 0.12),
            rng.uniform(0, 3),
            0.1,
        )
        place(level, Tissue.FLUID, odds=0.3)
        level = shapes.tube(
            rng,
            x,
            y,
            rng.normal() * 0.15,
            spine_y - r - rng.uniform(0.15, 0.35),
            rng.uniform(0.3, 0.8),
            rng.uniform(0.04, 0.09),
            rng.normal() * 0.5,
            0.9,
        )
        place(level)
        for side in (-1, 1):
            level = shapes.tube(
                rng,
                x,
                y,
                side * rng.uniform(0.2, 0.35),
                spine_y - rng.uniform(0.1, 0.3),
                rng.uniform(0.08, 0.2),
                rng.uniform(0.012, 0.03),
                rng.uniform(0, 3),
                1.5,
            )
            place(level)
        for _ in range(rng.integers(0, 6)):
            size = rng.uniform(0.02, 0.06)
            level = shapes.blob(
                rng,
                x,
                y,
                rng.normal() * 0.4 * a,
                rng.normal() * 0.4 * b,
                size,
                size * rng.uniform(0.6, 1.4),
                rng.uniform(0, 3),
            )
            place(level)

    def lungs():
        side = rng.choice([-1, 1])
        level = shapes.crescent(
            rng,
            x,
            y,
            side * a * rng.uniform(0.4, 0.7),
            b * rng.uniform(0, 0.5),
            a * rng.uniform(0.2, 0.45),
            b * rng.uniform(0.2, 0.5),
            rng.uniform(0, 6),
            rng.uniform(0.5, 1.4),
        )
        place(level, Tissue.LUNG, odds=0.1)

    organs = [(liver, 0.8), (spleen, 0.75), (stomach, 0.75), (gut, 0.75), (small, 0.8), (vessels, 0.9), (lungs, 0.2)]
    rng.shuffle(organs)
    for organ, odds in organs:
        if rng.random() < odds:
            organ()
    for side in (-1, 1):
        if rng.random() < 0.8:
            kidney(side)


def thorax(rng, canvas: Canvas) -> None:
    """Lungs with vessels and nodules, a chambered heart, great vessels."""
    x, y, a, b, r, spine_y, cavity, inner, filler = _torso(rng, canvas)
    for side in (-1, 1):
        if rng.random() < 0.9:
            level = shapes.blob(
                rng,
                x,
                y,
                side * a * rng.uniform(0.38, 0.52),
                rng.normal() * 0.08,
                a * rng.uniform(0.25, 0.45),
                b * rng.uniform(0.5, 0.85),
                rng.normal() * 0.15,
                0.2,
            )
            label = canvas.add((level < 0) & cavity, Tissue.LUNG)
            if label is not None:
                for _ in range(3):
                    add_vessels(rng, canvas, label, x, y)
                if rng.random() < 0.5:
                    add_lesions(rng, canvas, label, x, y)
    level = shapes.blob(
        rng,
        x,
        y,
        rng.uniform(-0.1, 0.25),
        -rng.uniform(0, 0.3),
        rng.uniform(0.2, 0.45),
        rng.uniform(0.2, 0.4),
        rng.uniform(0, 3),
        0.2,
    )
    heart = canvas.add((level < 0) & cavity, Tissue.MUSCLE)
    if heart is not None:
        for _ in range(rng.integers(1, 5)):
            inside = canvas.region(heart) & (level < -0.12)
            chamber = shapes.blob(
                rng,
                x,
                y,
                rng.uniform(-0.2, 0.4),
                -rng.uniform(-0.1, 0.4),
                rng.uniform(0.08, 0.2),
                rng.uniform(0.08, 0.2),
                rng.uniform(0, 3),
            )
            canvas.add((chamber < 0) & inside, Tissue.VESSEL, parent=heart)
    for _ in range(rng.integers(1, 6)):
        size = rng.uniform(0.03, 0.1)
        vessel = shapes.superellipse(
            x, y, rng.normal() * 0.18, rng.normal() * 0.25, size, size * rng.uniform(0.7, 1.5), rng.uniform(0, 3)
        )
        canvas.add((vessel < 0) & cavity, Tissue.VESSEL)
    if rng.random() < 0.4:
        dome = shapes.blob(rng, x, y, -a * 0.45, rng.normal() * 0.2, rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.5))
        canvas.add((dome < 0) & cavity, Tissue.ORGAN)


def head(rng, canvas: Canvas) -> None:
    """Scalp, skull, folded cortex, ventricles, nuclei, tumours with rim, core and oedema."""
    x, y = warped_grid(rng, SCENE_SIZE, rng.uniform(0.005, 0.04))
    a, b = rng.uniform(0.6, 0.9), rng.uniform(0.7, 0.97)
    outline = shapes.superellipse(x, y, 0, 0, a, b, rng.normal() * 0.1, rng.uniform(1.9, 2.4))
    stripped = rng.random() < 0.4
    brain_level = outline
    if not stripped:
        canvas.add(outline < 0, Tissue.FAT, target=False)
        scalp, skull = rng.uniform(0.02, 0.1), rng.uniform(0.03, 0.1)
        bone = canvas.add(outline < -scalp, Tissue.BONE)
        marrow = (outline < -scalp - skull * 0.3) & (outline > -scalp - skull * 0.7)
        if rng.random() < 0.5:
            canvas.add(marrow, Tissue.MARROW, parent=bone, target=False)
        canvas.add(outline < -scalp - skull, Tissue.FLUID, target=False)
        brain_level = outline + scalp + skull + rng.uniform(0.0, 0.06)
    folds = smooth_noise(rng, x.shape, rng.uniform(12, 26))
    surface = brain_level + 0.03 * np.maximum(folds, 0)
    brain = canvas.add(surface < 0, Tissue.GREY)
    if brain is None:
        return
    white = surface + rng.uniform(0.06, 0.16) + rng.uniform(0.03, 0.1) * folds
    matter = canvas.add(white < 0, Tissue.WHITE, parent=brain, target=bool(rng.random() < 0.3))
    host = brain if matter is None else matter
    wide = rng.uniform(0.5, 1.6)
    for side in (-1, 1):
        if rng.random() < 0.85:
            level = shapes.crescent(
                rng,
                x,
                y,
                side * rng.uniform(0.08, 0.16),
                rng.normal() * 0.1,
                0.08 * wide,
                rng.uniform(0.15, 0.35) * wide,
                rng.normal() * 0.3 + (np.pi if side < 0 else 0),
                rng.uniform(0.3, 1.2),
            )
            canvas.add((level < 0) & (brain_level < -0.05), Tissue.FLUID, parent=host)
        for _ in range(rng.integers(0, 3)):
            level = shapes.blob(
                rng,
                x,
                y,
                side * rng.uniform(0.12, 0.35),
                rng.normal() * 0.2,
                rng.uniform(0.04, 0.12),
                rng.uniform(0.06, 0.18),
                rng.normal() * 0.4,
            )
            canvas.add((level < 0) & (brain_level < -0.05), Tissue.GREY, parent=host)
    if rng.random() < 0.3:
        canvas.add((np.abs(x) < 0.008) & (brain_level < 0), Tissue.FLUID, parent=host, target=False)
    for _ in range(rng.choice([0, 1, 1, 2])):
        cx, cy = rng.uniform(-0.5, 0.5) * a, rng.uniform(-0.6, 0.6) * b
        size = rng.uniform(0.06, 0.38)
        field = shapes.blob(
            rng, x, y, cx, cy, size, size * rng.uniform(0.6, 1.3), rng.uniform(0, 3), rng.uniform(0.1, 0.7)
        )
        ragged = field + rng.uniform(0, 0.3) * folds
        brain_mask = brain_level < -0.02
        outer = canvas.add((ragged < 0) & brain_mask, Tissue.LESION, parent=host)
        if outer is None or rng.random() < 0.3:
            continue
        scale = rng.uniform(0.4, 0.85)
        level = shapes.blob(
            rng,
            x,
            y,
            cx + rng.normal() * size * 0.15,
            cy + rng.normal() * size * 0.15,
            size * scale,
            size * scale * rng.uniform(0.7, 1.2),
            rng.uniform(0, 3),
            0.4,
        )
        core = canvas.add((level < 0) & canvas.region(outer), Tissue.LESION, parent=outer)
        if core is not None and rng.random() < 0.6:
            canvas.add((level < -rng.uniform(0.15, 0.6)) & canvas.region(core), Tissue.FLUID, parent=core)


def limbs(rng, canvas: Canvas) -> None:
    """One or two limbs or a pelvis: muscles by partition, bones with marrow, vessels."""
    x, y = warped_grid(rng, SCENE_SIZE, rng.uniform(0.01, 0.06))
    for side in (-1, 1) if rng.random() < 0.6 else (0,):
        cx = side * rng.uniform(0.4, 0.5)
        a = rng.uniform(0.3, 0.46) if side else rng.uniform(0.5, 0.9)
        outline = shapes.superellipse(x, y, cx, 0, a, a * rng.uniform(0.8, 1.3), 0, 2.2)
        canvas.add(outline < 0, Tissue.FAT, target=False)
        inner = outline < -rng.uniform(0.05, 0.3)
        fields = np.stack([smooth_noise(rng, x.shape, rng.uniform(3, 7)) for _ in range(rng.integers(3, 8))])
        ranked = np.sort(fields, axis=0)
        seam = ranked[-1] - ranked[-2] < rng.uniform(0.0, 0.12)
        for i in range(len(fields)):
            canvas.add((fields.argmax(0) == i) & inner & ~seam, Tissue.MUSCLE)
        for _ in range(rng.integers(1, 3)):
            r = a * rng.uniform(0.12, 0.35)
            level = shapes.blob(
                rng, x, y, cx + rng.normal() * a * 0.25, rng.normal() * a * 0.25, r, r * rng.uniform(0.7, 1.4), 0, 0.2
            )
            bone = canvas.add((level < 0) & (outline < 0), Tissue.BONE)
            if bone is not None:
                core = canvas.region(bone) & (level < -rng.uniform(0.1, 0.5))
                canvas.add(core, Tissue.MARROW, parent=bone, target=bool(rng.random() < 0.3))
        for _ in range(rng.integers(0, 5)):
            size = rng.uniform(0.015, 0.05)
            level = shapes.superellipse(x, y, cx + rng.normal() * a * 0.4, rng.normal() * a * 0.4, size, size)
            canvas.add((level < 0) & (outline < 0), Tissue.VESSEL)


def packing(rng, canvas: Canvas) -> None:
    """Any shape anywhere: convex, crescent, ring, tube, thin, nested, touching, with holes."""
    x, y = warped_grid(rng, SCENE_SIZE, rng.uniform(0.0, 0.12))
    allowed = np.ones(x.shape, bool)
    background = 0
    if rng.random() < 0.7:
        outline = shapes.blob(rng, x, y, 0, 0, rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0), 0, 0.15)
        allowed = outline < 0
        background = canvas.add(allowed, Tissue.FAT, target=False) or 0
    scale = np.exp(rng.uniform(np.log(0.5), np.log(2.0)))
    tissues = (Tissue.ORGAN, Tissue.FLUID, Tissue.VESSEL, Tissue.MUSCLE, Tissue.LESION, Tissue.BONE)
    for _ in range(rng.integers(3, 26)):
        cx, cy = rng.uniform(-0.85, 0.85, 2)
        size = min(0.7, scale * np.exp(rng.uniform(np.log(0.04), np.log(0.45))))
        other = size * rng.uniform(0.4, 1.6)
        angle = rng.uniform(0, 2 * np.pi)
        kind = rng.choice(6, p=(0.3, 0.25, 0.2, 0.1, 0.1, 0.05))
        if kind == 0:
            level = shapes.blob(rng, x, y, cx, cy, size, other, angle, rng.uniform(0.05, 0.6))
        elif kind == 1:
            level = shapes.crescent(rng, x, y, cx, cy, size, other, angle)
        elif kind == 2:
            level = shapes.tube(rng, x, y, cx, cy, 3 * size, rng.uniform(0.1, 0.5) * size, angle, 1.2)
        elif kind == 3:
            level = shapes.ring(shapes.blob(rng, x, y, cx, cy, size, other, angle), rng.uniform(0.1, 0.5))
        elif kind == 4:
            level = shapes.superellipse(x, y, cx, cy, size, other, angle, rng.uniform(2, 5))
        else:
            level = np.minimum(
                shapes.blob(rng, x, y, cx, cy, size, other, angle, 0.3),
                shapes.blob(rng, x, y, cx + rng.normal() * size, cy + rng.normal() * size, size, other, angle + 1, 0.3),
            )
        mask = (level < 0) & allowed
        _gap(rng, canvas, mask, allowed, background, 0.3)
        label = canvas.add(mask, tissues[rng.integers(len(tissues))])
        if label is None:
            continue
        inside = rng.random()
        if inside < 0.15:
            add_lesions(rng, canvas, label, x, y)
        elif inside < 0.3:
            add_vessels(rng, canvas, label, x, y)
        elif inside < 0.4 and kind not in (2, 3):
            add_wall(rng, canvas, label, level)
        elif inside < 0.5 and kind not in (2, 3):
            add_rim(rng, canvas, label, level)
        elif inside < 0.55:
            hole = (level < -rng.uniform(0.4, 0.7)) & canvas.region(label)
            canvas.labels[hole] = background


def partition(rng, canvas: Canvas) -> None:
    """The plane cut into regions by competing noise fields: everything touches."""
    x, y = warped_grid(rng, SCENE_SIZE, 0.05)
    allowed = np.ones(x.shape, bool)
    if rng.random() < 0.6:
        allowed = shapes.superellipse(x, y, 0, 0, rng.uniform(0.6, 1), rng.uniform(0.6, 1), 0, 2.5) < 0
        canvas.add(allowed, Tissue.FAT, target=False)
    cells = np.exp(rng.uniform(np.log(3), np.log(11)))
    count = int(rng.integers(3, 12))
    fields = np.stack([smooth_noise(rng, x.shape, cells * rng.uniform(0.7, 1.4)) for _ in range(count)])
    ranked = np.sort(fields, axis=0)
    seam = (ranked[-1] - ranked[-2]) < rng.choice([0.0, 0.0, 0.05, 0.15])
    winner = fields.argmax(axis=0)
    tissues = (Tissue.ORGAN, Tissue.MUSCLE, Tissue.FLUID, Tissue.FAT, Tissue.VESSEL)
    for i in range(count):
        label = canvas.add((winner == i) & allowed & ~seam, tissues[rng.integers(len(tissues))])
        if label is not None and rng.random() < 0.1:
            add_lesions(rng, canvas, label, x, y, 2)
