"""The panel's rules without Qt: with the real worker, the real pipeline and the demo network."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from medxai.errors import Cancelled
from MedXAILib.session.choices import OWN_MAPS, MapKind, MethodChoices, ViewChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.figures import figures_of, layer_names_of, map_shown
from MedXAILib.session.situation import Aspect
from MedXAILib.session.state import Activity, Obstacle, Outcome, Phase, Step
from support.panel import PlainScene, ball_volume, until
from support.session import SlowWorkshop, explained


def test_says_what_is_missing_first(scene: PlainScene, workshop: SlowWorkshop) -> None:
    it = Controller(scene, workshop)
    assert it.state.obstacles == (Obstacle.STARTING,)
    scene.volume = None
    it.choose_method(MethodChoices(model="medsam"))
    it.start()
    until(it, lambda: it.state.started)
    until(it, lambda: not it.wants_ticks)
    assert it.state.obstacles == (Obstacle.VOLUME, Obstacle.WEIGHTS)
    assert not it.state.can_explain and it.state.phase is Phase.NOT_READY
    it.explain()
    assert it.state.running is None, "Explain did something although it could not"
    it.close(20)


def test_missing_packages_are_named(scene: PlainScene, workshop: SlowWorkshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedXAILib.session.workshop.NEEDED_MODULES", ("numpy", "no_such_package_of_ours"))
    it = Controller(scene, workshop)
    it.start()
    until(it, lambda: bool(it.state.missing))
    assert it.state.missing == ("no_such_package_of_ours",)
    assert it.state.obstacles == (Obstacle.PACKAGES,)
    assert [model.name for model in it.state.models][:2] == ["demo", "medsam"]
    monkeypatch.setattr(workshop, "download", lambda name, _report, _is_cancelled: f"the weights of {name}")
    it.download("medsam")  # meanwhile
    until(it, lambda: it.state.running is None)
    assert it.state.outcome is Outcome.DONE and it.state.message == "the weights of medsam"
    assert it.state.obstacles == (Obstacle.PACKAGES,)
    it.close(20)


def test_explains_and_shows(controller: Controller, scene: PlainScene) -> None:
    seen = []
    controller.observe(
        lambda now, before: seen.append(
            (now.phase, now.running.step if now.running else None, now.running.done if now.running else 0)
        )
    )
    explained(controller)
    assert controller.state.phase is Phase.RESULT and controller.state.outcome is Outcome.DONE
    assert [result for result, _ in scene.shown] == [controller.state.result]
    steps = [step for phase, step, _ in seen if phase is Phase.RUNNING]
    assert Step.EXPLAINING not in steps and steps.index(Step.LOADING) < steps.index(Step.ENCODING)
    assert controller.state.seconds_for_new_slice > 0
    assert controller.state.result.segmentation.box == scene.look(controller.state.method).box.box


def test_progress_counts_blocks(controller: Controller, workshop: SlowWorkshop) -> None:
    workshop.gate.clear()
    controller.explain()
    until(controller, lambda: workshop.blocks_seen == 1)
    assert controller.state.phase is Phase.RUNNING
    workshop.gate.set()
    done = []
    controller.observe(
        lambda now, _: (
            done.append((now.running.done, now.running.total))
            if now.running and now.running.step is Step.ENCODING
            else None
        )
    )
    until(controller, lambda: controller.state.result is not None)
    assert done and done[-1] == (6, 6)
    assert done == sorted(done)


def test_cancel_is_ready_at_once_and_ends_within_a_block(
    controller: Controller, workshop: SlowWorkshop, scene: PlainScene
) -> None:
    workshop.gate.clear()
    controller.explain()
    until(controller, lambda: workshop.blocks_seen == 1)
    controller.cancel()
    assert (
        controller.state.phase is Phase.CANCELLED and controller.state.can_explain and controller.state.running is None
    )
    workshop.gate.set()
    until(controller, lambda: controller._worker.is_idle)
    assert workshop.blocks_seen == 1, "blocks were computed after the cancellation"
    controller.tick()
    assert controller.state.phase is Phase.CANCELLED and controller.state.result is None and not scene.shown
    explained(controller)
    assert controller.state.phase is Phase.RESULT


def test_explain_right_after_cancel_waits_for_the_block_and_runs(
    controller: Controller, workshop: SlowWorkshop
) -> None:
    workshop.gate.clear()
    controller.explain()
    until(controller, lambda: workshop.blocks_seen == 1)
    controller.cancel()
    controller.explain()
    assert controller.state.phase is Phase.RUNNING
    workshop.gate.set()
    until(controller, lambda: controller.state.result is not None)
    assert controller.state.outcome is Outcome.DONE


def test_cancelled_work_is_not_taken_up_by_live_mode(
    controller: Controller, workshop: SlowWorkshop, scene: PlainScene
) -> None:
    explained(controller)
    workshop.gate.clear()
    controller.choose_live(False)
    scene.index = 4
    controller.scene_changed()
    workshop.blocks_seen = 0
    controller.explain()
    until(controller, lambda: workshop.blocks_seen == 1)
    controller.cancel()
    controller.choose_live(True)
    workshop.gate.set()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.CANCELLED and controller.state.stale == (Aspect.SLICE,)
    scene.index = 5
    controller.scene_changed()
    until(controller, lambda: controller.state.explained.slice_key == ("axial", 5))
    assert controller.state.outcome is Outcome.DONE


def test_dragging_the_box_updates_live_and_the_newest_box_wins(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    first = controller.state.result
    for shift in range(1, 9):
        scene.corners = (20 + shift, 18, 44 + shift, 42)
        controller.scene_changed()
        controller.tick()
    until(controller, lambda: controller.state.explained.box.first_column == 28)
    assert controller.state.stale == () and controller.state.result is not first
    assert 1 <= len(scene.live) < 8, "every box on the way was computed"
    assert not any(result.encoded_now for result, _ in scene.live)
    shown = len(scene.shown)
    until(controller, lambda: not controller.wants_ticks)
    assert len(scene.shown) == shown + 1 and scene.shown[-1][0] is controller.state.result, (
        "the maps out of sight stayed behind"
    )


def test_without_live_mode_a_moved_box_is_stale(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    controller.choose_live(False)
    scene.corners = (22, 18, 44, 42)
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.STALE and controller.state.stale == (Aspect.BOX,)
    scene.corners = (20, 18, 44, 42)
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.RESULT, "the box is back where it was, but the result still counts as stale"


def test_a_slow_model_asks_before_it_encodes_again_and_knows_the_way_back(
    controller: Controller, scene: PlainScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MedXAILib.session.controller.FAST_SECONDS", 0.0)
    explained(controller)
    scene.index = 7
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.STALE and controller.state.stale == (Aspect.SLICE,)
    explained(controller)
    until(controller, lambda: controller.state.explained.slice_key == ("axial", 7))
    scene.index = 6
    controller.scene_changed()
    until(controller, lambda: controller.state.explained.slice_key == ("axial", 6))
    assert not controller.state.result.encoded_now


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        (lambda scene, it: setattr(scene, "volume", ball_volume("other", seed=1)), Aspect.VOLUME),
        (lambda scene, it: setattr(scene, "index", 3), Aspect.SLICE),
        (lambda scene, it: it.choose_method(replace(it.state.method, window=(60.0, 160.0))), Aspect.WINDOW),
        (lambda scene, it: it.choose_method(replace(it.state.method, modality="MR")), Aspect.WINDOW),
        (lambda scene, it: it.choose_method(replace(it.state.method, preset="contour")), Aspect.METHOD),
        (lambda scene, it: it.choose_method(replace(it.state.method, model="medsam")), Aspect.MODEL),
        (lambda scene, it: setattr(scene, "corners", (1, 8, 30, 30)), Aspect.BOX),
    ],
)
def test_says_why_a_result_is_stale(controller: Controller, scene: PlainScene, change, aspect: Aspect) -> None:
    controller.choose_live(False)
    explained(controller)
    change(scene, controller)
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.stale == (aspect,) and controller.state.phase is Phase.STALE


def test_bad_input_fails_in_words_and_leaves_the_rest_usable(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    scene.volume = replace(scene.volume, voxels=scene.volume.voxels * 0)
    controller.explain()
    until(controller, lambda: controller.state.outcome is Outcome.FAILED)
    assert "shows nothing in this window" in controller.state.message and controller.state.can_explain
    tasks = controller._worker._numbers
    for _ in range(20):
        controller.tick()
    assert controller._worker._numbers == tasks, "live mode tries the same failing situation again and again"
    scene.volume = ball_volume()
    controller.scene_changed()
    until(controller, lambda: controller.state.outcome is not Outcome.FAILED)
    assert controller.state.message == ""


def test_an_unforeseen_error_reaches_the_user_and_the_log(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("medxai.engine.make_model_input", lambda *_: 1 / 0)
    controller.explain()
    until(controller, lambda: controller.state.outcome is Outcome.FAILED)
    assert "ZeroDivisionError" in controller.state.message and "Traceback" in caplog.text
    monkeypatch.undo()
    explained(controller)
    assert controller.state.phase is Phase.RESULT


def test_a_scene_that_cannot_be_written_is_a_failure_not_a_crash(controller: Controller, scene: PlainScene) -> None:
    scene.fails_to_show = True
    controller.explain()
    until(controller, lambda: controller.state.outcome is Outcome.FAILED)
    assert "the scene is gone" in controller.state.message and controller.state.can_explain


def test_scene_closed_in_the_middle_of_the_work(
    controller: Controller, workshop: SlowWorkshop, scene: PlainScene
) -> None:
    workshop.gate.clear()
    controller.explain()
    until(controller, lambda: workshop.blocks_seen == 1)
    scene.volume = scene.corners = None
    controller.forget()
    assert controller.state.result is None and controller.state.running is None
    workshop.gate.set()
    until(controller, lambda: controller._worker.is_idle and not controller.wants_ticks)
    assert controller.state.result is None and not scene.shown and controller.state.obstacles == (Obstacle.VOLUME,)


def test_closing_stops_the_worker_and_silences_everything(
    scene: PlainScene, workshop: SlowWorkshop, weights: str
) -> None:
    it = Controller(scene, workshop)
    it.choose_method(MethodChoices(model=weights, device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    workshop.gate.clear()
    it.explain()
    until(it, lambda: workshop.blocks_seen == 1)
    seen = []
    it.observe(lambda now, _: seen.append(now))
    workshop.gate.set()
    assert it.close(20)
    it.tick()
    it.explain()
    it.start()
    assert not seen and not it.wants_ticks


def test_looking_at_other_maps_computes_nothing(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    tasks = controller._worker._numbers
    result = controller.state.result
    for kind in OWN_MAPS:
        for layer in layer_names_of(result):
            view = ViewChoices(kind=kind, layer=layer, weighted=False)
            start = time.perf_counter()
            controller.choose_view(view)
            assert map_shown(result, view).ndim == 2
            assert time.perf_counter() - start < 0.05
    assert controller._worker._numbers == tasks and scene.restyled[-1][1].kind is MapKind.TERMINAL
    assert controller.state.phase is Phase.RESULT


def test_figures_speak_of_the_map_that_is_shown(controller: Controller) -> None:
    result = explained(controller).state.result
    last = layer_names_of(result)[-1]
    stage3 = figures_of(result, ViewChoices(MapKind.STAGE3, layer=last))
    assert stage3.share_inside == result.concentration.share_inside[3, last]
    assert stage3.narrowing == result.concentration.narrowing_share
    assert not stage3.from_encoder_alone and figures_of(result, ViewChoices(MapKind.STAGE1)).from_encoder_alone
    unweighted = figures_of(result, ViewChoices(MapKind.STAGE3, layer=last, weighted=False))
    assert unweighted.share_inside != stage3.share_inside
    terminal = figures_of(result, ViewChoices(MapKind.TERMINAL))
    assert terminal.resolution_mm[0] == pytest.approx(stage3.resolution_mm[0] / 4) and terminal.narrowing is None


def test_export_runs_on_the_worker_and_says_where(controller: Controller, tmp_path: Path) -> None:
    explained(controller)
    controller.export(str(tmp_path))
    assert controller.state.running.activity is Activity.EXPORT
    until(controller, lambda: controller.state.running is None)
    assert controller.state.message == str(tmp_path) and (tmp_path / "report.txt").exists()
    controller.export(str(tmp_path / "no" / "such" / "folder"))
    until(controller, lambda: controller.state.running is None)
    assert controller.state.outcome is Outcome.FAILED


def test_starting_again_does_not_disturb_work_under_way(controller: Controller, workshop: SlowWorkshop) -> None:
    workshop.gate.clear()
    controller.explain()
    until(controller, lambda: workshop.blocks_seen == 1)
    controller.start()
    assert controller.state.running.activity is Activity.EXPLAIN and controller.state.started
    workshop.gate.set()
    until(controller, lambda: controller.state.result is not None)


def test_memory_is_freed_and_filled_again(controller: Controller, workshop: SlowWorkshop) -> None:
    explained(controller)
    assert workshop.free() > 0 and workshop.free() == 0
    explained(controller)
    assert controller.state.result.encoded_now


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_vanishes_does_not_leave_the_panel_waiting(controller: Controller) -> None:
    controller._worker._done = lambda task: (_ for _ in ()).throw(SystemExit)  # kills the thread itself
    controller.explain()
    controller._worker._thread.join(20)
    until(controller, lambda: controller.state.running is None)
    assert controller.state.outcome is Outcome.FAILED
    del controller._worker._done
    explained(controller)
    assert controller.state.phase is Phase.RESULT, "a new thread did not take over"


def test_cancelled_error_from_the_work_counts_as_cancelled(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object) -> None:
        raise Cancelled

    monkeypatch.setattr("medxai.engine.Explainer.explain", stop)
    controller.explain()
    until(controller, lambda: controller.state.running is None)
    assert controller.state.phase is Phase.CANCELLED
