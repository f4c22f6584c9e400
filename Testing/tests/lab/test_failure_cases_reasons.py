"""The numbers in the reasons that `found.py` gives, measured: what would have to be otherwise for the expectation to hold."""

import copy
from dataclasses import replace

import pytest
import torch

from medxai.explainers.three_stage.parameters import parameters_for
from medxai.metrics.map_change import rank_correlation
from medxai.models.loading import load_model
from medxai_lab.failure_cases import figures
from medxai_lab.failure_cases.box_over_nothing import box_in_air
from medxai_lab.failure_cases.case_run import explained
from medxai_lab.failure_cases.concave_organ import horseshoe
from medxai_lab.failure_cases.organ_like_its_surroundings import hidden_disc
from medxai_lab.failure_cases.planted_slice import TOKEN_PX, body_mask
from medxai_lab.failure_cases.random_decoder import with_random_decoder
from medxai_lab.failure_cases.two_identical_organs import twins


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.fixture(scope="module")
def placeless(demo):
    """The demo model without its position code."""
    sam = copy.deepcopy(demo.sam)
    with torch.no_grad():
        sam.image_encoder.position.weight.zero_()
    return replace(demo, sam=sam, checksum_sha256=f"{demo.checksum_sha256}, placeless")


def stage_1(result, layer):
    return result.on_slice(result.explanation.layer(layer).stages[1])


def with_prototype_of(result, mask, layer):
    """Stage 1 with the painted organ in the box's place."""
    features = next(one for one in result.encoding.layers if one.name == layer)
    unit, (h, w) = features.unit.float(), features.grid
    share = torch.from_numpy(mask.reshape(h, TOKEN_PX, w, TOKEN_PX).mean((1, 3)).ravel()).float()
    total = share @ unit
    left = total - share[:, None] * unit
    return result.on_slice((unit * left).sum(1).div(left.norm(dim=1)).reshape(h, w).numpy())


def test_half_of_the_horseshoes_box_is_not_organ_and_its_prototype_suffers(demo):
    planted, hollow = horseshoe()
    organ, result = planted.reference, explained(planted, demo)
    assert organ.sum() / figures.in_box(result).sum() == pytest.approx(0.49, abs=0.01)
    organ_alone = with_prototype_of(result, organ, "block 0")
    assert figures.auroc(organ_alone, organ, hollow) == pytest.approx(0.99, abs=0.02)
    assert figures.difference_of_means(organ_alone, organ, hollow) == pytest.approx(0.19, abs=0.02)


def test_either_preset_ranks_the_horseshoe_in_the_grown_box(demo):
    planted, _ = horseshoe()
    for preset in ("paper", "contour"):
        result = explained(planted, demo, parameters_for(preset))
        values = result.explanation.layer("block 4").stages[3]
        assert figures.auroc_near(result, values, planted.reference) == pytest.approx(0.96, abs=0.02)


def test_position_keeps_the_twin_dark(demo, placeless):
    planted, twin = twins()
    organ = planted.reference
    result, without = explained(planted, demo), explained(planted, placeless)
    assert stage_1(result, "block 0")[twin].mean() < 0.6 * stage_1(result, "block 0")[organ].mean()
    assert stage_1(without, "block 0")[twin].mean() > stage_1(without, "block 0")[organ].mean()
    unweighted = without.on_slice(without.explanation.layer("block 4").stage3_unweighted)
    here, there = figures.mass(unweighted, organ), figures.mass(unweighted, twin)
    assert here / (here + there) == pytest.approx(0.46, abs=0.03)


def test_the_hidden_disc_is_found_by_nearness(demo, placeless):
    planted = hidden_disc()
    for model, expected in ((demo, 0.98), (placeless, 0.82)):
        result = explained(planted, model)
        values = result.explanation.layer("block 0").stages[1]
        assert figures.auroc_near(result, values, planted.reference) == pytest.approx(expected, abs=0.02)


def test_position_makes_far_air_unlike_near_air(placeless):
    result = explained(box_in_air(), placeless)
    assert figures.auroc(stage_1(result, "block 0"), ~body_mask(), body_mask()) == pytest.approx(0.85, abs=0.02)


@pytest.mark.parametrize(("stage", "expected"), [(2, 0.89), (3, 0.80)])
def test_within_the_body_a_random_decoder_is_hardly_noticed(demo, stage, expected):
    planted, _ = twins()
    body = body_mask().reshape(32, TOKEN_PX, 32, TOKEN_PX).all((1, 3))
    maps = [
        explained(planted, model).explanation.layer("block 4").stages[stage][body]
        for model in (demo, with_random_decoder(demo))
    ]
    assert rank_correlation(*maps) == pytest.approx(expected, abs=0.03)
