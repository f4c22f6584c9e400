"""Several organs on one slice: encoded once, each answered as if it were alone, and told apart by name and label."""

import math
from itertools import combinations

import numpy as np
import pytest

from medxai import engine as engine_module
from medxai.engine import Engine
from medxai.errors import InputError
from medxai.organ_codes import organ_named
from medxai.organs_on_slice import (
    FIGURES,
    OrganBox,
    figures_of_organ,
    label_mask,
    overlaps,
    warnings_of_organs,
    with_own_names,
)
from medxai.request import ExplainRequest
from medxai.slice.box import box_of_mask

SLICE, ORGANS = 12, ("liver", "spleen", "right kidney")


@pytest.fixture(scope="module")
def request_and_boxes(ct, model):
    boxes = [OrganBox(tuple(box_of_mask(ct.mask(name, SLICE)).xyxy), organ_named(name)) for name in ORGANS]
    return ExplainRequest.of_slice(ct.volume, "axial", SLICE, model=model), boxes


@pytest.fixture(scope="module")
def explained(request_and_boxes):
    return Engine().explain_organs(*request_and_boxes)


def test_the_slice_is_encoded_once_and_each_organ_is_answered_as_if_it_were_alone(
    request_and_boxes, explained, monkeypatch
):
    request, boxes = request_and_boxes
    passes, encode = [], engine_module.encode
    monkeypatch.setattr(engine_module, "encode", lambda *a, **k: passes.append(1) or encode(*a, **k))
    engine = Engine()
    engine.explain_organs(request, boxes)
    cases = engine.cases(request, [one.box for one in boxes])
    assert len(passes) == 1
    assert [one.organ.name for one in explained] == list(ORGANS) and [one.label for one in explained] == [1, 2, 3]
    for one, box, case in zip(explained, boxes, cases, strict=True):
        (alone,) = engine.explain(request, [box.box])
        for result in (one.explanation, case.result):
            np.testing.assert_array_equal(result.segmentation.mask, alone.segmentation.mask)
            for map_id in alone.map_ids():
                np.testing.assert_allclose(result.values(map_id), alone.values(map_id), atol=1e-5)


def test_the_table_has_a_row_an_organ_with_every_figure(explained):
    for one in explained:
        row, image = figures_of_organ(one), one.explanation.prepared.image
        assert list(row) == [figure.key for figure in FIGURES]
        assert row["area_mm2"] == pytest.approx(row["area_px"] * image.spacing_mm[0] * image.spacing_mm[1])
        assert row["outline_follows_box"] is None, "the box was not looked at"
        said = {figure.key: figure.text(row[figure.key]) for figure in FIGURES}
        assert said["outline_follows_box"] == "–" and said["mask_share_of_slice"].endswith("%")
    share = next(figure for figure in FIGURES if figure.key == "mask_share_of_slice")
    assert [share.text(value) for value in (0.0, 0.004, 0.021, 0.6)] == ["0%", "0.4%", "2%", "60%"]
    assert figures_of_organ(explained[2])["code"] == "64033007 24028007"


def test_organs_of_one_name_and_those_of_one_colour_are_told_apart():
    names = ["liver", None, "liver", None, "right kidney", "left kidney", "stomach"]
    named = with_own_names(map(organ_named, names))
    assert [one.name for one in named[:4]] == ["liver", "segmented organ", "liver 2", "segmented organ 2"]
    assert named[0].colour == organ_named("liver").colour, "the first of a colour keeps Slicer's"
    assert [one.type for one in named[4:]] == [organ_named(name).type for name in names[4:]]
    apart = [math.dist(one.colour, other.colour) for one, other in combinations(named, 2)]
    assert min(apart) >= 60, "two outlines look like one organ"
    many = with_own_names([organ_named("right kidney")] * 20)
    assert len(many) == 20, "with more organs than colours there is one for each all the same"


def test_a_pixel_of_two_masks_is_said_and_goes_to_the_likelier_one(request_and_boxes):
    request, boxes = request_and_boxes
    first, second = Engine().explain_organs(request, [boxes[0], boxes[0]])
    mask = first.explanation.segmentation.mask
    assert overlaps([first, second]) == (
        f"The masks of liver and liver 2 share {mask.sum()} pixels, which belong to one organ at most.",
    )
    labels = label_mask([first, second])
    np.testing.assert_array_equal(labels > 0, mask)
    assert labels.dtype == np.uint8


def test_a_box_that_cannot_be_used_is_refused_before_the_model_runs(request_and_boxes, monkeypatch):
    request, boxes = request_and_boxes
    monkeypatch.setattr(engine_module, "encode", lambda *_a, **_k: pytest.fail("the model ran"))
    with pytest.raises(InputError, match="outside"):
        Engine().explain_organs(request, [*boxes, OrganBox((500, 500, 520, 520))])
    with pytest.raises(InputError, match="no box"):
        Engine().explain_organs(request, [])


def test_a_warning_names_the_organs_that_it_is_of_unless_it_is_of_all():
    of_all, of_one = "the slice was enlarged", "the box is empty"
    assert warnings_of_organs([("liver", [of_all]), ("spleen", [of_one, of_all])]) == [of_all, f"spleen: {of_one}"]
    assert warnings_of_organs([("liver", [of_one])]) == [of_one]
