"""What a user does with the panel, on the real .ui, the real widget and a real MRML scene."""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer

from medxai.display_range import PALE
from medxai.limits import LIMITS_SHORT, LIMITS_STATEMENT
from medxai.maps import STAGE1
from medxai.progress import Step
from medxai.scene.views import composite_of, look_at
from medxai.scene.working_result import find_working
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from MedXAILib.session.state import Phase
from MedXAILib.session.tasks import Tasks
from stand_ins import sample_data
from stand_ins.panel_bench import PanelBench
from support.panel import OWN_KEYS, ball_volume, small_sam_weights
from support.panel_scene import BOX, overlay


def test_an_empty_panel_says_what_to_do_and_offers_nothing_that_fails(bench: PanelBench) -> None:
    ui = bench.ui
    assert ui.limitsLabel.text == LIMITS_SHORT and ui.limitsLabel.visible
    assert "Load a CT or MR volume" in ui.statusLabel.text
    for name in (
        "explainButton",
        "cancelButton",
        "stage1Button",
        "layerSlider",
        "exportButton",
        "keepButton",
        "opacitySlider",
    ):
        assert not getattr(ui, name).enabled, name
    assert "Load a CT or MR volume" in ui.explainButton.toolTip
    bench.click("addButton")
    assert bench.state.phase is Phase.FAILED and "Choose a volume" in ui.statusLabel.text


def test_a_loaded_volume_and_the_view_it_is_in_are_chosen_unasked(bench: PanelBench) -> None:
    node = bench.load(ball_volume())
    bench.settle()
    assert bench.ui.volumeSelector.currentNode() is node and bench.ui.viewSelector.currentNode().GetName() == "Red"
    assert "Draw a box" in bench.ui.statusLabel.text


def test_drawing_explaining_and_seeing(explained: PanelBench) -> None:
    bench, state = explained, explained.state
    assert state.phase is Phase.RESULT and bench.ui.statusLabel.text.startswith("✔")
    assert state.result.box.box == BOX
    shown = composite_of(bench.red)
    assert shown.GetForegroundVolumeID() == overlay(bench).GetID()
    assert state.result.presence.is_told is False  # the demo model's answer to a plain ball
    assert shown.GetForegroundOpacity() == pytest.approx(0.6 * PALE)
    assert shown.GetBackgroundVolumeID() == bench.parameters.volume.GetID()
    assert "inside the segmented organ" in bench.ui.figuresLabel.text and " mm" in bench.ui.figuresLabel.text
    assert bench.ui.stage3Button.checked and bench.ui.exportButton.enabled


def test_fewer_than_five_actions_to_the_first_map_on_a_real_scan(bench: PanelBench, ct) -> None:
    index = int(np.argmax((ct.organs == ct.labels["liver"]).sum(axis=(1, 2))))
    image = slice_of(ct.volume, "axial", index)
    rows, columns = np.nonzero(ct.mask("liver", index))
    node = bench.load(ct.volume)  # 1
    look_at(bench.red, node, image)
    bench.settle()
    bench.draw(
        image, PixelBox(int(columns.min()) - 1, int(rows.min()) - 1, int(columns.max()) + 1, int(rows.max()) + 1)
    )  # 2: Draw, 3: the box
    bench.settle()
    bench.click("explainButton")  # 4
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    assert bench.actions < 5
    assert bench.state.result.segmentation.mask[ct.mask("liver", index)].mean() > 0.5, (
        "the demo model did not find the liver"
    )
    voxels = slicer.util.arrayFromVolume(overlay(bench))
    assert voxels.shape[0] == 1 and voxels.max() > 0


def test_dragging_the_box_updates_mask_and_map_in_place(explained: PanelBench) -> None:
    bench, region = explained, explained.parameters.region
    nodes = bench.scene.GetNumberOfNodes()
    before = slicer.util.arrayFromVolume(overlay(bench)).copy()
    mask = bench.state.result.segmentation.mask
    for _ in range(6):
        bench.drag(region, 3.0)
        bench.pump(limit_s=0.05)
    assert bench.pump(lambda: bench.state.explained.box.first_column == 26), bench.state.explained
    bench.settle()
    assert bench.state.phase is Phase.RESULT and not np.array_equal(bench.state.result.segmentation.mask, mask)
    assert not np.array_equal(slicer.util.arrayFromVolume(overlay(bench)), before)
    assert bench.scene.GetNumberOfNodes() == nodes, "live updates pile up nodes"
    assert "i 26" in overlay(bench, STAGE1.key).GetAttribute("MedXAI.BoxIjk"), "the maps out of snapshot stayed behind"


