"""The contour check in a session: the tolerance with every result, the box only when it rests, and never left over."""

from dataclasses import replace

import numpy as np
import pytest

from medxai.contour.result import ContourCheck
from medxai.errors import InputError
from medxai.map_view import ViewChoices
from medxai.maps import CONTOUR
from MedXAILib.session.controller import Controller
from MedXAILib.session.state import Activity, Outcome
from support.panel import PlainScene, until
from support.session import SlowTasks, explained

CONTOUR_VIEW = ViewChoices(CONTOUR.key)


def is_checked(controller: Controller) -> bool:
    return controller.state.running is None and controller.state.result.contour.follows_box is not None


def test_the_box_is_looked_at_only_where_the_check_is(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    until(controller, lambda: not controller.wants_ticks)
    first, tasks = controller.state.result, controller.jobs.started
    assert first.contour.follows_box is None and len(first.contour)
    controller.choose_view(CONTOUR_VIEW)
    assert controller.wants_ticks and controller.state.map_info is CONTOUR
    until(controller, lambda: is_checked(controller))
    result = controller.state.result
    assert result.explanation is first.explanation and scene.restyled[-1][0] is result
    np.testing.assert_array_equal(result.contour.points_px, first.contour.points_px)
    assert controller.jobs.started == tasks + 1
    controller.choose_view(ViewChoices())
    controller.choose_view(CONTOUR_VIEW)
    until(controller, lambda: not controller.wants_ticks)
    assert controller.jobs.started == tasks + 1, "it was computed twice"


def test_while_the_box_moves_there_is_the_tolerance_alone_and_the_rest_when_it_rests(
    controller: Controller, scene: PlainScene, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ContourCheck] = []
    real = tasks.check_contour

    def counted(snapshot, key, result, control):
        asked.append(result.contour)
        return real(snapshot, key, result, control)

    monkeypatch.setattr(tasks, "check_contour", counted)
    explained(controller)
    controller.choose_view(CONTOUR_VIEW)
    until(controller, lambda: is_checked(controller))
    asked.clear()
    for column in (10, 11, 12, 13):
        scene.corners = (column, 18, 44, 42)
        controller.scene_changed()
        until(controller, lambda column=column: controller.state.explained.box.first_column == column)
        assert controller.state.result.contour.follows_box is None, "the old box's check is shown for the new box"
        assert scene.live[-1][0] is controller.state.result
    assert not asked, "the box was looked at while it moved"
    until(controller, lambda: is_checked(controller))
    assert asked and controller.state.explained.box.first_column == 13


def test_a_box_that_moves_does_not_wait_for_the_old_boxs_check(
    controller: Controller, scene: PlainScene, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained(controller)
    held = []

    def waits(_snapshot, _key, _result, control):
        while not held:
            control.raise_if_cancelled()
        raise AssertionError("it was not stopped")

    monkeypatch.setattr(tasks, "check_contour", waits)
    controller.choose_view(CONTOUR_VIEW)
    until(
        controller,
        lambda: controller.state.running is not None and controller.state.running.activity is Activity.CHECK,
    )
    assert controller.state.can_explain and not controller.state.is_busy
    scene.corners = (10, 18, 44, 42)
    controller.scene_changed()
    until(controller, lambda: controller.state.explained.box.first_column == 10)
    assert controller.state.outcome is Outcome.DONE
    held.append(1)


def test_where_it_cannot_be_made_the_reason_is_said_once(
    controller: Controller, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fails(*_arguments: object) -> None:
        asked.append(1)
        raise InputError("the outline cannot be checked")

    monkeypatch.setattr(tasks, "check_contour", fails)
    explained(controller)
    controller.choose_view(CONTOUR_VIEW)
    until(controller, lambda: controller.state.outcome is Outcome.FAILED)
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.message == "the outline cannot be checked" and len(asked) == 1


def test_a_preview_is_not_checked(controller: Controller) -> None:
    explained(controller)
    result = controller.state.result
    preview = replace(result, encoding=replace(result.encoding, backend="preview"))
    controller._state.change(result=preview, view=CONTOUR_VIEW)
    assert not controller._checking.is_wanted
