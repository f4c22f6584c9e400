"""Idle time goes to the slices around, and ends as soon as anybody does anything."""

import threading
from dataclasses import replace

import pytest

from medxai.errors import InputError
from medxai.map_view import ViewChoices
from medxai.maps import STAGE1, STAGE2
from medxai.progress import RunControl
from MedXAILib.session.controller import Controller
from MedXAILib.session.state import Activity, Phase
from support.panel import PlainScene, until
from support.session import SlowTasks, explained


@pytest.fixture(autouse=True)
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedXAILib.session.look_ahead.IDLE_SECONDS", 0.05)


def is_looking_ahead(controller: Controller) -> bool:
    return controller.state.running is not None and controller.state.running.activity is Activity.AHEAD


class Held:
    """Holds up the look-ahead until it is cancelled or let go."""

    def __init__(self, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch):
        self.began, self.ended_early, self.go_on = 0, 0, threading.Event()

        def look_ahead(_snapshot: object, _key: object, control: RunControl) -> int:
            self.began += 1
            while not self.go_on.wait(0.002):
                if control.is_cancelled():
                    self.ended_early += 1
                    break
            return 0

        monkeypatch.setattr(tasks, "look_ahead", look_ahead)


def test_the_slices_around_are_there_at_once_even_of_a_slow_model(
    controller: Controller,
    scene: PlainScene,
    tasks: SlowTasks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("MedXAILib.session.pace.FAST_SECONDS", 0.0)
    explained(controller)
    until(controller, lambda: not controller.wants_ticks)
    held = tasks.engine.held_bytes
    controller.choose_look_ahead(True)
    until(controller, lambda: is_looking_ahead(controller))
    assert controller.state.phase is Phase.RESULT and controller.state.can_explain and not controller.state.can_cancel
    until(controller, lambda: not controller.wants_ticks)
    assert tasks.engine.held_bytes == 5 * held
    controller.choose_look_ahead(False)
    for index in (7, 4):
        scene.index = index
        controller.scene_changed()
        until(controller, lambda index=index: controller.state.explained.slice_key == ("axial", index))
        assert not controller.state.result.encoding.is_new
    scene.index = 3
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.STALE, "a slice out of reach counts as encoded"


@pytest.mark.parametrize(
    "act",
    [
        lambda it: it.scene_changed(),
        lambda it: it.choose_view(ViewChoices(STAGE1.key)),
        lambda it: it.choose_method(replace(it.state.method, preset="contour")),
        lambda it: it.choose_live(False),
        lambda it: it.choose_look_ahead(False),
        lambda it: it.explain(),
        lambda it: it.models.free_memory(),
        lambda it: it.models.set_memory_budget(1 << 30),
        lambda it: it.forget(),
        lambda it: it.close(),
    ],
)
def test_it_stops_at_once_when_the_user_acts(
    controller: Controller, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch, act
) -> None:
    held = Held(tasks, monkeypatch)
    controller.choose_look_ahead(True)
    explained(controller)
    until(controller, lambda: held.began == 1)
    act(controller)
    assert not is_looking_ahead(controller) or controller._is_closed
    for _ in range(2000):
        if held.ended_early:
            break
        threading.Event().wait(0.002)
    assert held.ended_early == 1
    held.go_on.set()


def test_it_goes_on_after_a_rest_and_is_not_repeated(
    controller: Controller, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(tasks, monkeypatch)
    controller.choose_look_ahead(True)
    explained(controller)
    until(controller, lambda: held.began == 1)
    controller.choose_view(ViewChoices(STAGE1.key))
    until(controller, lambda: held.began == 2)
    held.go_on.set()
    until(controller, lambda: not controller.wants_ticks)
    controller.scene_changed()
    controller.choose_view(ViewChoices(STAGE2.key))
    until(controller, lambda: not controller.wants_ticks)
    assert held.began == 2


def test_what_goes_wrong_in_it_disturbs_nobody(
    controller: Controller, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object) -> int:
        raise InputError("nobody asked")

    monkeypatch.setattr(tasks, "look_ahead", fails)
    controller.choose_look_ahead(True)
    explained(controller)
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.RESULT and controller.state.message == ""


def test_freed_memory_stays_free(controller: Controller, tasks: SlowTasks) -> None:
    explained(controller)
    controller.models.free_memory()
    controller.choose_look_ahead(True)
    until(controller, lambda: not controller.wants_ticks)
    assert tasks.engine.held_bytes == 0
