"""Random actions of a user, in any order: no exception, no leak, never stuck.

A few hundred of them, so that the suite stays quick; before a release more: MEDXAI_RANDOM_ACTIONS=2000.
"""

import os
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

import hypothesis
import slicer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from medxai.scene.views import look_at
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from MedXAILib.session.state import Phase
from stand_ins.panel_bench import panel_bench
from support.panel import OWN_KEYS, ball_volume

#: How many actions there are in all, and in one session of the panel; from so many on every phase has to be reached.
ACTIONS, STEPS, ENOUGH = int(os.environ.get("MEDXAI_RANDOM_ACTIONS", "240")), 40, 1000
VOLUMES = {"ball": ball_volume(), "small": ball_volume("small", (8, 40, 48), 1)}
BUTTONS = (
    "contourButton",
    "stage1Button",
    "stage2Button",
    "stage3Button",
    "interactionButton",
    "terminalButton",
    "keepButton",
    "freeButton",
    "addButton",
    "limitsButton",
)
CHECKS = (
    "liveCheck",
    "weightedCheck",
    "overlayCheck",
    "segmentationCheck",
    "legendCheck",
    "sideCheck",
    "scaleCheck",
    "allLayersCheck",
    "enhanceCheck",
    "aheadCheck",
)
KEYS = {*OWN_KEYS, "grad-cam", "box", "uniform"}
LISTS = {
    "modelSelector": ("demo", "medsam", "litemedsam"),
    "windowSelector": ("automatic", "liver", "lung", "as shown"),
    "modalitySelector": ("automatic", "CT", "MR"),
    "presetSelector": ("paper", "contour"),
    "encoderSelector": ("exact", "fast", "openvino"),
    "comparisonSelector": ("", "grad-cam", "box", "uniform"),
    "coloursSelector": ("inferno", "viridis", "gray"),
}


