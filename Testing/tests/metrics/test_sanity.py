"""Sanity and stability on real scans: green for maps that depend on the model, red for those that do not."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from medxai.engine import Engine
from medxai.explainers.base import Case
from medxai.explainers.intensity import PIXELS, TOKENS, IntensitySimilarity
from medxai.explainers.medxai_maps import MedXAIMaps
from medxai.explainers.random_weights import with_random_weights
from medxai.explainers.uniform import Uniform
from medxai.maps import MapId, Role, stage_map
from medxai.metrics import stability
from medxai.metrics.case_evidence import evaluate_case
from medxai.metrics.map_change import rank_correlation
from medxai.metrics.plan import EvaluationPlan, Measurement
from medxai.metrics.sanity import LIMITS
from medxai.metrics.stability import stability_rows, trials_of
from medxai.metrics.varied_case import on_the_image_of, with_jittered_box, with_noise
from medxai.metrics.weight_randomisation import cascade
from medxai.slice.box import ClippedBox, PixelBox
from medxai.volume.modality import Modality
from support.answered import DEMO, organ_case


@pytest.fixture(scope="module")
def engine():
    return Engine()


@pytest.fixture(scope="module")
def demo(engine):
    return engine.load(DEMO)


@pytest.fixture(scope="module")
def liver(ct, demo, engine) -> Case:
    return organ_case(ct, "liver", 13, demo, engine, "ct")


@pytest.fixture(scope="module")
def spleen(ct, demo, engine) -> Case:
    return organ_case(ct, "spleen", 13, demo, engine, "ct")


@pytest.fixture(scope="module")
def stranger(mr, demo, engine) -> Case:
    return organ_case(mr, "liver", 10, demo, engine, "mr")


SANITY = EvaluationPlan(frozenset({Measurement.SANITY}), sanity_roles=frozenset(Role))


def test_our_maps_turn_green_and_maps_that_ignore_the_model_or_the_patient_turn_red(liver, spleen, stranger):
    before = {name: value.clone() for name, value in liver.model.sam.state_dict().items()}
    evidence = evaluate_case(liver, [MedXAIMaps(), IntensitySimilarity(), Uniform()], SANITY, (stranger, spleen))
    assert not evidence.failures
    verdicts = {(v.check, v.map_id): v for v in evidence.verdicts}
    ours = [verdicts["random weights", stage_map(1, layer)] for layer in liver.result.encoding.layers]
    assert all(v.passed for v in ours)
    for verdict in ours:
        assert [step for step, _ in verdict.course] == [
            "mask decoder",
            "neck",
            *(f"block {i}" for i in range(4, -1, -1)),
            "whole encoder",
        ]
        assert verdict.course[0][1] == pytest.approx(1)  # stage 1 comes from the encoder alone
        assert verdict.measured == verdict.course[-1][1] < LIMITS["random weights"]
        assert f"{verdict.measured:.2f}" in verdict.sentence
    for part in (PIXELS, TOKENS):
        red = verdicts["random weights", MapId("intensity", part)]
        assert not red.passed
        assert red.measured == pytest.approx(1)
        assert "hardly changes" in red.sentence
    assert not any(verdicts[check, MapId("uniform")].passed for check in LIMITS)
    assert all(v.passed for v in evidence.verdicts if v.map_id.explainer == "medxai" and v.check != "random weights")
    metrics = {row.metric for row in evidence.rows}
    assert {
        "rank_correlation_another_box",
        "rank_correlation_another_patient",
        "rank_correlation_random_block_0",
    } <= metrics
    assert all(torch.equal(value, before[name]) for name, value in liver.model.sam.state_dict().items())


@dataclass
class FailsLater:
    """An explainer that works once."""

    calls: int = 0
    key: str = "fails later"
    role: Role = Role.METHOD

    def explain(self, case, control=None):
        self.calls += 1
        if self.calls > 1:
            raise RuntimeError("no more")
        return Uniform().explain(case)


@pytest.fixture(scope="module")
def without_other_cases(liver):
    return evaluate_case(liver, [FailsLater(), MedXAIMaps()], SANITY, (liver,))


def test_an_explainer_that_fails_when_asked_again_does_not_cost_the_others_their_checks(without_other_cases):
    assert [name for name, _ in without_other_cases.failures] == ["fails later"]
    assert {v.map_id.explainer for v in without_other_cases.verdicts} == {"medxai"}


def test_without_other_cases_only_the_weights_are_checked(without_other_cases):
    assert {v.check for v in without_other_cases.verdicts} == {"random weights"}


def test_the_cascade_ends_with_the_random_baselines_weights_and_randomises_nothing_too_early(demo):
    random = with_random_weights(demo, 3).sam.state_dict()
    trained = demo.sam.state_dict()
    last = None
    for step, model in cascade(demo, 3):
        state = model.sam.state_dict()
        if step == "neck":
            assert torch.equal(
                state["image_encoder.blocks.4.local.weight"], trained["image_encoder.blocks.4.local.weight"]
            )
            assert torch.equal(state["image_encoder.neck.0.weight"], random["image_encoder.neck.0.weight"])
        last = state
    encoder = [name for name in random if name.startswith(("image_encoder.", "mask_decoder."))]
    assert all(torch.equal(last[name], random[name]) for name in encoder)
    assert torch.equal(
        last["prompt_encoder.point_embeddings.0.weight"], trained["prompt_encoder.point_embeddings.0.weight"]
    )


def test_sensitivity_is_captums_on_the_same_noise(liver):
    metrics = pytest.importorskip("captum.metrics", reason="needs the package captum")
    noise = trials_of(liver, 2, 0)[0]
    assert len(noise.cases) == 2
    maps = MedXAIMaps().explain(liver)
    rows = stability_rows(liver, MedXAIMaps(), maps, (noise,))
    known = {case.result.prepared.model_input.tensor_chw.tobytes(): case for case in (liver, *noise.cases)}

    def explanation(images):
        images = images[0] if isinstance(images, tuple) else images
        found = [known[image.numpy().tobytes()].result.explanation.layer("neck").stages[1] for image in images]
        return (torch.from_numpy(np.stack(found)),)

    def perturbed(images, _radius):
        return torch.from_numpy(np.stack([case.result.prepared.model_input.tensor_chw for case in noise.cases]))

    image = torch.from_numpy(liver.result.prepared.model_input.tensor_chw)[None]
    expected = float(metrics.sensitivity_max(explanation, image, perturbed, n_perturb_samples=2))
    found = next(r.value for r in rows if (r.map, r.layer, r.metric) == ("stage1", "neck", "noise_sensitivity_max"))
    assert found == pytest.approx(expected, abs=1e-6)
    assert found > 0


def test_only_trials_whose_mask_stayed_count(liver, monkeypatch):
    counted = trials_of(liver, 3, 0)
    for trials in counted:
        for case in trials.cases:
            assert stability.dice(case.result.segmentation.mask, liver.result.segmentation.mask) >= 0.95
    monkeypatch.setattr(stability, "LEAST_DICE", 1.01)
    none = trials_of(liver, 2, 0)
    assert [trials.cases for trials in none] == [(), ()]
    assert stability_rows(liver, Uniform(), Uniform().explain(liver), none) == ()


def test_a_uniform_map_is_perfectly_stable_and_the_models_own_is_not(liver):
    plan = EvaluationPlan(frozenset({Measurement.STABILITY}), trials=1)
    rows = evaluate_case(liver, [Uniform(), MedXAIMaps()], plan).rows
    assert {r.value for r in rows if r.explainer == "uniform" and "change" in r.metric} == {0.0}
    ours = [r.value for r in rows if r.explainer == "medxai" and r.metric == "noise_rank_change"]
    assert len(ours) == 22
    assert 0 < max(ours) < 0.5


def test_noise_has_ten_hounsfield_units_and_an_mrs_background_stays_black(liver, stranger):
    noisy = (
        with_noise(liver, np.random.default_rng(0)).result.prepared.image.pixels - liver.result.prepared.image.pixels
    )
    assert noisy.std() == pytest.approx(10, rel=0.03)
    image, grey_range = stranger.result.prepared.image, stranger.result.prepared.grey_range
    changed = with_noise(stranger, np.random.default_rng(0)).result.prepared.image.pixels - image.pixels
    assert (changed[image.pixels == 0] == 0).all()
    assert changed[image.pixels != 0].std() == pytest.approx(0.01 * (grey_range.upper - grey_range.lower), rel=0.05)


def test_noise_of_an_mr_without_a_background_is_a_share_of_its_range(liver):
    """Ten units would drown z-scores, which reach from −2 to 2 and have no background of 0."""
    prepared = liver.result.prepared
    facts = replace(prepared.image.facts, modality=Modality.MR)
    prepared = replace(prepared, image=replace(prepared.image, facts=facts))
    case = replace(liver, result=replace(liver.result, prepared=prepared))
    noise = with_noise(case, np.random.default_rng(0)).result.prepared.image.pixels - prepared.image.pixels
    assert noise.std() == pytest.approx(0.01 * (prepared.grey_range.upper - prepared.grey_range.lower), rel=0.05)


def test_a_jittered_box_moves_a_little_and_stays_on_the_slice(liver):
    rows, columns = liver.result.prepared.image.shape
    for box in (liver.result.box.box, PixelBox(0, 0, 1, 1), PixelBox(0, 0, columns - 1, rows - 1)):
        clipped = ClippedBox(box, False)
        case = replace(liver, box=clipped, result=replace(liver.result, box=clipped))
        for seed in range(5):
            moved = with_jittered_box(case, np.random.default_rng(seed))
            assert np.abs(moved.result.box.box.xyxy - box.xyxy).max() <= 2
            assert moved.box == moved.result.box
            x0, y0, x1, y1 = moved.box.box.xyxy
            assert 0 <= x0 <= x1 < columns
            assert 0 <= y0 <= y1 < rows
            assert moved.encoding is liver.encoding


def test_another_patients_slice_keeps_the_boxs_place_in_proportion(liver, stranger):
    moved = on_the_image_of(liver, stranger)
    before = liver.result.encoding.frame.scale_xyxy(liver.result.box.box.extent_xyxy)
    after = moved.encoding.frame.scale_xyxy(moved.box.box.extent_xyxy)
    assert np.abs(before - after).max() <= 3  # model pixels; a slice's pixel is 2 to 3 of them
    assert moved.encoding is stranger.encoding


@pytest.mark.parametrize("levels", [5, 10**6], ids=["ties", "no ties"])
def test_rank_correlation_is_scipys(levels):
    rng = np.random.default_rng(levels)
    a, b = rng.integers(levels, size=(2, 300))
    assert rank_correlation(a, a + b) == pytest.approx(spearmanr(a, a + b).statistic, abs=1e-6)
    assert rank_correlation(np.ones(3), np.ones(3)) == 1
    assert rank_correlation(np.ones(3), np.arange(3)) == 0
