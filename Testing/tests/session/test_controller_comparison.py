"""Another method's map: computed where it is asked for, for the box that is shown, and never left over from another."""

import numpy as np
import pytest

from medxai.errors import InputError
from medxai.explainers.grad_cam_import import GRAD_CAM as PACKAGE
from medxai.map_view import ViewChoices
from medxai.maps import STAGE1
from MedXAILib.session.controller import Controller
from MedXAILib.session.map_metrics import metrics_of
from MedXAILib.session.state import Outcome, Phase
from support.panel import PlainScene, until
from support.session import SlowTasks, explained

pytestmark = pytest.mark.skipif(not PACKAGE.is_installed, reason="the comparison needs the package grad-cam")

GRAD_CAM = ViewChoices("grad-cam")


@pytest.fixture
def weights() -> str:
    """The trained model: untrained weights segment nothing, and Grad-CAM explains a mask."""
    return "demo"


def is_compared(controller: Controller) -> bool:
    return controller.state.running is None and GRAD_CAM.is_in(controller.state.result)


def test_it_is_computed_only_when_it_is_looked_at(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    until(controller, lambda: not controller.wants_ticks)
    assert GRAD_CAM.map_key in [info.key for info in controller.state.comparisons]
    assert not GRAD_CAM.is_in(controller.state.result)
    first, shown = controller.state.result, len(scene.shown)
    controller.choose_view(GRAD_CAM)
    assert controller.wants_ticks
    until(controller, lambda: is_compared(controller))
    result = controller.state.result
    assert result.explanation is first.explanation and len(scene.shown) == shown and scene.restyled[-1][0] is result
    values = GRAD_CAM.values(result)
    assert values.shape == controller.state.result.encoding.grid and values.min() >= 0 and values.max() > 0
    metrics = metrics_of(result, GRAD_CAM)
    assert (
        0 <= metrics.share_inside <= 1 and metrics.narrowing is None and metrics.resolution_mm == result.resolution_mm
    )
    tasks = controller.jobs.started
    controller.choose_view(ViewChoices(STAGE1.key))
    controller.choose_view(GRAD_CAM)
    until(controller, lambda: not controller.wants_ticks)
    assert controller.jobs.started == tasks, "it was computed twice"


def test_a_moved_box_gets_its_own_when_it_rests(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    controller.choose_view(GRAD_CAM)
    until(controller, lambda: is_compared(controller))
    before = GRAD_CAM.values(controller.state.result)
    scene.corners = (10, 30, 34, 50)
    controller.scene_changed()
    until(controller, lambda: controller.state.explained.box.first_column == 10)
    assert not GRAD_CAM.is_in(controller.state.result), "the new box carries the old box's map"
    until(controller, lambda: is_compared(controller))
    assert not np.array_equal(GRAD_CAM.values(controller.state.result), before)


def test_where_it_cannot_be_made_the_reason_is_said_once(
    controller: Controller, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fails(*_arguments: object) -> None:
        asked.append(1)
        raise InputError("there is no mask to explain")

    monkeypatch.setattr(tasks, "compare", fails)
    explained(controller)
    controller.choose_view(GRAD_CAM)
    until(controller, lambda: controller.state.outcome is Outcome.FAILED)
    until(controller, lambda: not controller.wants_ticks)
    assert (
        controller.state.message == "there is no mask to explain" and len(asked) == 1 and controller.state.can_explain
    )
    monkeypatch.undo()
    explained(controller)
    until(controller, lambda: is_compared(controller))
    assert controller.state.phase is Phase.RESULT


def test_a_method_that_is_not_installed_is_not_asked(
    scene: PlainScene, tasks: SlowTasks, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MedXAILib.session.choices import MethodChoices

    monkeypatch.setattr("MedXAILib.session.tasks.comparison_maps", lambda: ())
    it = Controller(scene, tasks)
    it.choose_method(MethodChoices(model=weights, device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    explained(it)
    it.choose_view(GRAD_CAM)
    until(it, lambda: not it.wants_ticks)
    assert not GRAD_CAM.is_in(it.state.result)
    it.close(20)
