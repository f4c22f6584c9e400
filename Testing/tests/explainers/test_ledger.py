"""The ledger of the logit: nine signed maps that add up to the terminal map, and that are shown as what they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medxai.engine import Engine
from medxai.explainers import registry
from medxai.explainers.base import Case
from medxai.explainers.ledger import Ledger
from medxai.metrics.weight_randomisation import cascade
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.report.case_evidence import quick_evidence
from medxai.report.case_report import case_report_html
from medxai.report.panels import write_panels
from medxai.request import ExplainRequest, ModelChoice
from support.answered import organ_case
from support.models import small_model
from support.panel import ball_volume

BOX = (20, 18, 44, 42)


@pytest.fixture(scope="module")
def case() -> Case:
    return Engine().case(ExplainRequest.of_slice(ball_volume(), "axial", 6, model=small_model()), BOX)


def assert_adds_up(case: Case) -> None:
    maps = Ledger().explain(case)
    assert [one.map_id.key for one in maps] == [info.key for info in Ledger.map_infos()] and len(maps) == 9
    total = np.sum([one.values for one in maps], axis=0, dtype=np.float64)
    np.testing.assert_allclose(total, case.result.explanation.terminal, atol=1e-4)
    assert all(one.is_signed for one in maps)


def test_the_maps_add_up_to_the_terminal_map(case: Case) -> None:
    assert_adds_up(case)


@pytest.mark.parametrize("name", ["litemedsam", "demo"])
def test_they_add_up_on_a_real_scan(ct, name: str) -> None:
    if not ModelStore().has(registered(name)):
        pytest.skip("needs the weights of LiteMedSAM: medxai models download litemedsam")
    assert_adds_up(organ_case(ct, "right kidney", 8, ModelChoice(name)))


def test_they_change_when_the_decoder_is_randomised(case: Case) -> None:
    part, random = next(cascade(case.model, 0))
    assert part == "mask decoder"
    other = Engine().case(replace(case.request, model=random), case.box)
    assert_adds_up(other)
    for ours, theirs in zip(Ledger().explain(case), Ledger().explain(other), strict=True):
        assert abs(np.corrcoef(ours.values.ravel(), theirs.values.ravel())[0, 1]) < 0.9, ours.map_id


def test_they_share_a_range_about_0_in_which_the_sign_is_seen(case: Case) -> None:
    found = case.engine.compare(case.request, case.box, "ledger")
    result = case.result.with_comparisons(found)
    ranges = {result.display_range(one.map_id) for one in found} | {result.layer_range(one.map_id) for one in found}
    (shown,) = ranges
    assert shown.diverges and shown.lower == -shown.upper and shown.informative
    assert not any(result.display_range(map_id).diverges for map_id in case.result.map_ids())


def test_report_and_panels_draw_them_in_two_colours_and_rank_nothing(case: Case, tmp_path: Path) -> None:
    evidence = quick_evidence(case, {one.map_id: one.values for one in Ledger().explain(case)})
    assert not evidence.failures and "ledger" not in {row.map_id.explainer for row in evidence.rows}
    page = case_report_html(case.result, evidence)
    assert "Ledger of the logit" in page and page.count("ledger: ") >= 9 and "below 0 against the mask" in page
    assert 'fill="url(#signed-colours)"' in page
    parts = [one for one in evidence.maps if one.is_signed]
    write_panels(case.result, tmp_path / "with.png", parts)
    write_panels(case.result, tmp_path / "without.png")
    assert (tmp_path / "with.png").stat().st_size > (tmp_path / "without.png").stat().st_size


def test_every_part_says_what_it_is() -> None:
    infos = Ledger.map_infos()
    assert len({info.title for info in infos}) == len({info.sentence for info in infos}) == 9
    assert all(info.sign and registry.map_info(info.key) == info for info in infos)
