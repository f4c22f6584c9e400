"""Box or image: Shapley's shares add up, are told with their range, and are not told where they depend on the others."""

from dataclasses import replace

import numpy as np
import pytest

from medxai.engine import Engine
from medxai.errors import InputError
from medxai.explainers.base import Case
from medxai.metrics.box_or_image import BOXES, IMAGES, box_or_image, shares_of
from medxai.report.case_report import case_report_html
from medxai.request import ExplainRequest, ModelChoice
from medxai.slice.box import PixelBox
from support.panel import ball_volume

BOX = (20, 18, 44, 42)


@pytest.fixture(scope="module")
def case() -> Case:
    return Engine().case(ExplainRequest.of_slice(ball_volume(), "axial", 6, model=ModelChoice("demo")), BOX)


def test_a_mask_that_needs_both_is_shared_and_one_that_needs_one_is_not() -> None:
    either = shares_of(np.array([[1.0, 0.4, 0.4], [0.6, 0.0, 0.0]]))
    assert either.image_share == pytest.approx(0.4) and either.is_told
    assert shares_of(np.array([[1.0, 0.0], [1.0, 0.0]])).image_share == 0
    assert shares_of(np.array([[1.0, 1.0], [0.0, 0.0]])).image_share == 1


def test_a_wide_range_and_a_score_that_hardly_differs_are_not_told_in_numbers() -> None:
    wide = shares_of(np.array([[1.0, 0.0], [0.9, 0.0], [0.1, 0.0]]))
    assert wide.highest_image_share - wide.lowest_image_share == pytest.approx(0.4)
    flat = shares_of(np.array([[0.05, 0.0], [0.0, 0.0]]))
    nothing = shares_of(np.zeros((2, 2)))
    for one in (wide, flat, nothing):
        assert one.image_share is None and "%" not in one.sentence and "is not told" in one.sentence
    assert "depends too much" in wide.sentence
    assert all("hardly set it off" in one.sentence for one in (flat, nothing))


def test_a_ball_is_compared_with_other_slices_and_boxes(case: Case) -> None:
    found = box_or_image(case, seed=1)
    assert (found.images, found.boxes) == (IMAGES, BOXES)
    assert found.own > max(found.other_box, found.neither), "the mask goes with this box"
    assert found.lowest_image_share <= found.highest_image_share
    if found.image_share is not None:
        assert found.lowest_image_share <= found.image_share <= found.highest_image_share
    assert box_or_image(case, seed=1) == found
    page = case_report_html(replace(case.result, box_or_image=found))
    assert " -0." not in page, "a hyphen for a minus"
    assert "Box or image" in page and found.sentence in page.replace("&#39;", "'")


@pytest.mark.parametrize("why", ["no other slices", "too large", "segmented nothing"])
def test_what_cannot_be_compared_is_refused_with_the_reason(case: Case, why: str) -> None:
    if why == "no other slices":
        one = ball_volume("one", (1, 60, 64))
        case = replace(case, request=ExplainRequest.of_slice(one, "axial", 0, model=case.request.model))
    elif why == "too large":
        case = replace(case, box=replace(case.box, box=PixelBox(2, 2, 62, 58)))
    else:
        empty = replace(case.result.segmentation, logits=np.full_like(case.result.segmentation.logits, -1))
        explanation = replace(case.result.explanation, segmentation=empty)
        case = replace(case, result=replace(case.result, explanation=explanation))
    with pytest.raises(InputError, match={"no other slices": "this one has none"}.get(why, why)):
        box_or_image(case)
