"""The numbers in the reasons that `found.py` gives, measured: what would have to be otherwise for the expectation to hold."""

import copy

import pytest
import torch

from medxai.explainers.three_stage.parameters import parameters_for
from medxai.metrics.map_change import rank_correlation
from medxai.models.loading import with_network
from medxai_lab.failure_cases import metrics
from medxai_lab.failure_cases.box_over_nothing import box_in_air
from medxai_lab.failure_cases.case import answered, explained
from medxai_lab.failure_cases.concave_organ import horseshoe
from medxai_lab.failure_cases.made_slice import TOKEN_PX, body_mask
from medxai_lab.failure_cases.organ_like_its_surroundings import hidden_disc
from medxai_lab.failure_cases.random_decoder import with_random_decoder
from medxai_lab.failure_cases.two_identical_organs import twins


@pytest.fixture(scope="module")
def placeless(demo):
    """The demo model without its position code."""
    sam = copy.deepcopy(demo.sam)
    with torch.no_grad():
        sam.image_encoder.position.weight.zero_()
    return with_network(demo, sam, f"{demo.checksum_sha256}, placeless")


def stage_1(result, layer):
    return result.on_slice(result.explanation.layer(layer).stages[1])


def with_prototype_of(case, mask, layer):
    """Stage 1 with the painted organ in the box's place."""
    result = case.result
    features = next(one for one in case.encoding.layers if one.name == layer)
    unit, (h, w) = features.unit.float(), features.grid
    share = torch.from_numpy(mask.reshape(h, TOKEN_PX, w, TOKEN_PX).mean((1, 3)).ravel()).float()
    total = share @ unit
    left = total - share[:, None] * unit
    return result.on_slice((unit * left).sum(1).div(left.norm(dim=1)).reshape(h, w).numpy())


def test_half_of_the_horseshoes_box_is_not_organ_and_its_prototype_suffers(demo):
    made, hollow = horseshoe()
    case = answered(made, demo)
    organ, result = made.reference, case.result
    assert organ.sum() / metrics.in_box(result).sum() == pytest.approx(0.49, abs=0.01)
    organ_alone = with_prototype_of(case, organ, "block 0")
    assert metrics.auroc(organ_alone, organ, hollow) == pytest.approx(0.99, abs=0.02)
    assert metrics.difference_of_means(organ_alone, organ, hollow) == pytest.approx(0.19, abs=0.02)


def test_either_preset_ranks_the_horseshoe_in_the_grown_box(demo):
    made, _ = horseshoe()
    for preset in ("paper", "contour"):
        result = explained(made, demo, parameters_for(preset))
        values = result.explanation.layer("block 4").stages[3]
        assert metrics.auroc_near(result, values, made.reference) == pytest.approx(0.96, abs=0.02)


def test_position_keeps_the_twin_dark(demo, placeless):
    made, twin = twins()
    organ = made.reference
    result, without = explained(made, demo), explained(made, placeless)
    assert stage_1(result, "block 0")[twin].mean() < 0.6 * stage_1(result, "block 0")[organ].mean()
    assert stage_1(without, "block 0")[twin].mean() > stage_1(without, "block 0")[organ].mean()
    unweighted = without.on_slice(without.explanation.layer("block 4").stage3_unweighted)
    here, there = metrics.mass(unweighted, organ), metrics.mass(unweighted, twin)
    assert here / (here + there) == pytest.approx(0.46, abs=0.03)


def test_the_hidden_disc_is_found_by_nearness(demo, placeless):
    made = hidden_disc()
    for model, expected in ((demo, 0.98), (placeless, 0.82)):
        result = explained(made, model)
        values = result.explanation.layer("block 0").stages[1]
        assert metrics.auroc_near(result, values, made.reference) == pytest.approx(expected, abs=0.02)


def test_position_makes_far_air_unlike_near_air(placeless):
    result = explained(box_in_air(), placeless)
    assert metrics.auroc(stage_1(result, "block 0"), ~body_mask(), body_mask()) == pytest.approx(0.85, abs=0.02)


@pytest.mark.parametrize(("stage", "expected"), [(2, 0.89), (3, 0.80)])
def test_within_the_body_a_random_decoder_is_hardly_noticed(demo, stage, expected):
    made, _ = twins()
    body = body_mask().reshape(32, TOKEN_PX, 32, TOKEN_PX).all((1, 3))
    maps = [
        explained(made, model).explanation.layer("block 4").stages[stage][body]
        for model in (demo, with_random_decoder(demo))
    ]
    assert rank_correlation(*maps) == pytest.approx(expected, abs=0.03)
