"""Box-prompted Dice per organ, beside the two answers that need no model.

For every slice of a labelled volume and every organ large enough on it, a box is drawn around the
reference mask, and the model's answer, the filled box and the filled ellipse are compared with the
reference. A model that does not beat the ellipse has added nothing to the user's box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

#: How carelessly a reader draws a box: each side up to so much of the box short of the organ, or so much too far out.
READER_SHORT, READER_OUTWARDS = 0.05, 0.08

Segment = Callable[[int, np.ndarray], np.ndarray]
"""(slice number, boxes (K, 4) x0, y0, x1, y1 in pixel edges) to masks (K, h, w) bool."""


@dataclass(frozen=True)
class OrganDice:
    """Mean Dice over the slices of one organ.

    Attributes:
        organ: Its name.
        slices: How many slices counted.
        model: The model's Dice.
        box: That of the filled box.
        ellipse: That of the ellipse inscribed in the box.
    """

    organ: str
    slices: int
    model: float
    box: float
    ellipse: float


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Twice the shared pixels of two masks over the sum of their pixels; 1 where both are empty (Dice, Ecology 26, 1945).

    Args:
        a: Bool, any shape.
        b: Bool, the same shape.

    Raises:
        ValueError: Where the shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"Masks of shapes {a.shape} and {b.shape} cannot be compared: resample one.")
    total = int(a.sum()) + int(b.sum())
    return 1.0 if total == 0 else 2.0 * int((a & b).sum()) / total


def box_mask(box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres lie in a box.

    Args:
        box: (4,) x0, y0, x1, y1 in pixel edges: pixel i covers [i, i + 1].
        shape: (rows, columns) of the result.

    Returns:
        (rows, columns) bool.
    """
    y = np.arange(shape[0])[:, None] + 0.5
    x = np.arange(shape[1])[None, :] + 0.5
    return (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])


def ellipse_mask(box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose centres lie in the ellipse inscribed in a box.

    Args:
        box: (4,) x0, y0, x1, y1 in pixel edges.
        shape: (rows, columns) of the result.

    Returns:
        (rows, columns) bool.
    """
    y = np.arange(shape[0])[:, None] + 0.5
    x = np.arange(shape[1])[None, :] + 0.5
    half_width = max((box[2] - box[0]) / 2, 1e-6)
    half_height = max((box[3] - box[1]) / 2, 1e-6)
    u = (x - (box[0] + box[2]) / 2) / half_width
    v = (y - (box[1] + box[3]) / 2) / half_height
    return u * u + v * v <= 1.0


def jittered_box(
    rng: np.random.Generator, mask: np.ndarray, jitter: float, outwards: float | None = None
) -> np.ndarray:
    """The box around a mask with every side moved at random, in or out.

    Args:
        rng: Draws the moves.
        mask: (rows, columns) bool.
        jitter: By how much a side may move, as a share of the box.
        outwards: Another share for moves outwards; None for the same.

    Returns:
        (4,) x0, y0, x1, y1 in pixel edges, on whole pixels as a user's box is, at least one pixel large, inside the
        slice.

    Raises:
        ValueError: For an empty mask.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("An empty mask has no box: leave out slices without the organ.")
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    sides = np.array([x1 - x0, y1 - y0] * 2)
    # Without `outwards` the signs do not matter, and earlier boxes stay as they were.
    signs = np.array([1, 1, 1, 1] if outwards is None else [-1, -1, 1, 1])
    moved = rng.uniform(-jitter, jitter if outwards is None else outwards, 4) * signs
    box = np.rint(np.array([x0, y0, x1, y1]) + moved * sides)
    height, width = mask.shape
    x0, y0 = np.clip(box[:2], 0, (width - 1, height - 1))
    x1, y1 = np.clip(box[2:], (x0 + 1, y0 + 1), (width, height))
    return np.array([x0, y0, x1, y1])


@dataclass(frozen=True)
class BoxRules:
    """Which slices count for an organ, and how boxes are drawn around its reference.

    Attributes:
        smallest_px: A slice counts with more than so many voxels of the organ on it.
        jitter: Share of the box by which each side may be off, in or out.
        seed: Boxes follow from it alone, so every model is asked the same.
    """

    smallest_px: int = 100
    jitter: float = 0.05
    seed: int = 0


def box_dice(
    segment: Segment, reference: np.ndarray, organs: Mapping[int, str], rules: BoxRules = BoxRules()
) -> list[OrganDice]:
    """Judges `segment` on the slices of a volume.

    Args:
        segment: The model's answers.
        reference: (n, h, w) labels.
        organs: Name by label; organs without a slice are left out.
        rules: Which slices count, and how boxes are drawn.

    Raises:
        InputError: No organ is found.
    """
    rng = np.random.default_rng(rules.seed)
    rows: dict[int, list[tuple[float, float, float]]] = {label: [] for label in organs}
    for index, labels in enumerate(reference):
        masks = {label: labels == label for label in organs}
        masks = {label: mask for label, mask in masks.items() if mask.sum() > rules.smallest_px}
        if not masks:
            continue
        boxes = np.stack([jittered_box(rng, mask, rules.jitter) for mask in masks.values()])
        answers = segment(index, boxes)
        for (label, mask), box, answer in zip(masks.items(), boxes, answers, strict=True):
            rows[label].append(
                (
                    dice(answer, mask),
                    dice(box_mask(box, mask.shape), mask),
                    dice(ellipse_mask(box, mask.shape), mask),
                )
            )
    if not any(rows.values()):
        raise InputError(
            f"No slice has more than {rules.smallest_px} voxels of {', '.join(organs.values())}; check the "
            "labels of the reference, or lower the smallest size."
        )
    return [
        OrganDice(organs[label], len(values), *(float(v) for v in np.mean(values, axis=0)))
        for label, values in rows.items()
        if values
    ]


def mean_over_organs(rows: list[OrganDice]) -> OrganDice:
    """The mean over organs, every organ counting once.

    Raises:
        ValueError: Where there is no row.
    """
    if not rows:
        raise ValueError("There is no organ to take the mean of: judge at least one.")
    means = np.mean([(row.model, row.box, row.ellipse) for row in rows], axis=0)
    return OrganDice("mean over organs", sum(row.slices for row in rows), *map(float, means))


def table(rows: list[OrganDice]) -> str:
    """Rows and their mean as a Markdown table."""
    lines = [
        "| organ | slices | model | filled box | filled ellipse |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in (*rows, mean_over_organs(rows)):
        lines.append(f"| {row.organ} | {row.slices} | {row.model:.3f} | {row.box:.3f} | {row.ellipse:.3f} |")
    return "\n".join(lines)
