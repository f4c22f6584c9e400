"""The contour check's figures over a cohort, on points whose answers are known."""

import numpy as np
import pytest

pytest.importorskip("statsmodels", reason="needs the extra 'lab'")

import pandas as pd
from sklearn.metrics import roc_auc_score

from medxai_lab.cohort.contour import FITTED, contour_lines, groups_of, kind_lines


def made_points(seed=0, scans=("a", "b"), per_slice=40, slices=4):
    """Points whose error the tolerance tells well, the image gradient a little, and the box's edge not at all."""
    rng = np.random.default_rng(seed)
    count = len(scans) * slices * per_slice
    error = rng.gamma(1.0, 4.0, count)
    scan = np.repeat(scans, slices * per_slice)
    index = np.tile(np.repeat(np.arange(slices), per_slice), len(scans))
    return pd.DataFrame(
        {
            "case_id": [f"{s}/{i}" for s, i in zip(scan, index, strict=True)],
            "patient": scan,
            "scan": scan,
            "organ": "liver",
            "modality": np.where(scan == "a", "CT", "MR"),
            "slice": [f"{s} {i}" for s, i in zip(scan, index, strict=True)],
            "error_mm": error,
            "length_mm": 1.0,
            "tolerance_mm_per_logit": np.round(error + rng.normal(0, 2, count), 1),
            "follows_box": rng.random(count),
            "kind": np.where(error > 4, "soft", "firm"),
            "box_edge_mm": rng.random(count),
            "image_gradient_per_mm": 20 - error + rng.normal(0, 8, count) + 60,
            "jitter_variance": rng.random(count),
        }
    )


def test_the_auroc_is_that_of_all_points_together_ties_counted_as_half():
    points = made_points()
    lines = {(one.group, one.score, one.threshold_mm): one for one in contour_lines(points)}
    own = points[points.scan == "a"]
    expected = roc_auc_score(own.error_mm > 3, own.tolerance_mm_per_logit)
    assert lines["CT", "tolerance", 3.0].auroc == pytest.approx(expected, abs=1e-9)
    near, far = lines["CT", "near the box's edge", 5.0], lines["CT", "far from the box's edge", 5.0]
    assert near.auroc + far.auroc == pytest.approx(1)


def test_intervals_hold_the_value_and_the_tolerance_is_ahead_where_it_is():
    lines = [one for one in contour_lines(made_points()) if one.group == "all scans" and one.threshold_mm == 5]
    for one in lines:
        assert one.low <= one.auroc <= one.high and one.slices == 8 and one.patients == 2
    by_score = {one.score: one for one in lines}
    assert by_score["variance over jittered boxes"].ahead_low > 0.1
    assert by_score["tolerance"].ahead == by_score["tolerance"].ahead_high == 0


def test_one_slice_has_a_value_and_no_interval():
    lines = list(contour_lines(made_points(slices=1)))
    for one in lines:
        ends = (one.low, one.high, one.ahead_low, one.ahead_high)
        assert one.auroc is not None and ends.count(None) == (4 if one.slices == 1 else 0)
    assert {one.group for one in lines if one.slices == 1} == {"CT", "MR"}
    assert {one.drawn for one in lines} == {(1, "slice"), (2, "patient")}


def test_a_baseline_that_cannot_be_fitted_is_not_known():
    lines = {one.score: one for one in contour_lines(made_points(scans=("a",), slices=1))}
    assert lines[FITTED].auroc is lines[FITTED].ahead is None and lines["tolerance"].auroc is not None


def test_the_fitted_baseline_is_scored_on_scans_that_it_was_not_fitted_on():
    points = made_points()
    # On one scan the gradient tells the opposite: a fit on the other scan has to fail on it.
    points.loc[points.scan == "b", "image_gradient_per_mm"] = 60 + 3 * points.error_mm[points.scan == "b"]
    lines = {(one.group, one.score, one.threshold_mm): one for one in contour_lines(points)}
    assert lines["MR", FITTED, 5.0].auroc < 0.1


def test_groups_are_modalities_scans_where_there_are_several_and_all():
    assert [name for name, _ in groups_of(made_points())] == ["CT", "MR", "all scans"]
    points = made_points(scans=("b", "c"))
    assert [name for name, _ in groups_of(points)] == ["MR", "b", "c"]


def test_kinds_are_counted_by_length_and_told_with_their_errors():
    points = made_points(scans=("a",))
    points.loc[points.kind == "soft", "length_mm"] = 3.0
    soft = next(one for one in kind_lines(points) if one.kind == "soft")
    own = points[points.kind == "soft"]
    assert soft.share_of_length == pytest.approx(own.length_mm.sum() / points.length_mm.sum())
    assert soft.median_mm == pytest.approx(own.error_mm.median()) and soft.over_3_mm == 1
