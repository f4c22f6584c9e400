"""A slow model shows a preview first: marked, replaced by the full result, and never taken for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from medxai.encoding.backends import preview as preview_backend
from medxai.progress import Step
from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.snapshot import ChangedInput
from MedXAILib.session.state import Outcome, Phase
from support.panel import PlainScene, small_sam_weights, until
from support.session import SlowTasks, explained


@pytest.fixture
def controller(
    scene: PlainScene, tasks: SlowTasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Controller]:
    monkeypatch.setattr(preview_backend, "_SMALLEST_SIDE_PX", 128)
    monkeypatch.setattr("MedXAILib.session.pace.PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr("MedXAILib.session.pace.FAST_SECONDS", 0.0)
    it = Controller(scene, tasks)
    it.choose_method(MethodChoices(model=str(small_sam_weights(tmp_path)), device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    yield it
    tasks.gate.set()
    assert it.close(20), "the worker did not stop"


def with_preview(controller: Controller, tasks: SlowTasks) -> Controller:
    """Explain, held up at the first block of the full encoding; the preview is shown."""
    tasks.gate.clear()
    controller.explain()
    until(controller, lambda: controller.state.result is not None)
    return controller


def test_the_preview_comes_first_and_gives_way_to_the_full_result(
    controller: Controller, tasks: SlowTasks, scene: PlainScene
) -> None:
    steps = []
    controller.observe(lambda now, _: steps.append(now.running.step) if now.running else None)
    with_preview(controller, tasks)
    preview = controller.state.result
    assert preview.is_preview and controller.state.phase is Phase.RUNNING and controller.state.can_cancel
    assert any("half resolution" in text for text in preview.warnings)
    assert not controller.state.can_export and [result for result, _ in scene.shown] == [preview]
    tasks.gate.set()
    until(controller, lambda: controller.state.running is None)
    full = controller.state.result
    assert (
        not full.is_preview
        and full.encoding.is_new
        and controller.state.phase is Phase.RESULT
        and controller.state.can_export
    )
    assert [result for result, _ in scene.shown] == [preview, full]
    assert steps.index(Step.PREVIEWING) < steps.index(Step.ENCODING)
    assert controller.state.seconds_for_new_slice == full.encoding.seconds, (
        "the preview's time was taken for the model's"
    )


def test_cancelling_before_the_preview_changes_nothing(
    controller: Controller, tasks: SlowTasks, scene: PlainScene
) -> None:
    tasks.gate.clear()
    tasks.holds_preview = True
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    controller.cancel()
    tasks.gate.set()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.CANCELLED and controller.state.result is None and not scene.shown


def test_cancelling_after_the_preview_keeps_it_marked_and_unexportable(
    controller: Controller,
    tasks: SlowTasks,
    scene: PlainScene,
    tmp_path: Path,
) -> None:
    with_preview(controller, tasks)
    until(controller, lambda: tasks.blocks_seen == 1)
    controller.cancel()
    assert controller.state.phase is Phase.CANCELLED and controller.state.can_explain
    controller.choose_look_ahead(True)
    tasks.gate.set()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.result.is_preview and len(scene.shown) == 1
    assert tasks.engine.held_bytes == 0, "a preview was kept among the encodings, or idle time went to its neighbours"
    controller.export(str(tmp_path))
    assert controller.state.running is None and not (tmp_path / "report.html").exists()
    scene.corners = (22, 18, 44, 42)
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.STALE and controller.state.stale == (ChangedInput.BOX,), (
        "a preview was followed live"
    )
    explained(controller)
    assert not controller.state.result.is_preview


def test_an_error_after_the_preview_leaves_it_marked(
    controller: Controller, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_preview(controller, tasks)
    monkeypatch.setattr("medxai.engine.segment", lambda *_: 1 / 0)
    tasks.gate.set()
    until(controller, lambda: controller.state.running is None)
    assert (
        controller.state.outcome is Outcome.FAILED
        and controller.state.result.is_preview
        and controller.state.can_explain
    )


def test_no_preview_where_it_would_only_cost(
    controller: Controller, tasks: SlowTasks, scene: PlainScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained(controller)
    shown = len(scene.shown)
    scene.corners = (22, 18, 44, 42)
    explained(controller)
    assert len(scene.shown) == shown + 1, "a slice that is encoded already got a preview"
    monkeypatch.setattr("MedXAILib.session.pace.PREVIEW_SECONDS", 60.0)
    scene.index = 4
    explained(controller)
    assert len(scene.shown) == shown + 2 and controller.state.result.encoding.is_new, "a fast model gave a preview"
