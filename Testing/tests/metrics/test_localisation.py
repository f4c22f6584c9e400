"""Localisation and complexity metrics: the same as the reference implementations, and the properties that give them meaning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from medxai.metrics.complexity import complexity_metrics
from medxai.metrics.localisation import localisation_metrics
from medxai.slice.box import PixelBox, grown_box

SHAPE = (40, 30)
BOX = PixelBox(8, 10, 19, 24)
NEAR = grown_box(BOX, SHAPE).mask(SHAPE)
INSIDE = np.ones(SHAPE, bool)


def an_organ():
    mask = BOX.mask(SHAPE)
    mask[10:15, 14:20] = False  # concave, as organs are
    return mask


def metrics(values, mask=None, inside=INSIDE):
    return localisation_metrics(values, an_organ() if mask is None else mask, inside, NEAR & inside)


@pytest.mark.parametrize("levels", [1_000_000, 7], ids=["no ties", "many ties"])
def test_ranking_metrics_are_those_of_scikit_learn(levels):
    values = np.random.default_rng(levels).integers(-levels, levels, SHAPE).astype(np.float32)
    mask, found = an_organ(), metrics(values)
    for name, region in (("image", INSIDE), ("grown_box", NEAR)):
        assert found[f"auroc_{name}"] == pytest.approx(roc_auc_score(mask[region], values[region]), abs=1e-6)
        assert found[f"average_precision_{name}"] == pytest.approx(
            average_precision_score(mask[region], values[region]), abs=1e-6
        )


@pytest.mark.parametrize("seed", range(3))
def test_complexity_metrics_are_those_of_quantus(seed):
    quantus = pytest.importorskip("quantus", reason="needs the package quantus")
    values = np.random.default_rng(seed).normal(size=500)
    batch = np.maximum(values, 0)[None]
    found = complexity_metrics(values)
    options = {"disable_warnings": True, "normalise": False, "display_progressbar": False}
    entropy = quantus.Complexity(**options).evaluate_batch(x_batch=batch[:, None, None], a_batch=batch.copy())[0]
    sparseness = quantus.Sparseness(**options).evaluate_batch(x_batch=batch[:, None, None], a_batch=batch.copy())[0]
    assert found["entropy"] == pytest.approx(entropy, abs=1e-6)
    assert found["gini"] == pytest.approx(sparseness, abs=1e-6)


def test_a_perfect_map_a_random_one_and_a_uniform_one_get_the_metrics_that_they_must():
    mask = an_organ()
    perfect = metrics(mask.astype(np.float32))
    assert (
        perfect["auroc_image"]
        == perfect["auroc_grown_box"]
        == perfect["average_precision_image"]
        == perfect["energy_inside"]
        == 1
    )
    assert perfect["pointing_over_chance"] == pytest.approx(1 - mask.mean())
    draws = [metrics(np.random.default_rng(seed).random(SHAPE)) for seed in range(200)]
    for metric, expected in (
        ("auroc_image", 0.5),
        ("auroc_grown_box", 0.5),
        ("energy_ratio", 1),
        ("pointing_over_chance", 0),
    ):
        values = [draw[metric] for draw in draws]
        assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / len(values) ** 0.5)
    uniform = metrics(np.full(SHAPE, 0.3, np.float32))
    assert uniform["energy_ratio"] == pytest.approx(1)
    assert uniform["auroc_image"] == uniform["auroc_grown_box"] == 0.5
    assert uniform["pointing_over_chance"] == pytest.approx(0)
    spread = complexity_metrics(np.full(100, 0.3))
    assert (spread["effective_area"], spread["gini"]) == (pytest.approx(1), pytest.approx(0))
    assert complexity_metrics(np.eye(1, 100)[0])["gini"] == pytest.approx(0.99)


@settings(max_examples=25, deadline=None)
@given(scale=st.floats(0.1, 10), shift=st.floats(-5, 5), seed=st.integers(0, 1000))
def test_what_only_ranks_does_not_change_when_the_map_is_stretched(scale, shift, seed):
    values = np.random.default_rng(seed).integers(-20, 20, SHAPE) / 10
    before, after = metrics(values), metrics(np.exp(scale * values) + shift)
    for metric in ("auroc_image", "auroc_grown_box", "average_precision_image", "pointing_over_chance"):
        assert after[metric] == pytest.approx(before[metric])


def test_what_lies_outside_the_volume_or_below_zero_does_not_count():
    values = np.random.default_rng(0).normal(size=SHAPE)
    inside = INSIDE.copy()
    inside[:, 25:] = False
    lit = np.where(inside, values, 1000)
    assert metrics(lit, inside=inside) == metrics(np.where(inside, values, -1000), inside=inside)
    deeper = np.where(values < 0, values * 50, values)
    assert metrics(deeper)["energy_inside"] == metrics(values)["energy_inside"]
    assert complexity_metrics(deeper.ravel()) == complexity_metrics(values.ravel())


def test_a_metric_that_does_not_exist_has_no_value():
    assert metrics(np.ones(SHAPE), np.zeros(SHAPE, bool)) == {}
    assert metrics(np.ones(SHAPE), INSIDE) == {}
    dark = metrics(-np.ones(SHAPE))
    assert dark["energy_inside"] is dark["energy_ratio"] is None
    assert dark["auroc_image"] == 0.5
    far = np.zeros(SHAPE, bool)
    far[-1, -1] = True
    assert metrics(np.ones(SHAPE), far)["auroc_grown_box"] is None
    assert complexity_metrics(-np.ones(5)) == {}


def test_the_grown_box_is_a_quarter_longer_and_stays_on_the_slice():
    assert grown_box(PixelBox(10, 10, 17, 25), (100, 100)) == PixelBox(9, 8, 18, 27)
    assert grown_box(PixelBox(10, 10, 11, 11), (100, 100)) == PixelBox(9, 9, 12, 12)
    assert grown_box(PixelBox(0, 0, 99, 49), (50, 100)) == PixelBox(0, 0, 99, 49)
