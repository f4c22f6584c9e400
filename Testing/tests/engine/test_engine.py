"""The engine keeps what the next box needs, never takes one thing for another, and stops when it is told to."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from medxai.engine import Engine
from medxai.errors import Cancelled, InputError, ModelError, ResourceError
from medxai.explainers.random_weights import with_random_weights
from medxai.maps import stage_map
from medxai.model_input.grey import Window
from medxai.models.loading import with_network
from medxai.progress import RunControl, Step
from medxai.request import ExplainRequest, ModelChoice
from medxai.volume.volume import Modality, make_volume
from support.models import small_model

BOX, ANOTHER_BOX = (5, 5, 20, 20), (15, 8, 34, 24)


@pytest.fixture(scope="module")
def volume():
    voxels = np.random.default_rng(0).normal(40, 150, (7, 30, 40)).astype(np.float32)
    return make_volume("noise", voxels, np.diag([2.0, 2.0, 5.0, 1.0]), Modality.CT)


@pytest.fixture(scope="module")
def choice(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.pth"
    torch.save(small_model().sam.state_dict(), path)
    return ModelChoice(path, "cpu")


@pytest.fixture
def asked(volume, choice):
    return ExplainRequest.of_slice(volume, "axial", 2, model=choice)


@pytest.fixture
def engine():
    return Engine()


class Heard:
    """A control that keeps what it was told, and cancels once a condition on it holds."""

    def __init__(self, cancel_when=lambda heard: False):
        self.steps = []
        self.control = RunControl(
            lambda step, done, total: self.steps.append((step, done, total)), lambda: cancel_when(self.steps)
        )

    def said(self, step):
        return [one for one in self.steps if one[0] is step]


def same(first, second):
    """Whether two results have one mask and the same maps."""
    return np.array_equal(first.segmentation.mask, second.segmentation.mask) and all(
        np.array_equal(first.values(map_id), second.values(map_id)) for map_id in first.map_ids()
    )


def test_the_second_box_is_answered_without_the_encoder(engine, asked):
    assert not engine.is_encoded(asked)
    heard = Heard()
    first = engine.explain(asked, [BOX], heard.control)[0]
    blocks = [done for _, done, _ in heard.said(Step.ENCODING)]
    assert first.encoding.is_new and max(blocks) == heard.said(Step.ENCODING)[0][2] >= 4
    assert engine.is_encoded(asked)
    heard = Heard()
    second = engine.explain(asked, [ANOTHER_BOX], heard.control)[0]
    assert not second.encoding.is_new and not heard.said(Step.ENCODING) and not heard.said(Step.LOADING)
    assert same(second, Engine().explain(asked, [ANOTHER_BOX])[0])


def test_segmenting_explaining_and_taking_a_case_share_one_encoding(engine, asked):
    (mask,) = engine.segment(asked, [BOX])
    held = engine.held_bytes
    result, case = engine.explain(asked, [BOX])[0], engine.case(asked, BOX)
    assert not result.encoding.is_new and engine.held_bytes == held > 0
    np.testing.assert_array_equal(mask.mask, result.segmentation.mask)
    assert same(result, case.result)


@pytest.mark.parametrize(
    "change",
    [
        {"window": Window(0, 100)},
        {"enhance_input": True},
        {"layers": ("block 0", "neck")},
        {"image": 3},
        {"grey_range": "narrow"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_the_models_input_is_encoded_anew(engine, asked, volume, change):
    engine.explain(asked, [BOX])
    if "image" in change:
        change = {"image": ExplainRequest.of_slice(volume, "axial", change["image"]).image}
    if "grey_range" in change:
        known = engine.explain(asked, [BOX])[0].prepared.grey_range
        change = {"grey_range": replace(known, upper=known.upper - 100)}
    other = replace(asked, **change)
    assert not engine.is_encoded(other)
    assert engine.explain(other, [BOX])[0].encoding.is_new
    assert engine.is_encoded(asked) and engine.is_encoded(other)


def test_another_preset_needs_no_new_encoding(engine, asked):
    engine.explain(asked, [BOX])
    other = replace(asked, parameters=replace(asked.parameters, prototype_share=0.2))
    result = engine.explain(other, [BOX])[0]
    assert not result.encoding.is_new
    assert not same(result, engine.explain(asked, [BOX])[0])


def test_a_changed_network_never_gets_anothers_encoding(engine, asked):
    """Two changed networks whose records say the same of their weights, as a test's or a cascade's may."""
    model = small_model()
    own = engine.explain(replace(asked, model=model), [BOX])[0]
    random = [with_random_weights(model, seed).sam for seed in (1, 2)]
    changed = [with_network(model, sam, model.checksum_sha256) for sam in random]
    results = [engine.explain(replace(asked, model=one), [BOX])[0] for one in changed]
    assert all(one.encoding.is_new for one in results)
    maps = [one.values(stage_map(1, "neck")) for one in (own, *results)]
    assert all(np.abs(a - b).max() > 1e-3 for a, b in ((maps[0], maps[1]), (maps[0], maps[2]), (maps[1], maps[2])))
    again = engine.explain(replace(asked, model=changed[0]), [BOX])[0]
    assert not again.encoding.is_new and same(again, results[0])


def test_a_volumes_grey_range_is_found_once_for_each_window(engine, volume, choice, monkeypatch):
    from medxai import engine as module

    found = []
    real = module.grey_range_of
    monkeypatch.setattr(module, "grey_range_of", lambda *asked: found.append(asked[1]) or real(*asked))
    for window in (None, Window(50, 300)):
        for index in (1, 2, 3):
            request = ExplainRequest.of_slice(volume, "axial", index, model=choice, window=window)
            engine.segment(request, [BOX, ANOTHER_BOX])
    assert found == [None, Window(50, 300)]


def test_a_volume_that_nobody_has_any_more_is_not_kept(choice):
    import gc
    import weakref

    engine = Engine()
    voxels = np.random.default_rng(1).normal(0, 100, (3, 20, 20)).astype(np.float32)
    volume = make_volume("gone", voxels, np.eye(4), Modality.CT)
    engine.explain(ExplainRequest.of_slice(volume, "axial", 1, model=choice), [(2, 2, 10, 10)])
    kept = weakref.ref(volume)
    del volume
    gc.collect()
    assert kept() is None


def test_bad_input_is_said_before_a_model_is_looked_for(engine, asked):
    absent = replace(asked, model=ModelChoice("no-such-model"))
    with pytest.raises(InputError, match="outside the slice"):
        engine.explain(absent, [(100, 100, 120, 120)])
    with pytest.raises(InputError, match="shows nothing|constant"):
        engine.explain(replace(absent, window=Window(9000, 10)), [BOX])
    with pytest.raises(ModelError, match="no-such-model"):
        engine.explain(absent, [BOX])


def test_cancelling_stops_between_two_blocks_and_leaves_nothing_half_made(engine, asked):
    engine.load(asked.model)
    heard = Heard(lambda steps: any(step is Step.ENCODING and done >= 2 for step, done, _ in steps))
    with pytest.raises(Cancelled):
        engine.explain(asked, [BOX], heard.control)
    assert max(done for _, done, _ in heard.said(Step.ENCODING)) <= 3
    assert engine.held_bytes == 0 and not engine.is_encoded(asked)
    assert same(engine.explain(asked, [BOX])[0], Engine().explain(asked, [BOX])[0])


def test_a_preview_comes_first_and_is_not_kept(engine, asked, monkeypatch):
    monkeypatch.setattr("medxai.encoding.backends.preview._SMALLEST_SIDE_PX", 128)  # the small model pays, too
    previews = []
    result = engine.explain(asked, [BOX, ANOTHER_BOX], on_preview=previews.append)[0]
    (preview,) = previews
    assert preview.is_preview and not result.is_preview
    assert preview.box == result.box
    assert same(result, Engine().explain(asked, [BOX, ANOTHER_BOX])[0])
    engine.explain(asked, [BOX], on_preview=previews.append)  # is encoded: nothing to preview
    assert len(previews) == 1


def test_the_budget_is_kept_and_what_was_used_last_stays(asked, volume):
    one = Engine()
    one.segment(asked, [BOX])
    engine = Engine(budget_bytes=int(2.5 * one.held_bytes))
    requests = [replace(asked, image=ExplainRequest.of_slice(volume, "axial", index).image) for index in (1, 2, 3)]
    for request in requests:
        engine.segment(request, [BOX])
    assert [engine.is_encoded(request) for request in requests] == [False, True, True]
    engine.set_budget(int(1.5 * one.held_bytes))
    assert [engine.is_encoded(request) for request in requests] == [False, False, True]


def test_freeing_forgets_models_and_encodings_and_the_next_box_is_the_same(engine, asked):
    before = engine.explain(asked, [BOX])[0]
    held = engine.held_bytes
    assert engine.free() == held > 0
    assert engine.held_bytes == 0 and not engine.is_encoded(asked)
    heard = Heard()
    after = engine.explain(asked, [BOX], heard.control)[0]
    assert heard.said(Step.LOADING) and after.encoding.is_new and same(before, after)


@pytest.mark.parametrize("moment", [Step.LOADING, Step.PREPARING, Step.ENCODING])
def test_freeing_in_the_middle_of_a_box_does_not_break_it(engine, asked, moment):
    """As the panel's button does while the worker computes."""

    def free_at(step, _done, _total):
        if step is moment:
            thread = threading.Thread(target=engine.free)
            thread.start()
            thread.join(20)
            assert not thread.is_alive(), "the button would have to wait for the encoder"

    assert same(engine.explain(asked, [BOX], RunControl(free_at))[0], Engine().explain(asked, [BOX])[0])