def test_without_live_mode_the_panel_says_that_the_maps_are_old(explained: PanelBench) -> None:
    bench = explained
    bench.click("liveCheck")
    bench.drag(bench.parameters.region, 6.0)
    bench.settle()
    assert bench.state.phase is Phase.STALE
    assert "older than the box" in bench.ui.statusLabel.text and "Press Explain" in bench.ui.statusLabel.text


def test_a_fast_model_follows_the_slice(explained: PanelBench) -> None:
    bench = explained
    bench.ui.depthSpin._real.setValue(5)
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 5)
    assert bench.pump(lambda: bench.state.explained.slice_key == ("axial", 7)), bench.state
    bench.settle()
    assert bench.state.phase is Phase.RESULT


def test_drawing_in_another_view_changes_to_that_view(explained: PanelBench) -> None:
    bench, volume = explained, ball_volume()
    green = bench.scene.GetSingletonNode("Green", "vtkMRMLSliceNode")
    image = slice_of(volume, "coronal", 30)
    look_at(green, bench.parameters.volume, image)
    first = bench.parameters.region
    second = bench.draw(image, PixelBox(20, 2, 44, 9), green)
    bench.settle()
    assert bench.parameters.view is green and bench.parameters.region is second
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None and bench.state.result.prepared.image.plane == "coronal")
    bench.settle()
    assert find_working(bench.parameters.volume, first).is_whole, "the first region lost its result"


def test_a_drawn_box_is_as_deep_as_the_slice_unless_the_user_wants_more(explained: PanelBench) -> None:
    width, height, depth = explained.parameters.region.GetSize()
    assert (width, height) == (75.0, 75.0) and depth == pytest.approx(4.5), "a box is as deep as one slice of 5 mm"
    explained.ui.depthSpin._real.setValue(3)
    assert explained.parameters.region.GetSize()[2] == pytest.approx(14.5)


def test_giving_up_a_drawing_leaves_nothing_behind(explained: PanelBench) -> None:
    bench, before = explained, explained.parameters.region
    nodes = bench.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode")
    bench.click("drawButton")
    assert bench.ui.drawButton.checked
    bench.end_drawing()
    bench.settle()
    assert bench.parameters.region is before and not bench.ui.drawButton.checked
    assert bench.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == nodes


def test_a_box_in_the_middle_can_be_explained_at_once(bench: PanelBench) -> None:
    bench.load(ball_volume())
    bench.settle()
    bench.click("addButton")
    bench.settle()
    assert bench.state.can_explain, bench.ui.statusLabel.text
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None)


def test_bad_input_is_said_in_the_panel_and_everything_stays_usable(explained: PanelBench) -> None:
    bench = explained
    bench.choose("windowSelector", "lung")
    bench.click("explainButton")
    assert bench.pump(lambda: not bench.controller.wants_ticks)
    flat = bench.load(ball_volume("flat"))
    slicer.util.arrayFromVolume(flat)[:] = 0
    slicer.util.arrayFromVolumeModified(flat)
    bench.parameters.volume = flat
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.FAILED), bench.state
    assert bench.ui.statusLabel.text.startswith("✖ 'flat' shows nothing")
    bench.choose("windowSelector", "automatic")
    bench.parameters.volume = bench.scene.GetFirstNodeByName("ball")
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT), bench.state


def test_a_non_linear_transform_is_refused_in_words(explained: PanelBench) -> None:
    bench = explained
    grid = bench.scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "warp")
    bench.parameters.volume.SetAndObserveTransformNodeID(grid.GetID())
    bench.settle()
    assert "non-linear transform 'warp'" in bench.ui.statusLabel.text and not bench.ui.explainButton.enabled


def test_the_window_of_the_view_counts_where_it_is_asked_for(explained: PanelBench) -> None:
    bench = explained
    bench.choose("windowSelector", "as shown")
    display = bench.parameters.volume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(300, 50)
    assert bench.pump(lambda: bench.state.method.window == (50.0, 300.0))
    assert bench.pump(lambda: bench.state.explained.method.window == (50.0, 300.0)), (
        "live mode did not follow the window"
    )


