"""Intensities for a scene's structures: on a CT scale, like an MR, or free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .scene import Scene, Tissue

# Hounsfield units (mean, deviation between structures) of tissues that contrast medium leaves alone.
_HOUNSFIELD = {
    Tissue.AIR: (-1000.0, 0.0),
    Tissue.FAT: (-100.0, 12.0),
    Tissue.MUSCLE: (55.0, 10.0),
    Tissue.BONE: (500.0, 220.0),
    Tissue.MARROW: (200.0, 80.0),
    Tissue.FLUID: (12.0, 10.0),
    Tissue.GAS: (-700.0, 200.0),
    Tissue.LUNG: (-820.0, 60.0),
    Tissue.GREY: (38.0, 3.0),
    Tissue.WHITE: (28.0, 3.0),
}


@dataclass(frozen=True)
class Appearance:
    """How the structures of one scene look.

    Attributes:
        mean: (n,) float32, the intensity of each label.
        fine: (n,) float32, the deviation of its fine texture.
        coarse: (n,) float32, the deviation of its coarse texture.
        window: (low, high) that becomes 0 and 1, or None for percentiles (MR).
    """

    mean: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray
    window: tuple[float, float] | None


def random_appearance(rng: np.random.Generator, scene: Scene) -> Appearance:
    """Draw an appearance: CT-like (45 %), MR-like (25 %) or free (30 %)."""
    kind = rng.random()
    if kind < 0.45:
        return _ct(rng, scene)
    return _free(rng, scene, dark_air=kind < 0.7)


def _ct(rng: np.random.Generator, scene: Scene) -> Appearance:
    organ = rng.uniform(35, 130)
    spread = rng.uniform(8, 40)
    vessel = organ + rng.uniform(-20, 150)
    mean = np.zeros(len(scene.tissue), np.float32)
    for label, tissue in enumerate(scene.tissue):
        root = scene.parent[label] == label
        if tissue in _HOUNSFIELD:
            level, deviation = _HOUNSFIELD[Tissue(int(tissue))]
            mean[label] = level + deviation * rng.normal()
        elif tissue == Tissue.VESSEL and root:
            mean[label] = vessel + 15 * rng.normal()
        elif root:
            mean[label] = organ + spread * rng.normal()
        else:
            mean[label] = mean[scene.parent[label]] + rng.choice([-1, 1]) * rng.uniform(8, 70)
    shade = np.full(len(mean), rng.uniform(0, 12), np.float32)
    window = (-160.0, 240.0)
    if rng.random() < 0.2:
        level, width = ((40, 80), (-500, 1500), (50, 250), (60, 600), (300, 1500))[rng.integers(5)]
        width *= rng.uniform(0.8, 1.2)
        window = (level - width / 2, level + width / 2)
    return Appearance(
        mean,
        shade * rng.uniform(0, 1, len(mean)).astype(np.float32),
        shade * rng.uniform(0, 1, len(mean)).astype(np.float32),
        window,
    )


def _free(rng: np.random.Generator, scene: Scene, dark_air: bool) -> Appearance:
    count = len(scene.tissue)
    mean = rng.uniform(0.05, 1.0, count).astype(np.float32)
    # Often all tissue of a kind looks alike, as it does in a scan.
    if rng.random() < 0.6:
        common = rng.uniform(0.05, 1.0, len(Tissue)).astype(np.float32)
        spread = rng.uniform(0.02, 0.2)
        mean = common[scene.tissue] + spread * rng.standard_normal(count).astype(np.float32)
    if rng.random() < 0.3:  # low contrast throughout
        mean = 0.5 + (mean - 0.5) * rng.uniform(0.25, 0.7)
    step = rng.uniform(0.05, 0.4)
    for label in range(count):
        parent = scene.parent[label]
        if parent != label and rng.random() < 0.8:
            mean[label] = mean[parent] + rng.choice([-1, 1]) * step * rng.uniform(0.3, 1.2)
    mean = np.clip(mean, 0.0, 1.3).astype(np.float32)
    if dark_air:
        dark = (scene.tissue == Tissue.AIR) | (scene.tissue == Tissue.GAS) | (scene.tissue == Tissue.LUNG)
        mean[dark] = rng.uniform(0.0, 0.06)
        bone = scene.tissue == Tissue.BONE
        mean[bone] = mean[bone] * rng.uniform(0.1, 1.0)
    shade = rng.uniform(0, 0.12)
    fine = (shade * rng.uniform(0, 1, count)).astype(np.float32)
    coarse = (shade * rng.uniform(0, 1, count)).astype(np.float32)
    if rng.random() < 0.15:  # a structure told by its texture as much as by its level
        fine *= rng.uniform(0, 4, count).astype(np.float32)
    if dark_air:
        fine[0] = coarse[0] = 0.0
    return Appearance(mean, fine, coarse, None)