def test_freeing_while_the_backend_is_made_does_not_break_the_box(engine, asked, monkeypatch):
    from medxai import engine as module

    real = module.choose_backend

    def choose_and_free(*given):
        chosen = real(*given)
        engine.free()
        return chosen

    monkeypatch.setattr(module, "choose_backend", choose_and_free)
    assert engine.explain(asked, [BOX])[0].encoding.is_new
    assert engine.look_ahead(asked) == 0  # it loads no model


def test_threads_that_ask_at_once_get_what_each_asked_for(engine, asked, volume):
    requests = [replace(asked, image=ExplainRequest.of_slice(volume, "axial", index).image) for index in range(5)]
    expected = [Engine().explain(request, [BOX])[0] for request in requests]
    found, at_work, most = {}, [], []

    def progress(step, _done, _total):
        if step is Step.ENCODING:
            at_work.append(threading.get_ident())
            most.append(len(set(at_work)))

    def ask(index):
        found[index] = engine.explain(requests[index], [BOX], RunControl(progress))[0]
        at_work[:] = [one for one in at_work if one != threading.get_ident()]

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(same(found[index], expected[index]) for index in range(5))
    assert max(most) == 1  # one after another: two encoders at once would need twice the memory


@pytest.mark.parametrize("work", ["explain", "segment"])
def test_running_out_of_memory_names_the_model_and_a_remedy(engine, asked, work, monkeypatch):
    from medxai.encoding.kernels import exact_vit

    monkeypatch.setattr(exact_vit, "exact_pass", lambda *_, **__: torch.empty(1 << 60))
    with pytest.raises(ResourceError, match="not enough memory.*small"):
        getattr(engine, work)(asked, [BOX])


def test_the_model_that_is_chosen_is_the_one_that_answers(engine, asked, tmp_path):
    torch.save(small_model(seed=7).sam.state_dict(), tmp_path / "other.pth")
    other = replace(asked, model=ModelChoice(tmp_path / "other.pth", "cpu"))
    first, second = engine.explain(asked, [BOX])[0], engine.explain(other, [BOX])[0]
    assert (first.model.name, second.model.name) == ("small", "other")
    assert first.model.checksum_sha256 != second.model.checksum_sha256
    assert second.encoding.is_new and not same(first, second)
    assert not engine.explain(asked, [BOX])[0].encoding.is_new  # the model is read again, the slice is not
