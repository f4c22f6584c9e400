"""Evidence of one real case: rows, gains over the nulls, and what happens when an explainer fails."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from medxai.engine import explain_volume_slice
from medxai.errors import Cancelled, InputError, ModelError
from medxai.explainers.base import Case, Kind, SaliencyMap
from medxai.explainers.intensity import IntensitySimilarity
from medxai.explainers.three_stage.maps import MedXAIMaps
from medxai.metrics.case_evidence import evaluate_case
from medxai.metrics.learned_gain import learned_gains
from medxai.metrics.metric_row import FigureRow
from medxai.metrics.plan import QUICK, EvaluationPlan, Measurement
from medxai.metrics.slice_region import grown_box
from medxai.models.loading import load_model
from medxai.slice.box import box_of_mask


@pytest.fixture(scope="module")
def liver(ct) -> Case:
    mask = ct.mask("liver", 13)
    return Case(
        "ct/liver",
        "ct",
        "liver",
        explain_volume_slice(ct.volume, "axial", 13, tuple(box_of_mask(mask).xyxy), load_model("demo")),
        mask,
    )


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
        r.value for r in evidence.rows if (r.layer, r.metric, r.mask) == ("pixels", "auroc_grown_box", "reference")
    )
    assert auroc == pytest.approx(roc_auc_score(liver.reference_mask[region], values[region]), abs=1e-6)


@dataclass(frozen=True)
class Failing:
    error: Exception
    name: str = "failing"
    kind: Kind = Kind.PEER

    def explain(self, case):
        raise self.error


def test_every_map_of_a_real_case_has_its_figures_against_both_masks(liver):
    seen = []
    evidence = evaluate_case(
        liver, [MedXAIMaps(), IntensitySimilarity()], QUICK, progress=lambda done, total: seen.append((done, total))
    )
    keys = {(row.explainer, row.stage, row.layer) for row in evidence.rows}
    assert keys == {(m.explainer, m.stage, m.layer) for m in evidence.maps}
    assert {row.mask for row in evidence.rows if row.family == "localisation"} == {"predicted", "reference"}
    assert all(np.isfinite(row.value) for row in evidence.rows)
    assert seen == [(i + 1, len(seen)) for i in range(len(seen))]
    terminal = next(
        row
        for row in evidence.rows
        if (row.stage, row.metric, row.mask) == ("terminal", "auroc_grown_box", "predicted")
    )
    assert terminal.value > 0.99  # the mask's own logits


def test_one_failing_explainer_does_not_stop_the_others(liver):
    explainers = [Failing(ModelError("It cannot."), "a"), Failing(ZeroDivisionError("by zero"), "b"), MedXAIMaps()]
    evidence = evaluate_case(liver, explainers, QUICK)
    assert evidence.failures == (("a", "It cannot."), ("b", "ZeroDivisionError: by zero"))
    assert evidence.rows == evaluate_case(liver, [MedXAIMaps()], QUICK).rows


@dataclass(frozen=True)
class Broken:
    name: str = "broken"
    kind: Kind = Kind.PEER

    def explain(self, case):
        return (SaliencyMap(self.name, "", "", np.full((4, 4), np.nan, np.float32)),)


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
        evaluate_case(liver, [MedXAIMaps()], QUICK, is_cancelled=lambda: True)
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
    kind,
    value,
    stage="",
    layer="",
    family="localisation",
    metric="auroc_grown_box",
    mask="predicted",
    case_id="c",
):
    return FigureRow(case_id, "p", "liver", explainer, kind, stage, layer, family, metric, mask, value)


def rows_with_nulls():
    return [
        row("medxai", "method", 0.9, "1", "neck"),
        row("grad-cam", "peer", 0.7, "", "neck"),
        row("random-weights", "null", 0.8, "1", "neck"),
        row("random-weights", "null", 0.95, "2", "neck"),
        row("random-weights", "null", 0.96, "1", "block 0"),
        row("intensity", "null", 0.75, "", "pixels"),
        row("uniform", "null", 0.5),
        row("uniform", "null", 0.99, mask="reference"),
        row("uniform", "null", 0.99, case_id="another"),
    ]


def test_the_gain_is_over_the_best_null_that_may_be_compared():
    gains = {gain.explainer: gain for gain in learned_gains(rows_with_nulls())}
    assert gains.keys() == {"medxai", "grad-cam"}
    assert (gains["medxai"].best_null, gains["medxai"].best_null_layer) == ("random-weights", "neck")
    assert gains["medxai"].gain == pytest.approx(0.1)
    assert gains["grad-cam"].best_null == "intensity"
    assert gains["grad-cam"].gain == pytest.approx(-0.05)


def test_where_lower_is_better_the_lowest_null_is_the_best():
    deletion = {"family": "faithfulness", "metric": "neck_deletion_logit", "mask": ""}
    rows = [
        row("medxai", "method", 0.2, "1", "neck", **deletion),
        row("a", "null", 0.3, **deletion),
        row("b", "null", 0.6, **deletion),
    ]
    (gain,) = learned_gains(rows)
    assert (gain.best_null, gain.gain) == ("a", pytest.approx(0.1))
    assert (
        learned_gains(
            [
                row("medxai", "method", 1, family="cost", metric="seconds"),
                row("u", "null", 0, family="cost", metric="seconds"),
            ]
        )
        == ()
    )
    assert learned_gains([row("medxai", "method", 1)]) == ()


def test_a_table_gives_the_same_gains_as_the_rows():
    pandas = pytest.importorskip("pandas", reason="needs the package pandas")
    rows = rows_with_nulls()
    assert learned_gains(pandas.DataFrame(rows)[::1]) == learned_gains(rows)
