"""Training samples: a rendered slice, boxes around some of its structures, and their masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .appearance import random_appearance
from .boxes import drawn_box, tight_box
from .rendering import deform, render
from .scene import Scene

SMALLEST_SHARE = 0.0015
"""Share of the slice below which a structure is not asked for (98 of 256 x 256 pixels)."""

LARGEST_SHARE = 0.6
"""Share of the slice above which a structure is not asked for."""


@dataclass(frozen=True)
class Sample:
    """One slice with its questions and answers.

    Attributes:
        image: (S, S) float32 in [0, 1].
        boxes: (K, 4) float32 x0, y0, x1, y1 in pixels.
        masks: (K, S, S) bool.
        regions: (S, S) uint8, the innermost structure that can be asked for at every pixel, 0 for none.
        extents: (256, 4) float32, the tight box of each structure as shares of S.
    """

    image: np.ndarray
    boxes: np.ndarray
    masks: np.ndarray
    regions: np.ndarray
    extents: np.ndarray


def askable_structures(scene: Scene, labels: np.ndarray, shares: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The structures that a box can be drawn around.

    Args:
        scene: The structures.
        labels: (S, S), where they lie.
        shares: The smallest and the largest part of the slice that such a structure takes.

    Returns:
        Their numbers, and (all structures,) the share of the slice of each.
    """
    counts = np.bincount(labels.ravel(), minlength=len(scene.parent))
    share = (scene.members() @ counts) / labels.size
    return np.flatnonzero(scene.target & (share >= shares[0]) & (share <= shares[1])), share


def make_sample(rng: np.random.Generator, scene: Scene, size: int, boxes: int, attempts: int = 8) -> Sample | None:
    """Renders a scene with boxes around some of its structures.

    Structures are drawn without replacement, larger ones more often; where there are too few, they are repeated with
    other boxes.

    Args:
        rng: Of everything random.
        scene: The structures.
        size: Pixels a side, S.
        boxes: How many, K.
        attempts: How often a scene without a structure is rendered anew.

    Returns:
        None where no structure is left in any attempt.
    """
    members = scene.members()
    for _ in range(attempts):
        labels = deform(rng, scene.labels, size)
        askable, share = askable_structures(scene, labels, (SMALLEST_SHARE, LARGEST_SHARE))
        if len(askable):
            break
    else:
        return None
    weight = share[askable] ** 0.6
    chosen = rng.choice(askable, min(boxes, len(askable)), replace=False, p=weight / weight.sum())
    if len(chosen) < boxes:
        chosen = np.concatenate([chosen, rng.choice(askable, boxes - len(chosen))])
    masks = members[chosen][:, labels]
    drawn = np.stack([drawn_box(rng, tight_box(mask), size) for mask in masks])

    innermost = np.zeros(256, np.uint8)
    for label in range(len(scene.parent)):
        ancestor = label
        while not scene.target[ancestor] and scene.parent[ancestor] != ancestor:
            ancestor = scene.parent[ancestor]
        innermost[label] = ancestor if scene.target[ancestor] else 0
    regions = innermost[labels]
    extents = np.zeros((256, 4), np.float32)
    for label in np.unique(regions):
        if label:
            extents[label] = tight_box(regions == label) / size
    image = render(rng, labels, random_appearance(rng, scene))
    return Sample(image, drawn, masks, regions, extents)
