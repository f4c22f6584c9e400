"""The panel's rules without Qt: with the real worker, the real pipeline and the demo network."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk

from medxai.errors import Cancelled
from medxai.map_view import ViewChoices
from medxai.maps import STAGE1, STAGE3, TERMINAL
from medxai.progress import Step
from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.map_metrics import metrics_of
from MedXAILib.session.snapshot import ChangedInput
from MedXAILib.session.state import Activity, Obstacle, Outcome, Phase
from MedXAILib.session.worker import Worker
from support.panel import OWN_KEYS, PlainScene, ball_volume, until
from support.session import SlowTasks, explained


def test_says_what_is_missing_first(scene: PlainScene, tasks: SlowTasks) -> None:
    it = Controller(scene, tasks)
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


def test_missing_packages_are_named(scene: PlainScene, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("MedXAILib.session.tasks.NEEDED_MODULES", ("numpy", "no_such_package_of_ours"))
    it = Controller(scene, tasks)
    it.start()
    until(it, lambda: bool(it.state.missing))
    assert it.state.missing == ("no_such_package_of_ours",)
    assert it.state.obstacles == (Obstacle.PACKAGES,)
    assert [model.name for model in it.state.models][:2] == ["medsam", "medsam-hf"]
    monkeypatch.setattr(tasks, "download", lambda name, _control: f"the weights of {name}")
    it.models.download("medsam")  # meanwhile
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
    assert steps.index(Step.LOADING) < steps.index(Step.ENCODING)
    assert controller.state.seconds_for_new_slice > 0
    assert controller.state.result.segmentation.box == scene.look(controller.state.method).box.box


def test_progress_counts_blocks(controller: Controller, tasks: SlowTasks) -> None:
    tasks.gate.clear()
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    assert controller.state.phase is Phase.RUNNING
    tasks.gate.set()
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
    controller: Controller, tasks: SlowTasks, scene: PlainScene
) -> None:
    tasks.gate.clear()
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    controller.cancel()
    assert (
        controller.state.phase is Phase.CANCELLED and controller.state.can_explain and controller.state.running is None
    )
    tasks.gate.set()
    until(controller, lambda: not controller.jobs.is_working)
    assert tasks.blocks_seen == 1, "blocks were computed after the cancellation"
    controller.tick()
    assert controller.state.phase is Phase.CANCELLED and controller.state.result is None and not scene.shown
    explained(controller)
    assert controller.state.phase is Phase.RESULT


def test_explain_right_after_cancel_waits_for_the_block_and_runs(controller: Controller, tasks: SlowTasks) -> None:
    tasks.gate.clear()
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    controller.cancel()
    controller.explain()
    assert controller.state.phase is Phase.RUNNING
    tasks.gate.set()
    until(controller, lambda: controller.state.result is not None)
    assert controller.state.outcome is Outcome.DONE


def test_cancelled_work_is_not_taken_up_by_live_mode(
    controller: Controller, tasks: SlowTasks, scene: PlainScene
) -> None:
    explained(controller)
    tasks.gate.clear()
    controller.choose_live(False)
    scene.index = 4
    controller.scene_changed()
    tasks.blocks_seen = 0
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    controller.cancel()
    controller.choose_live(True)
    tasks.gate.set()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.CANCELLED and controller.state.stale == (ChangedInput.SLICE,)
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
    assert not any(result.encoding.is_new for result, _ in scene.live)
    shown = len(scene.shown)
    until(controller, lambda: not controller.wants_ticks)
    assert len(scene.shown) == shown + 1 and scene.shown[-1][0] is controller.state.result, (
        "the maps out of snapshot stayed behind"
    )


def test_without_live_mode_a_moved_box_is_stale(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    controller.choose_live(False)
    scene.corners = (22, 18, 44, 42)
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.STALE and controller.state.stale == (ChangedInput.BOX,)
    scene.corners = (20, 18, 44, 42)
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.RESULT, "the box is back where it was, but the result still counts as stale"


def test_a_slow_model_asks_before_it_encodes_again_and_knows_the_way_back(
    controller: Controller, scene: PlainScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("MedXAILib.session.pace.FAST_SECONDS", 0.0)
    explained(controller)
    scene.index = 7
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.STALE and controller.state.stale == (ChangedInput.SLICE,)
    explained(controller)
    until(controller, lambda: controller.state.explained.slice_key == ("axial", 7))
    scene.index = 6
    controller.scene_changed()
    until(controller, lambda: controller.state.explained.slice_key == ("axial", 6))
    assert not controller.state.result.encoding.is_new


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        (lambda scene, it: setattr(scene, "volume", ball_volume("other", seed=1)), ChangedInput.VOLUME),
        (lambda scene, it: setattr(scene, "index", 3), ChangedInput.SLICE),
        (lambda scene, it: it.choose_method(replace(it.state.method, window=(60.0, 160.0))), ChangedInput.WINDOW),
        (lambda scene, it: it.choose_method(replace(it.state.method, modality="MR")), ChangedInput.WINDOW),
        (lambda scene, it: it.choose_method(replace(it.state.method, preset="contour")), ChangedInput.METHOD),
        (lambda scene, it: it.choose_method(replace(it.state.method, model="medsam")), ChangedInput.MODEL),
        (lambda scene, it: setattr(scene, "corners", (1, 8, 30, 30)), ChangedInput.BOX),
    ],
)
def test_says_why_a_result_is_stale(controller: Controller, scene: PlainScene, change, aspect: ChangedInput) -> None:
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
    tasks = controller.jobs.started
    for _ in range(20):
        controller.tick()
    assert controller.jobs.started == tasks, "live mode tries the same failing key again and again"
    scene.volume = ball_volume()
    controller.scene_changed()
    until(controller, lambda: controller.state.outcome is not Outcome.FAILED)
    assert controller.state.message == ""


def test_an_unforeseen_error_reaches_the_user_and_the_log(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("medxai.models.convention.InputConvention.prepare", lambda *_: 1 / 0)
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


def test_scene_closed_in_the_middle_of_the_work(controller: Controller, tasks: SlowTasks, scene: PlainScene) -> None:
    tasks.gate.clear()
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    scene.volume = scene.corners = None
    controller.forget()
    assert controller.state.result is None and controller.state.running is None
    tasks.gate.set()
    until(controller, lambda: not controller.jobs.is_working and not controller.wants_ticks)
    assert controller.state.result is None and not scene.shown and controller.state.obstacles == (Obstacle.VOLUME,)


def test_closing_stops_the_worker_and_silences_everything(scene: PlainScene, tasks: SlowTasks, weights: str) -> None:
    it = Controller(scene, tasks)
    it.choose_method(MethodChoices(model=weights, device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    tasks.gate.clear()
    it.explain()
    until(it, lambda: tasks.blocks_seen == 1)
    seen = []
    it.observe(lambda now, _: seen.append(now))
    tasks.gate.set()
    assert it.close(20)
    it.tick()
    it.explain()
    it.start()
    assert not seen and not it.wants_ticks


def test_looking_at_other_maps_computes_nothing(controller: Controller, scene: PlainScene) -> None:
    explained(controller)
    tasks = controller.jobs.started
    result = controller.state.result
    for kind in OWN_KEYS:
        for layer in result.encoding.layers:
            view = ViewChoices(map_key=kind, layer=layer, weighted=False)
            start = time.perf_counter()
            controller.choose_view(view)
            assert view.values(result).ndim == 2
            assert time.perf_counter() - start < 0.05
    assert controller.jobs.started == tasks and scene.restyled[-1][1].map_key == TERMINAL.key
    assert controller.state.phase is Phase.RESULT


def test_metrics_speak_of_the_map_that_is_shown(controller: Controller) -> None:
    result = explained(controller).state.result
    last = result.encoding.layers[-1]
    stage3 = metrics_of(result, ViewChoices(STAGE3.key, layer=last))
    assert stage3.share_inside == result.concentration.share_inside[STAGE3.at(last)]
    assert stage3.narrowing == result.concentration.narrowing_share
    assert not stage3.from_encoder_alone and metrics_of(result, ViewChoices(STAGE1.key)).from_encoder_alone
    unweighted = metrics_of(result, ViewChoices(STAGE3.key, layer=last, weighted=False))
    assert unweighted.share_inside != stage3.share_inside
    terminal = metrics_of(result, ViewChoices(TERMINAL.key))
    assert terminal.resolution_mm[0] == pytest.approx(stage3.resolution_mm[0] / 4) and terminal.narrowing is None


def test_export_runs_on_the_worker_and_says_where(controller: Controller, tmp_path: Path) -> None:
    explained(controller)
    controller.export(str(tmp_path))
    assert controller.state.running.activity is Activity.EXPORT
    until(controller, lambda: controller.state.running is None)
    assert controller.state.message == str(tmp_path) and (tmp_path / "report.html").exists()
    segment = sitk.ReadImage(str(tmp_path / "segmentation.seg.nrrd"))
    assert segment.GetMetaData("Segment0_Name") == controller.state.explained_snapshot.organ.name
    assert sitk.GetArrayFromImage(segment).sum() == controller.state.result.segmentation.mask.sum()
    header, first = (tmp_path / "contour.csv").read_text(encoding="utf-8").splitlines()[2:4]
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert float(row["follows_box"]) >= 0, "the moved boxes are tried for the files also where nobody looked at them"
    words = json.loads((tmp_path / "explanation.json").read_text(encoding="utf-8"))["contour"]
    assert "follows your box" in str(words)
    (tmp_path / "a file").write_text("")
    controller.export(str(tmp_path / "a file" / "folder"))
    until(controller, lambda: controller.state.running is None)
    assert controller.state.outcome is Outcome.FAILED


def test_starting_again_does_not_disturb_work_under_way(controller: Controller, tasks: SlowTasks) -> None:
    tasks.gate.clear()
    controller.explain()
    until(controller, lambda: tasks.blocks_seen == 1)
    controller.start()
    assert controller.state.running.activity is Activity.EXPLAIN and controller.state.started
    tasks.gate.set()
    until(controller, lambda: controller.state.result is not None)


def test_memory_is_freed_and_filled_again(controller: Controller, tasks: SlowTasks) -> None:
    explained(controller)
    assert tasks.engine.free() > 0 and tasks.engine.free() == 0
    explained(controller)
    assert controller.state.result.encoding.is_new


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_vanishes_does_not_leave_the_panel_waiting(controller: Controller, worker: Worker) -> None:
    worker._done = lambda task: (_ for _ in ()).throw(SystemExit)  # kills the thread itself
    controller.explain()
    worker._thread.join(20)
    until(controller, lambda: controller.state.running is None)
    assert controller.state.outcome is Outcome.FAILED
    del worker._done
    explained(controller)
    assert controller.state.phase is Phase.RESULT, "a new thread did not take over"


def test_cancelled_error_from_the_work_counts_as_cancelled(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_arguments: object, **_named: object) -> None:
        raise Cancelled

    monkeypatch.setattr("medxai.engine.Engine.explain", stop)
    controller.explain()
    until(controller, lambda: controller.state.running is None)
    assert controller.state.phase is Phase.CANCELLED


def test_one_slow_slice_does_not_end_following(
    controller: Controller, scene: PlainScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy moment is no slow model (it made a fast model stop following for good)."""
    explained(controller)
    choice = controller.state.method.model_choice
    slow = controller.state.paces.with_slice(choice, 120.0)
    controller._state.change(paces=slow)
    scene.index = 7
    controller.scene_changed()
    until(controller, lambda: controller.state.explained.slice_key == ("axial", 7))
    for _ in range(5):
        slow = slow.with_slice(choice, 120.0)
    assert not slow.is_fast(choice), "a model that is slow in every slice counts as fast"


def test_a_failure_is_said_only_as_long_as_it_is_about_what_stands_there(
    controller: Controller, scene: PlainScene, tasks: SlowTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.corners = None
    controller.scene_changed()
    controller.tick()
    controller.report_failure("Choose a volume and a view first.")
    assert controller.state.phase is Phase.FAILED
    scene.corners = (20, 18, 44, 42)
    controller.scene_changed()
    controller.tick()
    assert controller.state.phase is Phase.READY and not controller.state.message
    monkeypatch.setattr(tasks, "download", lambda *_: 1 / 0)
    weights = controller.state.method.model
    controller.choose_method(replace(controller.state.method, model="medsam"))
    controller.models.download("medsam")
    until(controller, lambda: controller.state.outcome is Outcome.FAILED)
    scene.index = 5
    controller.scene_changed()
    until(controller, lambda: not controller.wants_ticks)
    assert controller.state.phase is Phase.FAILED, "scrolling hides that a download failed"
    controller.choose_method(replace(controller.state.method, model=weights))
    assert controller.state.outcome is Outcome.NONE and not controller.state.message
