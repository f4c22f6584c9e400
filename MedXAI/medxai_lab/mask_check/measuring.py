"""Asks a model about boxes whose right answer is known, and keeps a row for each of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.special import expit

from medxai.engine import Engine
from medxai.mask_check import decidedness
from medxai.metrics.box_dice import dice
from medxai.request import ExplainRequest, ModelChoice
from medxai.slice.box import PixelBox

from .boxes import MADE_UP, Asked, readers_box

_MOVED_BOXES = 8
#: Moved boxes take twice the time of all else, so they are asked on some of the made-up scenes only.
_PAIRS_EVERY = 3


@dataclass(frozen=True)
class Measured:
    """One box: what the mask is worth, and what might tell so without knowing the truth.

    Attributes:
        source: See `Asked`.
        patient: See `Asked`.
        group: See `Asked`.
        dice: The mask's with the truth.
        decidedness: `medxai.mask_check.decidedness`.
        margin: The mean of 2 p − 1 inside the mask, a simpler measure that the check is compared with.
        iou_estimate: The decoder's own guess.
        pairwise_dice: Mean over all pairs of eight moved boxes' masks; NaN where it was not taken.
    """

    source: str
    patient: str
    group: int
    dice: float
    decidedness: float
    margin: float
    iou_estimate: float
    pairwise_dice: float


def measured(asked: Iterable[Asked], choice: ModelChoice, engine: Engine) -> Iterator[Measured]:
    """Asks a model about every box."""
    for one in asked:
        request = ExplainRequest.of_slice(one.volume, one.plane, one.index, model=choice, layers=("neck",))
        has_pairs = one.source != MADE_UP or one.group % _PAIRS_EVERY == 0
        for found, truth, box in zip(engine.segment(request, one.boxes), one.truths, one.boxes, strict=True):
            pairs = _pairwise_dice(engine, request, box, one.group) if has_pairs else float("nan")
            decided, inside = decidedness(found.logits), _margin(found.logits)
            if decided is not None and inside is not None:
                overlap = dice(found.mask, truth)
                of = one.source, one.patient, one.group
                yield Measured(*of, overlap, decided, inside, found.iou_estimate, pairs)


def _pairwise_dice(engine: Engine, request: ExplainRequest, box: PixelBox, seed: int) -> float:
    rng, whole = np.random.default_rng(seed), box.mask(request.image.shape)
    masks = [one.mask for one in engine.segment(request, [readers_box(rng, whole) for _ in range(_MOVED_BOXES)])]
    return float(np.mean([dice(a, b) for a, b in combinations(masks, 2)]))


def write_rows(path: Path, rows: Iterable[Measured]) -> None:
    """Writes a CSV file with a row a box, whole or not at all."""
    partial = path.with_suffix(".part")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Measured)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.5f}" if isinstance(v, float) else v for k, v in asdict(row).items()} for row in rows)
    partial.replace(path)


def read_rows(path: Path) -> list[Measured]:
    """What `write_rows` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Measured(
                row["source"],
                row["patient"],
                int(row["group"]),
                *(float(row[one.name]) for one in fields(Measured)[3:]),
            )
            for row in csv.DictReader(file)
        ]


def _margin(logits: np.ndarray) -> float | None:
    """The mean of 2 p − 1 inside a mask; None for an empty one.

    Args:
        logits: (4h, 4w) over the model's square.
    """
    inside = logits[logits > 0]
    return float((2 * expit(inside, dtype=np.float32) - 1).mean()) if len(inside) else None
