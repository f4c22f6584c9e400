"""Several organs through the slices: each slice encoded once, each organ followed as if it were alone, overlaps said."""

from dataclasses import replace

import numpy as np
import pytest

from medxai import engine as engine_module
from medxai.engine import Engine
from medxai.errors import Cancelled, InputError
from medxai.organ_codes import organ_named
from medxai.progress import RunControl
from medxai.slice.box import PixelBox, grown_box
from medxai.through_slices.several import followed_organs, label_volume, overlaps_through_slices

from .conftest import START, request_of
from .test_way import same

FIRST, LAST = START - 2, START + 5


@pytest.fixture(scope="module")
def requests(ending):
    """The tube that ends, a larger box around it, and fat beside it."""
    tube = request_of(ending, first=FIRST, last=LAST)
    larger = replace(tube, box=grown_box(tube.box, tube.on_slice.image.shape, 0.4))
    return tube, larger, replace(tube, box=PixelBox(2, 2, 14, 14))


@pytest.fixture(scope="module")
def together(engine, requests):
    return engine.explain_organ_volumes(requests)


@pytest.fixture(scope="module")
def organs(together):
    return followed_organs([organ_named("aorta"), organ_named("aorta"), organ_named("liver")], together)


def test_each_slice_is_encoded_once_also_where_the_cache_holds_one_only(engine, requests, monkeypatch):
    small = Engine()
    small.explain(requests[0].on_slice, [tuple(requests[0].box.xyxy)])
    small.set_budget(small.held_bytes)
    passes, encode = [], engine_module.encode
    monkeypatch.setattr(engine_module, "encode", lambda *a, **k: passes.append(1) or encode(*a, **k))
    results = small.explain_organ_volumes(requests)
    assert len({one.index for result in results for one in result.slices}) == LAST - FIRST + 1
    # The slice of the boxes is in the cache already; the ways up and down both begin beside it.
    assert len(passes) == LAST - FIRST


def test_each_organ_is_followed_as_if_it_were_alone(engine, requests, together):
    for request, result in zip(requests, together, strict=True):
        assert same(engine.explain_volume(request), result)
        assert result.model is not None and result.is_complete


def test_progress_is_that_of_all_organs(engine, requests):
    told, reported = [], []
    control = RunControl(lambda _step, done, total: reported.append((done, total)))
    engine.explain_organ_volumes(
        requests[:2], control, on_slice=lambda number, one, so_far: told.append((number, one, so_far))
    )
    assert [so_far.done for _, _, so_far in told] == list(range(1, len(told) + 1))
    assert {so_far.total for _, _, so_far in told} == {2 * (LAST - FIRST + 1)}
    assert reported == [(so_far.done, so_far.total) for _, _, so_far in told]
    assert [(number, one.index) for number, one, _ in told[:4]] == [
        (0, START),
        (1, START),
        (0, START + 1),
        (1, START + 1),
    ]


@pytest.mark.parametrize("after", [3, 6])
def test_a_run_that_was_cancelled_goes_on_to_the_same_result(engine, requests, together, after):
    done = []
    control = RunControl(is_cancelled=lambda: len(done) >= after)
    kept = engine.explain_organ_volumes(requests, control, on_slice=lambda *one: done.append(one))
    assert sum(len(one.slices) for one in kept) == after and not any(one.is_complete for one in kept)
    again = []
    whole = engine.explain_organ_volumes(
        requests, so_far=kept, on_slice=lambda number, one, _: again.append((number, one))
    )
    assert all(same(one, other) for one, other in zip(whole, together, strict=True))
    assert all(
        result.slice(one.index) is one for before, result in zip(kept, whole, strict=True) for one in before.slices
    )
    with pytest.raises(Cancelled):
        engine.explain_organ_volumes(requests, RunControl(is_cancelled=lambda: True))


def test_masks_that_share_voxels_are_said_and_a_voxel_has_one_label(organs):
    first, second, _third = organs
    assert [one.organ.name for one in organs] == ["aorta", "aorta 2", "liver"]
    assert first.organ.colour != second.organ.colour
    shared = int((first.result.mask & second.result.mask).sum())
    said = overlaps_through_slices(organs)
    assert shared and said[0].startswith(f"The masks of aorta and aorta 2 share {shared} voxels on slices")
    labels = label_volume(organs)
    assert np.array_equal(labels == 1, first.result.mask), "the first of the run keeps its voxels"
    assert np.array_equal(labels == 2, second.result.mask & ~first.result.mask)


def test_what_does_not_go_together_is_refused_before_any_model_runs(requests, ending, monkeypatch):
    monkeypatch.setattr(engine_module, "encode", lambda *_a, **_k: pytest.fail("the model ran"))
    with pytest.raises(InputError, match="no box"):
        Engine().explain_organ_volumes([])
    for other in (request_of(ending, START + 1), replace(requests[0], maps=())):
        with pytest.raises(InputError, match="followed together"):
            Engine().explain_organ_volumes([requests[0], other])
    with pytest.raises(InputError, match="outside"):
        Engine().explain_organ_volumes([requests[0], replace(requests[0], box=PixelBox(500, 500, 520, 520))])
