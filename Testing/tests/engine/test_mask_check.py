"""The mask as a whole: its interval of Dice holds what it promised, and where nothing was measured it is said."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from medxai.engine import Engine
from medxai.mask_check import TABLES_FOLDER, decidedness, mask_check_of, table_of
from medxai.metrics.box_dice import dice
from medxai.models.registry import registered
from medxai.request import ExplainRequest, ModelChoice
from medxai.results import (
    EMPTY_MASK_NOT_CHECKED,
    NO_MASK_CHECK,
    NOTHING_NOT_CHECKED,
    PREVIEW_BACKEND,
    MaskCheck,
)
from medxai.slice.box import box_of_mask
from medxai_lab.mask_check.boxes import made_up
from medxai_lab.mask_check.measuring import measured
from support.models import small_model

TABLES = [table_of(path.stem) for path in sorted(TABLES_FOLDER.glob("*.json"))]
#: The shipped tables come from scenes of lower numbers.
_UNUSED_SCENES = range(5000, 5100)


@pytest.fixture(scope="module")
def spleen(ct):
    """The demo model's result on a real spleen, and the spleen."""
    index = int((ct.organs == ct.labels["spleen"]).sum((1, 2)).argmax())
    truth = ct.mask("spleen", index)
    request = ExplainRequest.of_slice(ct.volume, "axial", index, model=ModelChoice("demo", "cpu"))
    (result,) = Engine().explain(request, [tuple(box_of_mask(truth).xyxy)])
    return result, truth


def test_a_spleens_dice_is_in_the_interval_that_is_said(spleen):
    result, truth = spleen
    check = result.mask_check
    assert check.lower <= dice(result.segmentation.mask, truth) <= check.upper
    assert f"90% had a Dice from {check.lower:.2f} to {check.upper:.2f}." in check.sentence
    assert check.text == f"{check.sentence} {check.how_tested}"
    assert "made-up structures" in check.how_tested


def test_a_wide_interval_is_said_to_say_little():
    wide, narrow = (MaskCheck(0.8, lower, 0.9, 0.9, "tried") for lower in (0.1, 0.7))
    assert "So wide a range says little." in wide.sentence
    assert "says little" not in narrow.sentence


def test_where_nothing_was_measured_it_is_said(spleen, ct):
    request = ExplainRequest.of_slice(ct.volume, "axial", 15, model=small_model())
    (without_table,) = Engine().explain(request, [(30, 30, 70, 80)])
    assert without_table.mask_check.sentence == without_table.mask_check.text == NO_MASK_CHECK
    result, _ = spleen
    other = replace(result, model=replace(result.model, preparation="official"))
    assert mask_check_of(other).sentence == NO_MASK_CHECK
    preview = replace(result, encoding=replace(result.encoding, backend=PREVIEW_BACKEND))
    assert mask_check_of(preview).lower is None


def test_an_empty_mask_has_no_interval(spleen):
    result, _ = spleen
    nothing = replace(result.segmentation, logits=np.full_like(result.segmentation.logits, -3))
    empty = replace(result, explanation=replace(result.explanation, segmentation=nothing))
    assert mask_check_of(empty).sentence == EMPTY_MASK_NOT_CHECKED


def test_what_is_unlike_all_made_up_structures_has_no_interval(spleen, ct):
    """A box around the whole slice had a range of Dice, and so had boxes in air."""
    result, _ = spleen
    columns, rows, _ = ct.volume.shape_ijk
    asked = [(0, 0, columns - 1, rows - 1), (0, 0, 12, 12)]
    whole, air = Engine().explain(ExplainRequest(ct.volume, result.prepared.image, ModelChoice("demo", "cpu")), asked)
    assert whole.mask_check.decidedness < table_of(registered("demo").sha256).starts[0]
    assert "fewer than one in a hundred made-up structures" in whole.mask_check.text
    assert air.presence.is_told is False
    assert air.mask_check.text == NOTHING_NOT_CHECKED
    assert {check.lower for check in (whole.mask_check, air.mask_check)} == {None}
    assert {check.how_tested for check in (whole.mask_check, air.mask_check)} == {""}
    assert result.mask_check.why_not == ""


def test_decidedness_is_the_dice_of_the_mask_with_its_probabilities():
    logits = np.array([[20.0, 20.0], [-20.0, -20.0]])
    assert decidedness(logits) == pytest.approx(1)
    probability = 1 / (1 + np.exp(-logits / 20))
    expected = 2 * probability[0].sum() / (probability.sum() + 2)
    assert decidedness(logits / 20) == pytest.approx(expected)
    assert decidedness(-np.ones((2, 2))) is None


def test_both_models_have_a_table_that_kept_its_promise_on_held_out_made_up_structures():
    for name in ("litemedsam", "demo"):
        table = table_of(registered(name).sha256)
        held_out = table.trials[0]
        assert abs(held_out.covered - table.promised) <= 0.05, name
        assert {"CT", "MR"} <= {one.on for one in table.trials}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.title.split()[0])
def test_more_decided_masks_have_higher_intervals(table):
    lower, upper = table.intervals(np.array([table.starts[0], 1.0])).T
    assert lower[1] > lower[0] + 0.15
    assert upper[1] > upper[0]
    at_start = table.intervals(np.array(table.starts[1:2]))
    np.testing.assert_array_equal(at_start, [[table.lower[1], table.upper[1]]])
    assert np.isnan(table.intervals(np.array([table.starts[0] - 1e-3]))).all()


def test_the_shipped_table_holds_on_scenes_that_it_has_not_seen():
    choice, engine = ModelChoice("demo", "cpu"), Engine()
    asked = (replace(one, group=1) for one in made_up(_UNUSED_SCENES))  # without the moved boxes
    rows = list(islice(measured(asked, choice, engine), 25))
    lower, upper = table_of(registered("demo").sha256).intervals(np.array([row.decidedness for row in rows])).T
    dices = np.array([row.dice for row in rows])
    assert np.mean((lower <= dices) & (dices <= upper)) >= 0.8
    assert np.mean(upper - lower) < 0.6
