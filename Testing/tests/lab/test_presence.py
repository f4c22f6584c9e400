"""The limits of "Is there anything here?": what the boxes are over, and how the limit is set."""

from dataclasses import replace

import numpy as np
import pytest

from medxai.presence import PresenceLimits
from medxai.results import ModelIdentity
from medxai.slice.box import grown_box
from medxai_lab.presence.__main__ import table
from medxai_lab.presence.boxes import Kind, questions
from medxai_lab.presence.measuring import Measured, limits_from

MODEL = ModelIdentity("m", "a model", "net", "default", 256, "0" * 64, "cpu")


def test_boxes_over_one_tissue_are_even_and_those_around_structures_are_not():
    contrast = {kind: [] for kind in Kind}
    for question in questions(0, 11):
        grey = question.volume.voxels[0].astype(float)
        for kind, box in question.boxes:
            seen = grey[grown_box(box, grey.shape).mask(grey.shape)]
            contrast[kind].append(seen.std() / grey.std())
    assert all(len(found) >= 3 for kind, found in contrast.items() if kind is not Kind.UNPAINTED)
    assert np.median(contrast[Kind.STRUCTURE]) > 2 * np.median(contrast[Kind.EVEN] + contrast[Kind.AIR])


def test_the_same_scenes_come_again():
    first, second = (list(questions(3, 4)) for _ in range(2))
    assert [one.boxes for one in first] == [one.boxes for one in second]
    assert all(np.array_equal(a.volume.voxels, b.volume.voxels) for a, b in zip(first, second, strict=True))


@pytest.fixture
def boxes():
    rng = np.random.default_rng(0)

    def some(kind, mean):
        return [Measured(kind, number, rng.normal(mean, 1, 4)) for number in range(400)]

    return some(Kind.STRUCTURE, 3) + some(Kind.EVEN, 0)


def test_most_boxes_over_nothing_stay_below_the_limit(boxes):
    limits = limits_from(MODEL, boxes)
    assert isinstance(limits, PresenceLimits)
    assert limits.false_alarms <= 0.08
    assert limits.passed > 0.95
    assert f"| {Kind.STRUCTURE} | 400 |" in table(limits, boxes)


def test_rates_are_those_of_slices_that_did_not_decide_the_limit(boxes):
    """If one half of the slices has louder nothing, the other half's limit must be seen to fail on it."""
    spoiled = [
        replace(box, measures=box.measures + 2) if box.kind is Kind.EVEN and box.scene % 2 else box for box in boxes
    ]
    assert limits_from(MODEL, spoiled).false_alarms > 0.3
    assert limits_from(MODEL, boxes).false_alarms < 0.08
