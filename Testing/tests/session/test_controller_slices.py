"""The session follows an organ through the slices: with progress, cancelled with whole slices, and on from a moved box."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from medxai.errors import InputError
from medxai.slice.box import box_of_mask
from medxai.through_slices.drift_alarm import StopReason
from medxai.through_slices.volume_result import SliceState
from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.shared_engine import SharedEngine
from MedXAILib.session.state import Activity, Outcome
from MedXAILib.session.worker import Worker
from support.panel import PlainScene, until
from support.session import SlowTasks, explained
from support.tubes import Tube, make_tube

START = 4


@pytest.fixture(scope="module")
def tube() -> Tube:
    """It ends on slice 9."""
    return make_tube("end", 3)


def corners_on(tube: Tube, index: int, larger: int = 0) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (int(edge) for edge in box_of_mask(tube.mask[index]).xyxy)
    return x0 - larger, y0 - larger, x1 + larger, y1 + larger


@pytest.fixture
def scene(tube: Tube) -> PlainScene:
    it = PlainScene(tube.volume)
    it.index, it.corners = START, corners_on(tube, START)
    return it


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> SharedEngine:
    """One for all tests, so that a slice is encoded once."""
    return SharedEngine(tmp_path_factory.mktemp("models"))


@pytest.fixture
def tasks(engine: SharedEngine) -> SlowTasks:
    return SlowTasks(engine)


@pytest.fixture
def session(scene: PlainScene, tasks: SlowTasks, worker: Worker):
    it = Controller(scene, tasks, worker)
    it.choose_method(MethodChoices(model="demo", device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    it.tick()
    yield it
    tasks.gate.set()
    assert it.close(20), "the worker did not stop"


def followed(session: Controller):
    session.follow_through_slices()
    assert session.state.is_busy and session.state.running.activity is Activity.FOLLOW, session.state
    until(session, lambda: not session.state.running)
    assert session.state.outcome is Outcome.DONE, session.state.message
    return session.state.followed.result


def test_the_organ_is_followed_to_its_end_with_progress(session, scene, tube):
    seen = []
    session.observe(lambda state, _before: seen.append(state.running))
    result = followed(session)
    assert scene.followed == [result] and result.is_complete
    assert [stop.index for stop in result.alarms] == [9]
    assert 2 * (result.mask & tube.mask).sum() / (result.mask.sum() + tube.mask.sum()) > 0.9
    told = [one for one in seen if one is not None and one.seconds_left is not None]
    assert told and all(0 < one.done <= one.total == len(tube.mask) for one in told)
    assert {map_id.map for map_id in result.map_ids} == {"stage3"}


def test_a_cancelled_way_keeps_whole_slices_and_goes_on_to_the_same_end(session, scene, tasks, tmp_path):
    whole = followed(session)
    session.forget()
    scene.followed.clear()
    tasks.gate.clear()
    session.follow_through_slices()
    until(session, lambda: session.state.running.seconds_left is not None)
    session.cancel()
    assert not session.state.is_busy and session.state.outcome is Outcome.CANCELLED
    kept = session.state.followed.result
    assert [one.index for one in kept.slices] == [START] and not kept.is_complete
    tasks.gate.set()
    until(session, lambda: bool(scene.followed))
    assert scene.followed == [kept], "what is there is shown"
    until(session, lambda: not session.state.running)
    session.export(str(tmp_path / "out"), as_dicom=True)
    assert session.state.outcome is Outcome.FAILED and "press Through the slices to go on" in session.state.message
    assert session.state.running is None and not (tmp_path / "out").exists()
    result = followed(session)
    assert result.slice(START) is kept.slices[0], "the slice was done anew"
    np.testing.assert_array_equal(result.mask, whole.mask)


def test_what_was_cancelled_after_an_alarm_still_says_the_alarm(session, tasks, monkeypatch):
    said = followed(session).alarms
    session.forget()
    calls, held = itertools.count(1), tasks.gate
    held.clear()
    after_the_alarm = SimpleNamespace(wait=lambda limit_s: next(calls) < 6 or held.wait(limit_s), set=held.set)
    monkeypatch.setattr(tasks, "gate", after_the_alarm)
    session.follow_through_slices()
    until(session, lambda: session.state.running.done == 6 and session.state.running.seconds_left is not None)
    session.cancel()
    kept = session.state.followed.result
    assert [one.index for one in kept.slices] == [4, 5, 6, 7, 8, 9]
    assert kept.alarms == said and not kept.is_complete


def test_a_box_moved_on_a_later_slice_does_anew_what_lies_behind_it_and_no_more(session, scene, tube):
    before = followed(session)
    scene.index, scene.corners = 7, corners_on(tube, 7, larger=1)
    session.scene_changed()
    after = followed(session)
    kept = [index for index in range(9) if after.slice(index) is before.slice(index)]
    assert kept == [0, 1, 2, 3, 4, 5, 6]
    assert after.slice(7).state is SliceState.YOUR_BOX and after.request.start == START
    assert [one.index for one in after.alarms] == [9]
    again = followed(session)
    assert all(again.slice(one.index) is one for one in after.slices), "nothing has changed, so nothing is done anew"


def test_a_moved_box_that_is_cancelled_early_does_not_cost_what_was_followed_before(session, scene, tasks, tube):
    before = followed(session)
    scene.corners = corners_on(tube, START, larger=1)
    session.scene_changed()
    tasks.gate.clear()
    session.follow_through_slices()
    until(session, lambda: session.state.running.seconds_left is not None)
    session.cancel()
    tasks.gate.set()
    until(session, lambda: not session.state.running)
    assert session.state.followed.result is before, "a whole organ was given for a part of it"
    assert scene.followed == [before]


def test_slices_that_a_cancelled_way_had_not_come_to_yet_stay_where_they_still_hold(
    session, scene, tasks, tube, monkeypatch
):
    before = followed(session)
    scene.index, scene.corners = 8, corners_on(tube, 8, larger=1)
    session.scene_changed()
    calls, held = itertools.count(1), tasks.gate
    held.clear()
    at_the_second_slice = SimpleNamespace(wait=lambda limit_s: next(calls) < 2 or held.wait(limit_s), set=held.set)
    monkeypatch.setattr(tasks, "gate", at_the_second_slice)
    session.follow_through_slices()
    until(session, lambda: session.state.running.seconds_left is not None)
    session.cancel()
    tasks.gate.set()
    until(session, lambda: len(scene.followed) == 2 and not session.state.running)
    kept = session.state.followed.result
    assert [index for index in range(8) if kept.slice(index) is before.slice(index)] == list(range(8))
    assert kept.slice(8).state is SliceState.YOUR_BOX and not kept.is_complete


def test_a_region_that_was_made_deeper_or_moved_to_another_slice_is_asked_anew(session, scene):
    scene.slices = (3, 5)
    session.scene_changed()
    before = followed(session)
    scene.slices = (3, 7)
    session.scene_changed()
    deeper = followed(session)
    assert [one.index for one in deeper.slices] == [3, 4, 5, 6, 7]
    assert all(deeper.slice(one.index) is one for one in before.slices)
    scene.slices, scene.index = None, 6  # the same corners, on a slice that they were not drawn on
    session.scene_changed()
    assert followed(session).slice(6).state is SliceState.YOUR_BOX


def test_a_box_around_something_else_begins_a_way_of_its_own(session, scene):
    scene.slices = (START, START + 1)
    before = followed(session)
    scene.corners = (2, 2, 14, 14)
    session.scene_changed()
    after = followed(session)
    assert not after.request.other_boxes and after.slice(START) is not before.slice(START)


def test_the_regions_depth_is_the_range(session, scene):
    scene.slices = (3, 6)
    session.scene_changed()
    result = followed(session)
    assert [one.index for one in result.slices] == [3, 4, 5, 6]
    assert {stop.reason for stop in result.stops} == {StopReason.RANGE_ENDS}


def test_live_updates_take_up_a_changed_method_on_a_slice_of_the_followed_organ(session, scene):
    scene.slices = (START, START + 1)
    explained(session)
    followed(session)
    assert session.state.live
    session.choose_method(replace(session.state.method, preset="contour"))
    until(session, lambda: session.state.result.explanation.parameters.preset == "contour")


def test_where_only_the_second_objects_images_cannot_be_named_nothing_is_written(
    session, scene, tasks, tmp_path, monkeypatch
):
    scene.slices = (START, START + 1)
    explained(session)
    followed(session)
    scene.dicom_files = (tmp_path / "image.dcm",)
    answers = iter([scene.volume])

    def framed(_volume, _files):
        found = next(answers, None)
        if found is None:
            raise InputError("The images of the organ cannot be named.")
        return found

    monkeypatch.setattr(tasks, "framed", framed)
    session.export(str(tmp_path / "out"), as_dicom=True)
    until(session, lambda: not session.state.running)
    assert session.state.message == "The images of the organ cannot be named." and not (tmp_path / "out").exists()


def test_nothing_is_followed_without_a_box_and_closing_the_scene_forgets(session, scene):
    scene.slices = (START, START + 1)
    followed(session)
    session.forget()
    assert session.state.followed is None
    scene.corners = None
    session.follow_through_slices()
    assert not session.state.can_follow and session.state.running is None
