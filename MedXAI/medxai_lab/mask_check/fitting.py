"""From measured boxes to a table: conformal intervals by decidedness (crepes), and how well they hold where the Dice is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from crepes import ConformalPredictiveSystem

from medxai.mask_check import MaskCheckTable, Trial

from .boxes import MADE_UP
from .measuring import Measured

PROMISED = 0.9
#: Masks are told apart by so many bins of decidedness, each with equally many made-up structures. Six and eight were a little better
#: on held-out ones, and worse on the scans (Resources/docs/mask_check.md).
_BINS = 4
#: Masks less decided than all but this share of the made-up structures get no interval: with the demo model a box around the whole
#: slice was decided to 0.45, and the least decided of 1557 structures to 0.56.
_TOO_FEW = 0.01
#: Scenes are held out in so many parts, one after the other.
_PARTS = 5


def table_from(title: str, preparation: str, rows: Sequence[Measured]) -> MaskCheckTable:
    """The table of a model, from its made-up structures alone; and how it does on them, held out, and on scans.

    Args:
        title: The model's.
        preparation: How its images were prepared.
        rows: Of the model.
    """
    own = [row for row in rows if row.source == MADE_UP]
    table = replace(_table(own), title=title, preparation=preparation)
    trials = [held_out(own)]
    for source in sorted({row.source for row in rows} - {MADE_UP}):
        there = [row for row in rows if row.source == source]
        trials.append(_trial(source, *_found(table, there), patients=len({row.patient for row in there})))
    return replace(table, trials=tuple(trials))


def held_out(rows: Sequence[Measured]) -> Trial:
    """How intervals do on made-up structures of scenes that had no part in them: each fifth by the other four."""
    dices, intervals = [], []
    for part in range(_PARTS):
        table = _table([row for row in rows if row.group % _PARTS != part])
        found = _found(table, [row for row in rows if row.group % _PARTS == part])
        dices.append(found[0])
        intervals.append(found[1])
    return _trial("made-up structures", np.concatenate(dices), np.concatenate(intervals), patients=0)


def _table(rows: Sequence[Measured]) -> MaskCheckTable:
    """Mondrian conformal intervals (Vovk et al. 2005): those of each bin's own Dice, which nothing was fitted to."""
    dices, decided = (np.array([getattr(row, name) for row in rows]) for name in ("dice", "decidedness"))
    starts = np.quantile(decided, [_TOO_FEW, *np.linspace(0, 1, _BINS + 1)[1:-1]]).round(4)
    enough = decided >= starts[0]
    dices, bins = dices[enough], np.searchsorted(starts, decided[enough], side="right") - 1
    system = ConformalPredictiveSystem().fit(dices, bins=bins)
    nothing_predicted = np.zeros(_BINS)  # so that the residuals are the Dice itself
    intervals = system.predict_int(nothing_predicted, bins=np.arange(_BINS), confidence=PROMISED, y_min=0, y_max=1)
    lower, upper = intervals.round(3).T
    return MaskCheckTable("", "", PROMISED, starts.tolist(), lower.tolist(), upper.tolist(), len(dices), ())


def _found(table: MaskCheckTable, rows: Sequence[Measured]) -> tuple[np.ndarray, np.ndarray]:
    """The Dice (n,) of the boxes that have an interval, and their intervals (n, 2)."""
    dices, intervals = (
        np.array([row.dice for row in rows]),
        table.intervals(np.array([row.decidedness for row in rows])),
    )
    has_one = ~np.isnan(intervals[:, 0])
    return dices[has_one], intervals[has_one]


def _trial(on: str, dices: np.ndarray, intervals: np.ndarray, patients: int) -> Trial:
    lower, upper = intervals.T
    inside = (lower <= dices) & (dices <= upper)
    shares = (float(np.mean(values)) for values in (inside, dices < lower, upper - lower))
    return Trial(on, len(dices), patients, *shares)


def risk_coverage(score: np.ndarray, dices: np.ndarray) -> float:
    """The area under the risk–coverage curve: mean over n of the mean 1 − Dice of the n boxes with the highest score.

    Lower is better; Geifman and El-Yaniv (NeurIPS 2017).

    Args:
        score: (n,), higher where the mask should be better.
        dices: (n,) with the truth.
    """
    risks = 1 - dices[np.argsort(-score, kind="stable")]
    return float((np.cumsum(risks) / np.arange(1, len(risks) + 1)).mean())
