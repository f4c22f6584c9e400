"""Evidence of one real case: rows, gains over the baselines, and what happens when an explainer fails."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medxai.errors import Cancelled, InputError, ModelError
from medxai.explainers.base import Case
from medxai.explainers.intensity import PIXELS, IntensitySimilarity
from medxai.explainers.medxai_maps import MedXAIMaps
from medxai.maps import MapId, Role
from medxai.metrics.case_evidence import evaluate_case
from medxai.metrics.learned_gain import learned_gains
from medxai.metrics.metric_row import MetricRow
from medxai.metrics.plan import QUICK, EvaluationPlan, Measurement
from medxai.progress import RunControl, Step
from medxai.results import SaliencyMap
from medxai.slice.box import grown_box
from support.answered import organ_case


@pytest.fixture(scope="module")
def liver(ct) -> Case:
    return organ_case(ct, "liver", 13, patient="ct")


def test_pixels_of_an_oblique_slice_outside_the_volume_do_not_count(liver):
    result, box = liver.result, liver.result.box.box
    inside = np.ones(liver.reference_mask.shape, bool)
    inside[:, : (box.first_column + box.last_column) // 2] = False
    prepared = replace(result.prepared, image=replace(result.prepared.image, inside=inside))
    cut = replace(liver, result=replace(result, prepared=prepared))
    maps = IntensitySimilarity().explain(cut)
    evidence = evaluate_case(cut, [IntensitySimilarity()], QUICK)
    values = cut.result.on_slice(maps[0].values)
    region = inside & grown_box(box, inside.shape).mask(inside.shape)
    auroc = next(
        r.value for r in evidence.rows if (r.map, r.metric, r.mask) == (PIXELS, "auroc_grown_box", "reference")
    )
    assert auroc == pytest.approx(roc_auc_score(liver.reference_mask[region], values[region]), abs=1e-6)


@dataclass(frozen=True)
class Failing:
    error: Exception
    key: str = "failing"
    role: Role = Role.COMPARISON

    def explain(self, case, control):
        raise self.error


def test_every_map_of_a_real_case_has_its_metrics_against_both_masks(liver):
    seen = []
    control = RunControl(lambda step, done, total: seen.append((step, done, total)))
    evidence = evaluate_case(liver, [MedXAIMaps(), IntensitySimilarity()], QUICK, control=control)
    assert {row.map_id for row in evidence.rows} == {m.map_id for m in evidence.maps}
    assert {row.mask for row in evidence.rows if row.family == "localisation"} == {"predicted", "reference"}
    assert all(np.isfinite(row.value) for row in evidence.rows)
    assert seen == [(Step.MEASURING, i + 1, len(seen)) for i in range(len(seen))]
    terminal = next(
        row for row in evidence.rows if (row.map, row.metric, row.mask) == ("terminal", "auroc_grown_box", "predicted")
    )
    assert terminal.value > 0.99  # the mask's own logits


def test_one_failing_explainer_does_not_stop_the_others(liver):
    explainers = [Failing(ModelError("It cannot."), "a"), Failing(ZeroDivisionError("by zero"), "b"), MedXAIMaps()]
    evidence = evaluate_case(liver, explainers, QUICK)
    assert evidence.failures == (("a", "It cannot."), ("b", "ZeroDivisionError: by zero"))
    assert evidence.rows == evaluate_case(liver, [MedXAIMaps()], QUICK).rows


@dataclass(frozen=True)
class Broken:
    key: str = "broken"
    role: Role = Role.COMPARISON

    def explain(self, case, control):
        return (SaliencyMap(MapId(self.key), np.full((4, 4), np.nan, np.float32)),)


def test_a_map_that_is_no_numbers_is_a_failure_and_not_a_row(liver):
    evidence = evaluate_case(liver, [Broken()], QUICK)
    assert not evidence.rows
    assert "finite" in evidence.failures[0][1]


def test_bad_input_is_refused_before_an_explainer_runs_and_cancelling_stops(liver):
    with pytest.raises(InputError, match="shape"):
        evaluate_case(replace(liver, reference_mask=np.zeros((3, 3), bool)), [Failing(AssertionError())], QUICK)
    with pytest.raises(InputError, match="name"):
        evaluate_case(liver, [MedXAIMaps(), MedXAIMaps()], QUICK)
    with pytest.raises(InputError, match="measures nothing"):
        EvaluationPlan(frozenset())
    with pytest.raises(Cancelled):
        evaluate_case(liver, [MedXAIMaps()], QUICK, control=RunControl(is_cancelled=lambda: True))
    with pytest.raises(Cancelled):
        evaluate_case(liver, [Failing(Cancelled())], QUICK)


def test_cost_says_more_for_the_first_box_than_for_the_next(liver):
    plan = EvaluationPlan(frozenset({Measurement.COST}))
    cost = {row.metric: row.value for row in evaluate_case(liver, [MedXAIMaps()], plan).rows}
    result = liver.result
    assert (
        cost["seconds_first_box"] >= result.encoding.seconds + result.segmentation.seconds + result.explanation.seconds
    )
    assert cost["seconds_next_box"] < cost["seconds_first_box"]
    assert cost["peak_mb"] >= 0


def row(
    explainer,
    role,
    value,
    map_key="",
    layer="",
    family="localisation",
    metric="auroc_grown_box",
    mask="predicted",
    case_id="c",
):
    return MetricRow(case_id, "p", "liver", explainer, role, map_key, layer, family, metric, mask, value)


def rows_with_baselines():
    return [
        row("medxai", "method", 0.9, "stage1", "neck"),
        row("grad-cam", "comparison", 0.7, "", "neck"),
        row("random-weights", "baseline", 0.8, "stage1", "neck"),
        row("random-weights", "baseline", 0.95, "stage2", "neck"),
        row("random-weights", "baseline", 0.96, "stage1", "block 0"),
        row("intensity", "baseline", 0.75, PIXELS),
        row("uniform", "baseline", 0.5),
        row("uniform", "baseline", 0.99, mask="reference"),
        row("uniform", "baseline", 0.99, case_id="another"),
    ]


def test_the_gain_is_over_the_best_baseline_that_may_be_compared():
    gains = {gain.explainer: gain for gain in learned_gains(rows_with_baselines())}
    assert gains.keys() == {"medxai", "grad-cam"}
    assert (gains["medxai"].best_baseline, gains["medxai"].best_baseline_layer) == ("random-weights", "neck")
    assert gains["medxai"].gain == pytest.approx(0.1)
    assert gains["grad-cam"].best_baseline == "intensity"
    assert gains["grad-cam"].gain == pytest.approx(-0.05)


def test_where_lower_is_better_the_lowest_baseline_is_the_best():
    deletion = {"family": "faithfulness", "metric": "neck_deletion_logit", "mask": ""}
    rows = [
        row("medxai", "method", 0.2, "stage1", "neck", **deletion),
        row("a", "baseline", 0.3, **deletion),
        row("b", "baseline", 0.6, **deletion),
    ]
    (gain,) = learned_gains(rows)
    assert (gain.best_baseline, gain.gain) == ("a", pytest.approx(0.1))
    assert (
        learned_gains(
            [
                row("medxai", "method", 1, family="cost", metric="seconds"),
                row("u", "baseline", 0, family="cost", metric="seconds"),
            ]
        )
        == ()
    )
    assert learned_gains([row("medxai", "method", 1)]) == ()


def test_a_table_gives_the_same_gains_as_the_rows():
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    rows = rows_with_baselines()
    assert learned_gains(pandas.DataFrame(rows)[::1]) == learned_gains(rows)
