"""Planted: a tube that ends, opens into a neighbour, or divides gives an alarm within one slice; a clean one gives none."""

import numpy as np
import pytest

from medxai.engine import Engine
from medxai.metrics.box_dice import dice
from medxai.request import ExplainRequest
from medxai.slice.box import box_of_mask
from medxai.through_slices.appearance import Appearance
from medxai.through_slices.drift_alarm import ALARM_AT, Sign, Trail, judge
from medxai.through_slices.request import VolumeRequest
from medxai.volume.phantom import ORGAN_LABELS, make_phantom
from support.answered import DEMO
from support.repeats import ALL_REPEATS
from support.tubes import EVENT, KINDS, make_tube


def follow(engine, tube, start):
    on_slice = ExplainRequest.of_slice(tube.volume, "axial", start, model=DEMO)
    return engine.explain_volume(VolumeRequest(on_slice, box_of_mask(tube.mask[start]), first=2, last=12))


@pytest.mark.parametrize("seed", [1, 5, 9] if ALL_REPEATS else [1, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_what_happens_to_a_tube_gives_an_alarm_within_one_slice_and_nothing_else_does(kind, seed):
    tube = make_tube(kind, seed)
    result = follow(Engine(), tube, 5)
    alarms = [stop.index for stop in result.alarms]
    if kind == "clean":
        assert alarms == []
    else:
        assert len(alarms) == 1 and alarms[0] in (EVENT, EVENT + 1)
    kept = [one.index for one in result.accepted]
    assert dice(result.mask[kept], tube.mask[kept]) > 0.9 or kind == "bifurcation"


@pytest.mark.slow
def test_on_the_clean_phantom_an_alarm_comes_only_where_an_organ_ends():
    phantom, engine = make_phantom(), Engine(budget_bytes=2 << 30)
    false_alarms, ways = 0, 0
    organs_in_turn = ("right kidney", "gallbladder", *(["aorta"] if ALL_REPEATS else []))
    for organ in organs_in_turn:
        organs = phantom.organs == ORGAN_LABELS[organ]
        start = phantom.slice_with_most(organ)
        on_slice = ExplainRequest.of_slice(phantom.volume, "axial", start, model=DEMO)
        result = engine.explain_volume(VolumeRequest(on_slice, box_of_mask(organs[start])))
        there = np.flatnonzero(organs.any(axis=(1, 2)))
        for stop in result.stops:
            ways += 1
            inside = there[0] + 1 < stop.index < there[-1] - 1
            false_alarms += stop.reason.is_alarm and inside
    assert ways == 2 * len(organs_in_turn) and false_alarms == 0


def appearance(organ, area_px=100, beside=0.0, soft=0.0, grey=16):
    shares = np.full(32, 1e-4)
    shares[grey] = 1 - shares.sum()
    return Appearance(np.array(organ, float), np.zeros(2), shares, shares, beside, soft, area_px)


def square(side, at=10):
    mask = np.zeros((40, 40), bool)
    mask[at : at + side, at : at + side] = True
    return mask


@pytest.mark.parametrize(
    ("sign", "here", "mask", "parts"),
    [
        (Sign.LIKENESS, appearance((0, 1)), square(10), 0.0),
        (Sign.GREY, appearance((1, 0), grey=3), square(10), 0.0),
        (Sign.GROWTH, appearance((1, 0), area_px=324), square(18), 0.0),
        (Sign.PLACE, appearance((1, 0)), square(10, at=18), 0.0),
        (Sign.BESIDE, appearance((1, 0), beside=0.6), square(10), 0.0),
        (Sign.SPLIT, appearance((1, 0)), square(10), 0.9),
    ],
)
def test_each_sign_alone_fires_at_once(sign, here, mask, parts):
    trail = Trail([appearance((1, 0))], square(10), 0.0, 100)
    verdict = judge(trail, here, mask, parts)
    assert verdict.is_alarm and verdict.strongest is sign


def test_a_weak_sign_fires_only_where_it_lasts():
    here = appearance((1, 0), beside=0.21)
    evidence, fired = 0.0, []
    for _ in range(8):
        verdict = judge(Trail([appearance((1, 0))], square(10), evidence, 100), here, square(10), 0.0)
        evidence = verdict.evidence
        fired.append(verdict.is_alarm)
    assert not fired[0] and not fired[1] and fired[-1]
    calm = judge(Trail([appearance((1, 0))], square(10), 0.9 * ALARM_AT, 100), appearance((1, 0)), square(10), 0.0)
    assert calm.evidence < 0.9 * ALARM_AT


def test_an_organ_that_shrinks_in_place_gives_no_alarm():
    trail = Trail([appearance((1, 0))], square(12), 0.0, 144)
    assert not judge(trail, appearance((1, 0), area_px=64), square(8, at=12), 0.0).signs


def test_nothing_segmented_is_an_alarm():
    trail = Trail([appearance((1, 0))], square(12), 0.0, 144)
    verdict = judge(trail, None, np.zeros((40, 40), bool), 0.0)
    assert verdict.is_alarm and verdict.strongest is Sign.EMPTY