def test_the_limits_can_be_unfolded(bench: PanelBench) -> None:
    assert not bench.ui.limitsDetails.visible
    bench.click("limitsButton")
    assert bench.ui.limitsDetails.visible and "not for diagnosis" in bench.ui.limitsDetails.text


def test_from_an_empty_scene_to_the_exported_report(bench: PanelBench, ct, tmp_path: Path) -> None:
    """The whole way on a real scan, and how many actions it takes a user."""
    index = int(np.argmax((ct.organs == ct.labels["spleen"]).sum(axis=(1, 2))))
    image = slice_of(ct.volume, "axial", index)
    rows, columns = np.nonzero(ct.mask("spleen", index))
    node = bench.load(ct.volume)
    look_at(bench.red, node, image)
    bench.settle()
    bench.draw(image, PixelBox(int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())))
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT), bench.state
    assert bench.actions == 4  # load, press Draw, drag the box, press Explain
    bench.answer(str(tmp_path))
    bench.click("exportButton")
    assert bench.pump(lambda: not bench.state.running)
    report = json.loads((tmp_path / "explanation.json").read_text(encoding="utf-8"))
    assert report["limits"] == LIMITS_STATEMENT and (tmp_path / "panels.png").stat().st_size > 10_000


def test_the_phantom_is_in_the_sample_data_module_once_and_loads(
    bench: PanelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: dict[str, list] = {}
    monkeypatch.setattr(sample_data.SampleDataLogic, "sources", sources)
    monkeypatch.setitem(sys.modules, "SampleData", sample_data)
    monkeypatch.setattr(slicer.modules, "sampleDataSources", sources, raising=False)
    import MedXAI

    for _ in range(2):
        MedXAI.registerSampleData()
    (source,) = sources["MedXAI"]
    assert Path(source.thumbnailFileName).is_file()
    (node,) = source.customDownloader(source)
    bench.settle()
    assert bench.parameters.volume is node and node.GetAttribute("DICOM.Modality") == "CT"


def held_at_the_full_encoding(explain: Callable, gate: threading.Event) -> Callable:
    """The real work, waiting where the preview is out and the full pass begins: else a fast machine shows only the latter."""

    def held(self, snapshot, key, control, on_preview=None):
        def gated(step: Step, done: int, total: int) -> None:
            if step is Step.ENCODING:
                gate.wait(20)
            control.on_progress(step, done, total)

        return explain(self, snapshot, key, replace(control, on_progress=gated), on_preview)

    return held


def test_a_preview_is_marked_wherever_it_is_seen(
    explained: PanelBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medxai.encoding.backends.preview._SMALLEST_SIDE_PX", 128)
    monkeypatch.setattr("MedXAILib.session.pace.PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr("MedXAILib.session.pace.FAST_SECONDS", 0.0)
    bench, ui = explained, explained.ui
    bench.answer(str(small_sam_weights(tmp_path)))
    bench.click("fileButton")
    bench.settle()
    before, written, gate = bench.state.result, {}, threading.Event()
    monkeypatch.setattr(Tasks, "explain", held_at_the_full_encoding(Tasks.explain, gate))
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not before)
    assert bench.state.result.is_preview and bench.state.phase is Phase.RUNNING
    bench.click("cancelButton")
    gate.set()
    for kind in OWN_KEYS:
        written[kind] = overlay(bench, kind)
        assert written[kind].GetName().endswith("· preview") and written[kind].GetAttribute("MedXAI.Preview") == "True"
    assert "preview at half resolution:" in ui.mapLabel.text and "half resolution" in ui.warningsLabel.text
    assert "the preview stays" in ui.statusLabel.text
    assert not ui.exportButton.enabled and "not exported" in ui.exportButton.toolTip and not ui.keepButton.enabled
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT), bench.state.phase
    bench.settle()
    for kind, node in written.items():
        assert (
            overlay(bench, kind) is node
            and "preview" not in node.GetName()
            and node.GetAttribute("MedXAI.Preview") == "False"
        )
    assert (
        "preview" not in ui.mapLabel.text and "half resolution" not in ui.warningsLabel.text and ui.exportButton.enabled
    )