class User(RuleBasedStateMachine):
    """Somebody who does anything at any time, also while the model computes."""

    #: How many actions there were, and in which phases of the panel.
    done: Counter = Counter()

    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.bench = self.stack.enter_context(panel_bench(folder))
        self.bench.start()
        self.was_left = False

    def nodes(self, class_name: str) -> list:
        scene = self.bench.scene
        return [
            scene.GetNthNodeByClass(index, class_name) for index in range(scene.GetNumberOfNodesByClass(class_name))
        ]

    def sources(self) -> list:
        return [node for node in self.nodes("vtkMRMLScalarVolumeNode") if not node.GetAttribute("MedXAI.Stage")]

    @initialize(name=st.sampled_from(sorted(VOLUMES)), wait=st.booleans())
    def the_first_case(self, name: str, wait: bool) -> None:
        self.next_case(name, wait)

    @rule(name=st.sampled_from(sorted(VOLUMES)), wait=st.booleans())
    def next_case(self, name: str, wait: bool) -> None:
        """What a user mostly does: load, draw, explain."""
        self.come_back()
        bench, volume = self.bench, VOLUMES[name]
        bench.pump(lambda: bench.state.started, 30)
        bench.end_drawing()
        node = bench.load(volume)
        look_at(bench.red, node, slice_of(volume, "axial", 4))
        bench.parameters.volume, bench.parameters.view = node, bench.red
        for box, value in (
            ("modelSelector", "demo"),
            ("windowSelector", "automatic"),
            ("modalitySelector", "automatic"),
        ):
            bench.choose(box, value)
        bench.pump(lambda: not bench.state.is_busy, 30)
        bench.draw(slice_of(volume, "axial", 4), PixelBox(10, 10, 25, 25))
        bench.pump(limit_s=0.05)
        bench.click("explainButton")
        if wait:
            bench.pump(lambda: not bench.controller.wants_ticks, 30)

    @rule(name=st.sampled_from(sorted(VOLUMES)))
    def load(self, name: str) -> None:
        node = self.bench.load(VOLUMES[name])
        look_at(self.bench.red, node, slice_of(VOLUMES[name], "axial", 4))

    @rule(x=st.integers(5, 25), y=st.integers(5, 20), size=st.integers(1, 20))
    def draw(self, x: int, y: int, size: int) -> None:
        bench = self.bench
        if (
            bench.parameters is not None
            and bench.parameters.volume is not None
            and not self.was_left
            and not bench.panel.drawing.is_drawing
        ):
            volume = VOLUMES.get(bench.parameters.volume.GetName(), VOLUMES["ball"])
            bench.draw(slice_of(volume, "axial", 4), PixelBox(x, y, x + size, y + size))

    @rule()
    def give_up_drawing(self) -> None:
        if not self.was_left:
            self.bench.click("drawButton")
            if self.bench.panel.drawing.is_drawing:
                self.bench.end_drawing()

    @rule()
    def leave_the_mouse_drawing(self) -> None:
        if not self.was_left:
            self.bench.click("drawButton")

    @rule()
    def explain(self) -> None:
        self.bench.pump(limit_s=0.05)  # nobody is quicker than the screen
        self.bench.click("explainButton")

    @rule()
    def explain_and_wait(self) -> None:
        self.bench.click("explainButton")
        self.bench.pump(lambda: not self.bench.state.is_busy, 30)

    @rule()
    def follow_through_the_slices(self) -> None:
        self.bench.click("throughButton")
        self.bench.pump(limit_s=0.05)

    @rule()
    def cancel(self) -> None:
        self.bench.click("cancelButton")
        assert self.bench.state.phase is not Phase.RUNNING

    @rule(across=st.floats(-30, 30), down=st.floats(-30, 30))
    def drag(self, across: float, down: float) -> None:
        for region in self.nodes("vtkMRMLMarkupsROINode")[-1:]:
            if region.GetControlPointPlacementComplete():
                self.bench.drag(region, across, down)

    @rule(offset=st.floats(-10, 70), view=st.sampled_from(["Red", "Green", "Yellow"]))
    def scroll(self, offset: float, view: str) -> None:
        self.bench.scroll(self.bench.scene.GetSingletonNode(view, "vtkMRMLSliceNode"), offset)

    @rule(layer=st.integers(0, 6))
    def scrub(self, layer: int) -> None:
        self.bench.slide("layerSlider", layer)

    @rule(opacity=st.integers(0, 100), threshold=st.integers(0, 95))
    def adjust(self, opacity: int, threshold: int) -> None:
        self.bench.slide("opacitySlider", opacity)
        self.bench.slide("thresholdSlider", threshold)

    @rule(name=st.sampled_from(BUTTONS + CHECKS))
    def click(self, name: str) -> None:
        self.bench.click(name)

    @rule(data=st.data(), name=st.sampled_from(sorted(LISTS)))
    def choose(self, data: st.DataObject, name: str) -> None:
        self.bench.choose(name, data.draw(st.sampled_from(LISTS[name])))

    @rule()
    def ask_for_a_box_without_a_volume(self) -> None:
        if self.bench.parameters is not None and not self.was_left:
            self.bench.parameters.volume = None
            self.bench.click("addButton")
            assert self.bench.state.is_busy or self.bench.state.phase is Phase.FAILED

    @rule(megabytes=st.sampled_from([0, 1, 64, 512]))
    def change_the_memory_budget(self, megabytes: int) -> None:
        spin = self.bench.ui.budgetSpin._real
        spin.setMinimum(0)
        spin.setValue(megabytes)
        assert self.bench.engine.held_bytes <= megabytes << 20

    @rule(index=st.integers(0, 3))
    def switch_volume(self, index: int) -> None:
        box = self.bench.ui.volumeSelector._real
        if box.count() > index:
            box.setCurrentIndex(index)
            box.activated.emit(index)

    @rule(index=st.integers(0, 3))
    def switch_region(self, index: int) -> None:
        box = self.bench.ui.regionSelector._real
        if box.count() > index:
            box.setCurrentIndex(index)
            box.activated.emit(index)

    @rule(index=st.integers(0, 2))
    def delete_volume(self, index: int) -> None:
        for node in self.sources()[index : index + 1]:
            self.bench.scene.RemoveNode(node)

    @rule(index=st.integers(0, 2))
    def delete_region(self, index: int) -> None:
        for node in self.nodes("vtkMRMLMarkupsROINode")[index : index + 1]:
            self.bench.scene.RemoveNode(node)

    @rule(index=st.integers(0, 9))
    def delete_map(self, index: int) -> None:
        maps = [node for node in self.nodes("vtkMRMLScalarVolumeNode") if node.GetAttribute("MedXAI.Stage")]
        outlines = [node for node in self.nodes("vtkMRMLModelNode") if node.GetAttribute("MedXAI.ContourKind")]
        for node in [*maps, *self.nodes("vtkMRMLSegmentationNode"), *outlines][index : index + 1]:
            self.bench.scene.RemoveNode(node)

    @rule()
    def move_the_volume(self) -> None:
        for node in self.sources()[:1]:
            transform = self.bench.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
            node.SetAndObserveTransformNodeID(transform.GetID())

    @rule()
    def close_scene(self) -> None:
        self.bench.scene.Clear(False)
        assert not [name for name in (node.GetName() for node in self.nodes("vtkMRMLVolumeNode")) if "MedXAI" in name]

    @rule()
    def reload(self) -> None:
        self.bench.reload_module()  # from elsewhere too: a module that isn't open stays so

    @rule()
    def go_to_another_module(self) -> None:
        if not self.was_left:
            self.bench.leave_module()
            self.was_left = True

    @rule()
    def come_back(self) -> None:
        if self.was_left:
            self.bench.return_to_module()
            self.was_left = False

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.05, 0.2]))
    def wait(self, seconds: float) -> None:
        self.bench.pump(limit_s=seconds)

    @invariant()
    def the_buttons_say_what_the_state_says(self) -> None:
        state, ui = self.bench.state, self.bench.ui
        self.done[state.phase] += 1
        assert ui.throughButton.enabled == state.can_follow
        assert ui.explainButton.enabled == state.can_explain and ui.cancelButton.enabled == state.can_cancel
        assert not (state.can_explain and state.can_cancel)
        assert ui.statusLabel.text or state.phase is Phase.RESULT

    @invariant()
    def no_map_is_there_twice(self) -> None:
        roles = [
            (
                node.GetAttribute("MedXAI.Working"),
                node.GetNodeReferenceID("MedXAI.source"),
                node.GetNodeReferenceID("MedXAI.region"),
            )
            for node in self.nodes("vtkMRMLScalarVolumeNode")
            if node.GetAttribute("MedXAI.Working")
        ]
        kinds = [
            (
                node.GetAttribute("MedXAI.ContourKind"),
                node.GetNodeReferenceID("MedXAI.source"),
                node.GetNodeReferenceID("MedXAI.region"),
            )
            for node in self.nodes("vtkMRMLModelNode")
            if node.GetAttribute("MedXAI.Working")
        ]
        outlines = [kind for kind in kinds if kind[1] and kind[2]]
        assert len(outlines) == len(set(outlines))
        whole = [role for role in roles if role[1] and role[2]]
        assert len(whole) == len(set(whole)) and {role[0] for role in roles} <= KEYS

    def teardown(self) -> None:
        bench = self.bench
        try:
            bench.settle()
            if self.was_left:
                bench.return_to_module()
            bench.pump(lambda: bench.state.started, 30)
            assert bench.quit(), "the worker does not stop"
            assert slicer.mrmlScene is bench.scene
        finally:
            self.stack.close()  # raises where a slot or an observer did


@pytest.mark.slow
def test_random_actions() -> None:
    User.done.clear()
    run_state_machine_as_test(
        User,
        settings=settings(
            max_examples=max(ACTIONS // STEPS, 1),
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[hypothesis.Phase.generate],  # shrinking would wait a minute for every stuck panel
        ),
    )
    assert sum(User.done.values()) >= 0.7 * ACTIONS, User.done  # Hypothesis ends some runs early
    # Of few actions, whether one comes just after a result stands is a matter of the machine's speed.
    reached = {Phase.RUNNING, Phase.RESULT} if ACTIONS < ENOUGH else set(Phase) - {Phase.READY}
    assert set(User.done) >= reached, f"not every phase was reached: {User.done}"
