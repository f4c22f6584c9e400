"""How well the contour check finds the points of an outline that are off, beside its baselines, over a cohort.

The question is asked of all points of a group of scans together: which are off by more than so many millimetres? The answer
is the area under the ROC curve. Points of one slice are alike, so intervals are drawn over slices (and over patients first,
where a group has several).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medxai.contour.result import ContourKind

from .statistics import hierarchical_weights
from .summary import ContourLine, KindLine

THRESHOLDS_MM = (3.0, 5.0)
_DRAWS = 2000
CHECK, BASELINE = "check", "baseline"
#: A score of every point, the higher the likelier off: its name, whether it is the check's own, and how it is taken.
_SCORES = {
    "tolerance": (CHECK, lambda points: points.tolerance_mm_per_logit),
    "box-following": (CHECK, lambda points: points.follows_box),
    "near the box's edge": (BASELINE, lambda points: -points.box_edge_mm),
    "far from the box's edge": (BASELINE, lambda points: points.box_edge_mm),
    "image gradient": (BASELINE, lambda points: -points.image_gradient_per_mm),
    "variance over jittered boxes": (BASELINE, lambda points: points.jitter_variance),
    "near another label": (BASELINE, lambda points: -points.other_label_mm),
}
FITTED = "box edge and image gradient, fitted"
_FIT_MM = 5.0


def contour_lines(points: pd.DataFrame) -> Iterator[ContourLine]:
    """Every score on every group, for each threshold. points: the columns of contour_points.parquet."""
    scores = _scores_of(points)
    scores[FITTED] = fitted_baseline(points)
    roles = {name: role for name, (role, _) in _SCORES.items()} | {FITTED: BASELINE}
    for group, own in groups_of(points):
        for threshold in THRESHOLDS_MM:
            off = (own.error_mm > threshold).to_numpy()
            if off.all() or not off.any():
                continue
            slices = own.slice.nunique()
            drawn = {name: _auroc_drawn(scores.loc[own.index, name].to_numpy(), off, own) for name in scores}
            for name, values in drawn.items():
                ahead = drawn["tolerance"] - values
                yield ContourLine(
                    group,
                    name,
                    roles[name],
                    threshold,
                    _known(values[0]),
                    *_ends(values, slices),
                    _known(ahead[0]),
                    *_ends(ahead, slices),
                    float(off.mean()),
                    len(own),
                    own.case_id.nunique(),
                    slices,
                    own.patient.nunique(),
                )


def _scores_of(points: pd.DataFrame) -> pd.DataFrame:
    """A column for each score; cohorts that were measured before there was the last baseline go without it."""
    has_other = "other_label_mm" in points and points.other_label_mm.notna().all()
    known = {name: take for name, (_, take) in _SCORES.items() if has_other or name != "near another label"}
    return pd.DataFrame({name: take(points) for name, take in known.items()}, index=points.index)


def kind_lines(points: pd.DataFrame) -> Iterator[KindLine]:
    """How far points of each kind are off, in every group."""
    for group, own in groups_of(points):
        whole = own.length_mm.sum()
        for kind in ContourKind:
            part = own[own.kind == kind]
            if len(part):
                error = part.error_mm
                over = (float((error > mm).mean()) for mm in THRESHOLDS_MM)
                share = float(part.length_mm.sum() / whole)
                yield KindLine(group, str(kind), share, *over, float(error.median()), float(error.quantile(0.9)))


def groups_of(points: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each modality, then each scan where a modality has several, then all where there are several modalities."""
    for modality, own in points.groupby("modality"):
        yield str(modality), own
        if own.scan.nunique() > 1:
            yield from ((str(scan), part) for scan, part in own.groupby("scan"))
    if points.modality.nunique() > 1:
        yield "all scans", points


def fitted_baseline(points: pd.DataFrame) -> np.ndarray:
    """(n,): logistic regression of both baselines that need no model, each scan scored by a fit on the others.

    Where there is one scan only, its slices are scored by a fit on its other slices. Not a number where nothing can be fitted.
    """
    held_out = points.scan if points.scan.nunique() > 1 else points.slice
    features = np.stack([points.box_edge_mm, np.log1p(points.image_gradient_per_mm)], axis=1)
    off, scores = (points.error_mm > _FIT_MM).to_numpy(), np.full(len(points), np.nan)
    for name in held_out.unique():
        own = (held_out == name).to_numpy()
        if len(set(off[~own])) == 2:
            model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features[~own], off[~own])
            scores[own] = model.decision_function(features[own])
    return scores


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _ends(drawn: np.ndarray, slices: int) -> tuple[float | None, float | None]:
    """None for one slice: every draw of it is the same, which would look like a value that is exactly known."""
    if slices < 2 or not np.isfinite(drawn[1:]).any():
        return None, None
    low, high = np.nanpercentile(drawn[1:], [2.5, 97.5])
    return float(low), float(high)


def _auroc_drawn(score: np.ndarray, off: np.ndarray, points: pd.DataFrame) -> np.ndarray:
    """(1 + draws,): the AUROC, then those with slices drawn anew.

    The share of pairs (a point that is off, one that is not) that the score puts in order, counted once for every pair of
    slices; a draw only weighs the slices.
    """
    if not np.isfinite(score).all():
        return np.full(1 + _DRAWS, np.nan)
    slices, patients = points.slice.to_numpy(), points.patient.to_numpy()
    names, first, number = np.unique(slices, return_index=True, return_inverse=True)
    ordered = np.zeros((len(names), len(names)))
    positives, of_slice = score[off], number[off]
    for other in range(len(names)):
        negatives = np.sort(score[~off & (number == other)])
        below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
        ordered[:, other] = np.bincount(of_slice, below / 2, len(names))
    counts = np.bincount(of_slice, minlength=len(names)), np.bincount(number[~off], minlength=len(names))
    weights = np.vstack([np.ones(len(names)), hierarchical_weights(patients[first], 0, _DRAWS)])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.einsum("ds,st,dt->d", weights, ordered, weights) / ((weights @ counts[0]) * (weights @ counts[1]))


def write_contour_csv(folder: Path, lines: tuple[ContourLine, ...], kinds: tuple[KindLine, ...]) -> None:
    """Writes contour_auroc.csv and contour_kinds.csv into the folder."""
    for name, kind, rows in (("contour_auroc.csv", ContourLine, lines), ("contour_kinds.csv", KindLine, kinds)):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(one.name for one in fields(kind))
            writer.writerows(map(astuple, rows))
