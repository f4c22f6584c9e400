"""Box-prompted Dice: numbers that can be told by hand, and a volume of which all is known."""

from dataclasses import replace

import numpy as np
import pytest

from medxai.engine import Engine
from medxai.errors import InputError
from medxai.metrics import volume_dice
from medxai.metrics.box_dice import (
    BoxRules,
    OrganDice,
    box_dice,
    box_mask,
    dice,
    ellipse_mask,
    jittered_box,
    mean_over_organs,
    table,
)
from medxai.metrics.volume_dice import DiceRequest
from medxai.volume.labelled_volume import labelled
from medxai.volume.volume import make_volume
from support.answered import DEMO

EXACT_BOXES = BoxRules(jitter=0.0)


def square(low=10, high=30, size=64):
    mask = np.zeros((size, size), bool)
    mask[low:high, low:high] = True
    return mask


def test_dice_of_known_masks():
    assert dice(square(10, 30), square(10, 30)) == 1.0
    assert dice(square(10, 20), square(20, 30)) == 0.0
    half = square(10, 30)
    half[:, 20:] = False
    assert dice(square(10, 30), half) == pytest.approx(2 * 200 / 600)
    assert dice(np.zeros((3, 3), bool), np.zeros((3, 3), bool)) == 1.0
    with pytest.raises(ValueError, match="shapes"):
        dice(square(), np.zeros((3, 3), bool))


def test_box_and_ellipse_of_a_box():
    box = np.array([10, 20, 50, 60])
    assert box_mask(box, (64, 64)).sum() == 1600
    assert ellipse_mask(box, (64, 64)).sum() == pytest.approx(1600 * np.pi / 4, rel=0.01)
    assert not (ellipse_mask(box, (64, 64)) & ~box_mask(box, (64, 64))).any()


def test_boxes_follow_the_seed_and_stay_near_the_mask():
    mask = square(0, 40)
    boxes = [jittered_box(np.random.default_rng(seed), mask, 0.05) for seed in range(100)]
    assert np.array_equal(boxes[3], jittered_box(np.random.default_rng(3), mask, 0.05))
    assert (np.abs(np.stack(boxes) - [0, 0, 40, 40]) <= 2).all()
    assert np.stack(boxes).min() == 0
    assert {box[2] for box in map(tuple, boxes)} >= {38, 42}
    assert np.array_equal(jittered_box(np.random.default_rng(0), square(7, 8), 0.4), [7, 7, 8, 8])


def test_a_perfect_answer_scores_one_and_baselines_are_the_boxes_own():
    reference = np.zeros((3, 64, 64), int)
    reference[1][square(10, 30)] = 4
    reference[2][square(20, 25)] = 4  # too small to count
    asked = []

    def perfect(index, boxes):
        asked.append((index, boxes.tolist()))
        return np.stack([reference[index] == 4 for _ in boxes])

    (row,) = box_dice(perfect, reference, {4: "spleen", 9: "absent"}, EXACT_BOXES)
    assert asked == [(1, [[10, 10, 30, 30]])]
    assert (row.organ, row.slices, row.model, row.box) == ("spleen", 1, 1.0, 1.0)
    ellipse = ellipse_mask(np.array([10, 10, 30, 30]), (64, 64))
    assert row.ellipse == pytest.approx(dice(ellipse, reference[1] == 4))


def test_the_mean_counts_every_organ_once():
    rows = [OrganDice("a", 1, 0.2, 0.4, 0.6), OrganDice("b", 99, 0.8, 0.6, 0.4)]
    mean = mean_over_organs(rows)
    assert (mean.model, mean.box, mean.ellipse) == pytest.approx((0.5, 0.5, 0.5))
    assert mean.slices == 100
    assert table(rows).splitlines()[-1] == "| mean over organs | 100 | 0.500 | 0.500 | 0.500 |"


def test_no_organ_is_an_error_that_says_which():
    with pytest.raises(InputError, match="spleen"):
        box_dice(lambda index, boxes: boxes, np.zeros((2, 8, 8), int), {1: "spleen"})


def block_case(shift_mm=0.0):
    """A bright block on a dark ground, and its labels on the same grid or beside it."""
    labels = np.zeros((4, 64, 64), np.uint8)
    labels[1:3, 20:44, 16:48] = 5
    voxels = np.where(labels > 0, 120.0, -100.0).astype(np.float32)
    voxels += np.random.default_rng(0).normal(0, 5, voxels.shape).astype(np.float32)
    voxels[0, 0, 0] = -1000
    moved = np.eye(4)
    moved[0, 3] = shift_mm
    return make_volume("block", voxels, np.eye(4), "CT"), make_volume("labels", labels, moved, "picture")


def test_the_demo_model_finds_a_bright_block():
    asked = DiceRequest(labelled(*block_case()), {5: "block"}, DEMO, rules=EXACT_BOXES)
    (row,) = volume_dice.volume_dice(asked, Engine())
    assert (row.slices, row.box) == (2, 1.0)
    assert row.model > 0.95


def test_a_reference_on_another_grid_is_refused():
    volume, reference = block_case(shift_mm=7.0)
    with pytest.raises(InputError, match="different grids"):
        labelled(volume, reference)


def test_planes_are_cut_along_their_own_axis(monkeypatch):
    labels = np.zeros((40, 50, 60), np.uint8)
    labels[10:30, 12:40, 20:23] = 1
    voxels = np.where(labels > 0, 100, -100).astype(np.float32)
    seen = []

    def answers(index, boxes):
        seen.append(index)
        return np.stack([box_mask(box, (40, 50)) for box in boxes])

    volume, reference = (make_volume(n, v, np.eye(4), "CT") for n, v in (("v", voxels), ("r", labels)))
    monkeypatch.setattr(volume_dice, "segmenter", lambda *_: answers)
    asked = DiceRequest(labelled(volume, reference), {1: "sheet"}, plane="sagittal", rules=EXACT_BOXES)
    (row,) = volume_dice.volume_dice(asked, Engine())
    assert seen == [20, 21, 22]
    assert row.model == 1.0
    with pytest.raises(InputError, match="no plane 'oblique'"):
        volume_dice.volume_dice(replace(asked, plane="oblique"), Engine())


def test_a_box_may_be_further_out_than_in():
    mask = square(40, 140, 200)
    boxes = np.array([jittered_box(np.random.default_rng(seed), mask, 0.05, 0.2) for seed in range(200)])
    outward = (boxes - [40, 40, 140, 140]) * [-1, -1, 1, 1]
    assert outward.min() == -5 and 17 <= outward.max() <= 20
