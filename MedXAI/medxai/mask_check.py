"""How good is the mask as a whole? An interval of its Dice, from what made-up structures had whose masks were as decided.

Decidedness is the Dice of the mask with the probabilities that it was cut from: 1 where all of them are 0 or 1 (Borges, Pacheco
and Silva, arXiv 2402.10665, whose score SDC it is). It costs nothing. A model's table says which Dice made-up structures
had, by decidedness; the intervals are conformal, so that they hold the Dice of nine in ten structures *of that kind*. Whether
they do on scans can only be tried, and a table says on which it was. Tables are made by `python -m medxai_lab.mask_check`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from .results import (
    EMPTY_MASK_NOT_CHECKED,
    NOTHING_NOT_CHECKED,
    MaskCheck,
    SliceExplanation,
    undecided_not_checked,
)

#: One file a model, named by its checkpoint's SHA-256.
TABLES_FOLDER = Path(__file__).with_name("mask_check_tables")


@dataclass(frozen=True)
class Trial:
    """What came of the check where the Dice was known.

    Attributes:
        on: What it was tried on, for example 'made-up structures' or 'CT'.
        boxes: How many.
        patients: How many; 0 for made-up ones.
        covered: The share of the boxes whose Dice was in its interval.
        below: The share whose Dice was below it.
        width: The intervals' mean width.
    """

    on: str
    boxes: int
    patients: int
    covered: float
    below: float
    width: float


@dataclass(frozen=True)
class MaskCheckTable:
    """What was measured with one model.

    Attributes:
        title: The model's.
        preparation: How its images were prepared; another preparation has other masks.
        promised: The share of made-up structures whose Dice is in its interval.
        starts: (bins,) rising, the decidedness from which each bin counts. Of masks less decided than the first there were too
            few, one in a hundred, to say anything.
        lower: (bins,) where the interval begins.
        upper: (bins,) where it ends.
        boxes: How many made-up structures the intervals come from.
        trials: Where it was tried: on held-out made-up structures, then on scans.
    """

    title: str
    preparation: str
    promised: float
    starts: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    boxes: int
    trials: Sequence[Trial]

    def intervals(self, decided: np.ndarray) -> np.ndarray:
        """(n, 2): the intervals of Dice of masks so decided, (n,); NaN where there is none."""
        bins = np.searchsorted(self.starts, decided, side="right")
        return np.stack([np.asarray([np.nan, *ends])[bins] for ends in (self.lower, self.upper)], axis=-1)

    @property
    def how_tested(self) -> str:
        """How often the promise was kept, and on how few patients."""
        held_out, *scans = self.trials
        said = f"In that range were {held_out.covered:.0%} of {held_out.boxes} other made-up structures"
        if not scans:
            return f"{said}; it was not tried on any scan."
        each = " and ".join(f"{one.covered:.0%} on the {one.on} ({one.below:.0%} below it)" for one in scans)
        boxes, patients = sum(one.boxes for one in scans), sum(one.patients for one in scans)
        return f"{said}, and of {boxes} boxes on scans of {patients} patient{'s' * (patients > 1)} {each}."


@cache
def table_of(checksum_sha256: str) -> MaskCheckTable | None:
    """The table of a checkpoint; None where none was made."""
    path = TABLES_FOLDER / f"{checksum_sha256}.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return MaskCheckTable(**{**found, "trials": tuple(Trial(**one) for one in found["trials"])})


def mask_check_of(result: SliceExplanation) -> MaskCheck:
    """The check of a result's mask.

    Without an interval for a preview, for an empty mask, where the model or its preparation has no table, for a mask less decided
    than nearly all that the table was made from, and where the result is not told from a box over nothing: of all these
    nothing was measured.
    """
    table = table_of(result.model.checksum_sha256)
    if result.is_preview or table is None or table.preparation != result.model.preparation:
        return MaskCheck()
    decided = decidedness(result.segmentation.logits)
    if decided is None:
        return MaskCheck(why_not=EMPTY_MASK_NOT_CHECKED)
    if result.presence.is_told is False:
        return MaskCheck(decided, why_not=NOTHING_NOT_CHECKED)
    lower, upper = (float(edge) for edge in table.intervals(np.array([decided]))[0])
    if np.isnan(lower):
        return MaskCheck(decided, why_not=undecided_not_checked(decided))
    return MaskCheck(decided, lower, upper, table.promised, table.how_tested, why_not="")


def decidedness(logits: np.ndarray) -> float | None:
    """The Dice of a mask with the probabilities it was cut from, 2 Σ p m / (Σ p + Σ m); None for an empty mask.

    Args:
        logits: (4h, 4w) over the model's square.
    """
    probability, mask = expit(logits, dtype=np.float32), logits > 0
    own = float(probability[mask].sum())
    return 2 * own / (float(probability.sum()) + int(mask.sum())) if mask.any() else None
