"""Several boxes on a slice are explained in one go: the slice is encoded once, and each box keeps its own result."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from medxai.organ_codes import UNNAMED, Organ, organ_named
from medxai.progress import RunControl
from medxai.slice.box import clip_box
from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.snapshot import RegionBox, SceneSnapshot
from support.panel import PlainScene, until
from support.session import SlowTasks, explained


@dataclass(frozen=True)
class Origin:
    roi: str


class SceneOfSeveral(PlainScene):
    """Boxes by the names of their regions; one of them is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes = {"a": (20, 18, 44, 42), "b": (10, 30, 30, 50), "c": (40, 40, 55, 55)}
        self.named: dict[str, Organ] = {"a": organ_named("liver")}
        self.unmarked: set[str] = set()
        self.chosen = "b"

    def look(self, method: MethodChoices) -> SceneSnapshot:
        self.corners = self.boxes[self.chosen]
        seen = super().look(method)
        boxes = tuple(
            RegionBox(
                Origin(name),
                name,
                self.named.get(name, UNNAMED),
                clip_box(seen.image, *corners),
                name not in self.unmarked,
            )
            for name, corners in self.boxes.items()
        )
        return replace(seen, origin=Origin(self.chosen), boxes=boxes)


@pytest.fixture
def scene() -> SceneOfSeveral:
    return SceneOfSeveral()


@pytest.fixture
def together(controller: Controller, scene: SceneOfSeveral) -> Controller:
    return explained(controller)


def corners_of(controller: Controller) -> tuple[int, ...]:
    return tuple(int(edge) for edge in controller.state.result.box.box.xyxy)


def test_all_marked_boxes_are_explained_and_the_chosen_one_is_shown(together: Controller, scene: SceneOfSeveral):
    organs = together.state.shown_organs
    assert [(one.label, one.organ.name) for one in organs.organs] == [(1, "liver"), (2, "b"), (3, "c")]
    assert organs.holds(together.state.result) and corners_of(together) == scene.boxes["b"]
    assert scene.organs == [organs] and scene.shown[-1][0] is together.state.result
    assert [one.explanation.encoding.is_new for one in organs.organs] == [True] * 3, "one answer for all"


def test_another_region_of_them_is_shown_without_being_explained_again(together: Controller, scene: SceneOfSeveral):
    jobs, first = together.jobs.started, together.state.organs.organs[0].explanation
    together.choose_live(False)
    scene.chosen = "a"
    together.scene_changed()
    until(together, lambda: not together.wants_ticks)
    assert together.state.result is first and not together.state.stale
    assert together.jobs.started == jobs and together.state.organs.holds(first)


def test_a_moved_box_changes_its_own_organ_and_no_other(together: Controller, scene: SceneOfSeveral):
    before = together.state.organs
    scene.boxes["b"] = (12, 30, 32, 50)
    together.scene_changed()
    until(together, lambda: corners_of(together) == scene.boxes["b"] and not together.wants_ticks)
    after = together.state.shown_organs
    assert [one is other for one, other in zip(after.organs, before.organs, strict=True)] == [True, False, True]
    assert after.organs[1].organ == before.organs[1].organ and scene.organs[-1] is after
    assert after.organs[1].explanation.organ == "b", "files would no longer say what the box is around"


def test_a_box_that_was_moved_without_being_chosen_is_named(together: Controller, scene: SceneOfSeveral):
    assert together.state.moved_organs == ()
    scene.boxes["c"] = (41, 40, 56, 55)
    together.scene_changed()
    until(together, lambda: not together.wants_ticks)
    assert together.state.moved_organs == ("c",) and not together.state.stale


def test_boxes_without_a_mark_are_left_out_and_a_single_one_is_an_explanation_of_its_own(
    controller: Controller, scene: SceneOfSeveral
):
    scene.unmarked = {"a"}
    assert [one.organ.name for one in explained(controller).state.organs.organs] == ["b", "c"]
    scene.unmarked = {"a", "b", "c"}
    controller.scene_changed()
    controller.explain()
    until(controller, lambda: not controller.state.running)
    assert controller.state.organs is None and scene.organs[-1] is None, "the organs of before would be taken for these"
    assert corners_of(controller) == scene.boxes["b"]


def test_on_another_slice_the_organs_are_not_those_of_what_is_shown(together: Controller, scene: SceneOfSeveral):
    scene.index = 7
    together.scene_changed()
    until(together, lambda: together.state.explained.slice_key == ("axial", 7))
    assert together.state.shown_organs is None and together.state.organs is not None
    scene.index = 6
    together.scene_changed()
    until(together, lambda: together.state.shown_organs is not None)
    together.forget()
    assert together.state.organs is None


def test_export_writes_all_organs_with_the_whole_contour_check(
    controller: Controller, scene: SceneOfSeveral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    del scene.boxes["c"]
    together = explained(controller)
    written = []  # what the files are is tested with the command line
    monkeypatch.setattr("medxai.report.organs.write_organs", lambda organs, folder: written.append((organs, folder)))
    together.export(str(tmp_path / "out"))
    until(together, lambda: not together.state.running)
    assert together.state.message == str(tmp_path / "out"), together.state.message
    ((organs, folder),) = written
    assert folder == tmp_path / "out" and [one.organ.organ.name for one in organs] == ["liver", "b"]
    assert {row.organ for one in organs for row in one.evidence.rows} == {"liver", "b"}
    contours = [one.organ.explanation.contour for one in organs]
    assert all(check.follows_box is not None for check in contours)


def test_the_slice_is_encoded_once_for_all_boxes(tasks: SlowTasks, together: Controller, scene: SceneOfSeveral):
    key = together.state.explained
    alone = tasks.explain(together.state.explained_snapshot, key, RunControl())
    assert not alone.encoding.is_new
    np.testing.assert_array_equal(alone.segmentation.mask, together.state.result.segmentation.mask)
