"""What was wrong in Slicer's own widgets, which do some things later or more strictly than the stand-ins once did."""

import gc
import weakref
from pathlib import Path

import pytest
import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from medxai.maps import STAGE1, STAGE2, STAGE3
from medxai.models.default_model import FIRST_DOWNLOAD
from medxai.scene import side_by_side
from medxai.scene.headless import load_scene_bundle, save_scene_bundle
from medxai.scene.views import composite_of
from medxai.scene.working_result import WORKING_ATTRIBUTE, find_working
from MedXAILib.panel import wording
from MedXAILib.session.state import Phase
from stand_ins.late_views import legend_rectangle
from stand_ins.panel_bench import PanelBench
from support.panel_scene import overlay


def own_views(bench: PanelBench) -> "list[slicer.vtkMRMLSliceNode]":
    return side_by_side.own_views(bench.scene)


def settled(bench: PanelBench) -> None:
    """After all that Slicer does to its views later."""
    bench.pump(limit_s=0.5)
    bench.settle()


def laid_out(bench: PanelBench) -> PanelBench:
    bench.click("sideCheck")
    settled(bench)
    return bench


def offsets(bench: PanelBench) -> set[float]:
    return {round(view.GetSliceOffset(), 3) for view in own_views(bench)}


def test_side_by_side_shows_the_slice_the_first_and_every_further_time(explained: PanelBench) -> None:
    bench, offset = explained, round(explained.red.GetSliceOffset(), 3)
    for _ in range(2):
        laid_out(bench)
        assert offsets(bench) == {offset} == {round(bench.red.GetSliceOffset(), 3)}, "the views are black"
        bench.click("sideCheck")
        settled(bench)


def test_scrolling_one_of_the_four_views_scrolls_the_explained_view(explained: PanelBench) -> None:
    bench = laid_out(explained)
    bench.ui.depthSpin._real.setValue(5)
    bench.scroll(own_views(bench)[1], bench.red.GetSliceOffset() + 5)
    assert bench.pump(lambda: bench.state.explained.slice_key == ("axial", 7)), bench.state.phase
    settled(bench)
    assert offsets(bench) == {round(bench.red.GetSliceOffset(), 3)} and bench.state.phase is Phase.RESULT


def test_every_view_of_side_by_side_has_its_legend(explained: PanelBench) -> None:
    bench = laid_out(explained)
    for name, key in side_by_side.VIEWS.items():
        assert name in bench.legends.views_with(overlay(bench, key)), name


def test_closing_the_scene_in_side_by_side_goes_back_to_the_layout_before(explained: PanelBench) -> None:
    bench = explained
    before = bench.layout.GetViewArrangement()
    laid_out(bench)
    bench.scene.Clear(False)
    settled(bench)
    assert bench.layout.GetViewArrangement() == before and not bench.ui.sideCheck.checked


def test_a_scene_saved_side_by_side_is_not_black(explained: PanelBench, tmp_path: Path) -> None:
    bench = laid_out(explained)
    save_scene_bundle(bench.scene, tmp_path / "s.mrb")
    bench.scene.Clear(False)
    settled(bench)
    load_scene_bundle(bench.scene, tmp_path / "s.mrb")
    settled(bench)
    assert side_by_side.is_laid_out(bench.scene) and bench.ui.sideCheck.checked
    assert offsets(bench) == {round(bench.red.GetSliceOffset(), 3)}


def test_the_legend_goes_with_the_map(explained: PanelBench) -> None:
    bench = explained
    assert "Red" in bench.legends.views_with(overlay(bench, STAGE3.key))
    for button, key in (("stage1Button", STAGE1.key), ("stage2Button", STAGE2.key), ("stage1Button", STAGE1.key)):
        bench.click(button)
        assert "Red" in bench.legends.views_with(overlay(bench, key)), key
        assert not bench.legends.views_with(overlay(bench, STAGE3.key))


def test_the_legend_goes_while_its_map_is_out_of_the_views_plane(explained: PanelBench) -> None:
    bench = explained
    bench.click("liveCheck")
    before = bench.red.GetSliceOffset()
    bench.scroll(bench.red, before + 10)
    bench.settle()
    assert not bench.legends.views_with(overlay(bench))
    bench.scroll(bench.red, before)
    bench.settle()
    assert "Red" in bench.legends.views_with(overlay(bench))


@pytest.mark.parametrize("button", ["stage3Button", "terminalButton"])
def test_the_legend_lies_flat_at_the_lower_edge_whatever_its_numbers(explained: PanelBench, button: str) -> None:
    """There an axial slice has air or the table; a terminal map's numbers reach to −30 and beyond."""
    explained.click(button)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(overlay(explained))
    left, lower, width, height = legend_rectangle(legend)
    assert lower + height <= 0.12 and left > 0.2 and left + width < 0.8 and width > 3 * height
    assert legend.GetNumberOfLabels() <= 3 and legend.GetLabelTextProperty().GetFontSize() <= 12


def test_the_selectors_show_what_a_loaded_scene_holds(explained: PanelBench, tmp_path: Path) -> None:
    bench = explained
    save_scene_bundle(bench.scene, tmp_path / "s.mrb")
    load_scene_bundle(bench.scene, tmp_path / "s.mrb")  # the panel is open, and bound to the same parameter node
    settled(bench)
    for selector, node in (("regionSelector", "region"), ("volumeSelector", "volume"), ("viewSelector", "view")):
        shown = getattr(bench.ui, selector).currentNode()
        assert shown is not None and shown is getattr(bench.parameters, node), selector


def test_deleting_the_volume_takes_its_maps_along(explained: PanelBench) -> None:
    bench = explained
    bench.scene.RemoveNode(bench.parameters.volume)
    bench.settle()
    for class_name in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLColorLegendDisplayNode"):
        assert bench.scene.GetNumberOfNodesByClass(class_name) == 0, class_name
    assert not bench.ui.exportButton.enabled and not bench.ui.keepButton.enabled and bench.state.result is None


def test_reloading_frees_the_old_panel_and_goes_on_at_once(explained: PanelBench) -> None:
    bench = explained
    old = weakref.ref(bench.panel), weakref.ref(bench.controller)
    engine = bench.engine.get()
    bench.reload_module()
    assert engine.held_bytes == 0, "the old encodings stay in memory"
    del engine
    assert bench.pump(lambda: bench.state.started), "the panel stays at Starting…"
    bench.settle()
    gc.collect()
    assert [reference() for reference in old] == [None, None], "the hidden widgets keep the old panel"
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None)


def test_the_pressed_button_is_the_shown_maps_however_it_was_chosen(explained: PanelBench) -> None:
    bench = explained
    for key, button in ((STAGE1.key, "stage1Button"), (STAGE3.key, "stage3Button"), (STAGE1.key, "stage1Button")):
        bench.parameters.map = key
        pressed = [name for name in ("stage1Button", "stage2Button", "stage3Button") if getattr(bench.ui, name).checked]
        assert pressed == [button]
    bench.click("stage3Button")
    bench.click("stage3Button")
    assert bench.ui.stage3Button.checked, "a second click let go of the chosen map's button"


def test_a_deleted_map_is_missed_in_words(explained: PanelBench) -> None:
    bench = explained
    bench.scene.RemoveNode(overlay(bench))
    bench.settle()
    assert "was deleted" in bench.ui.statusLabel.text and bench.ui.explainButton.enabled
    bench.click("stage1Button")
    assert bench.ui.statusLabel.text.startswith("✔")
    bench.click("stage3Button")
    bench.click("explainButton")
    assert bench.pump(lambda: not bench.controller.wants_ticks)
    assert bench.ui.statusLabel.text.startswith("✔") and overlay(bench) is not None


def test_names_of_the_users_own_stay_and_ours_follow_the_volume(explained: PanelBench) -> None:
    bench = explained
    found = find_working(bench.parameters.volume, bench.parameters.region)
    found.overlays[STAGE1.key].SetName("for the talk")
    bench.parameters.volume.SetName("patient 7")
    bench.click("explainButton")
    assert bench.pump(lambda: not bench.controller.wants_ticks)
    assert found.overlays[STAGE1.key].GetName() == "for the talk"
    assert found.overlays[STAGE2.key].GetName().startswith("patient 7 ·")
    assert found.segmentation.GetName().startswith("patient 7 ·")


def test_escape_ends_drawing_before_the_first_click(explained: PanelBench) -> None:
    bench = explained
    bench.parent._real.show()
    QtWidgets.QApplication.setActiveWindow(bench.parent._real)
    bench.click("drawButton")
    assert bench.drawing.is_drawing
    bench.ui.drawButton._real.setFocus()
    bench.application.processEvents()
    press(bench, QtCore.Qt.Key.Key_Escape)
    assert not bench.drawing.is_drawing and not bench.ui.drawButton.checked


def press(bench: PanelBench, key: QtCore.Qt.Key, modifiers: QtCore.Qt.KeyboardModifier | None = None) -> None:
    """A key as the window system delivers it, to the widget with the focus; shortcuts come first."""
    modifiers = modifiers or QtCore.Qt.KeyboardModifier.NoModifier
    target = QtWidgets.QApplication.focusWidget() or bench.parent._real
    window = bench.parent._real.windowHandle()
    for kind in (QtCore.QEvent.Type.ShortcutOverride, QtCore.QEvent.Type.KeyPress):
        event = QtGui.QKeyEvent(kind, key, modifiers)
        if kind is QtCore.QEvent.Type.KeyPress:
            QtGui.QGuiApplication.sendEvent(window, event)
        else:
            QtWidgets.QApplication.sendEvent(target, event)
    bench.application.processEvents()


def test_keys_go_through_maps_layers_and_slices_while_the_module_is_open(explained: PanelBench) -> None:
    from MedXAILib.panel.shortcuts import KEYS

    bench, keys = explained, bench_keys(explained)
    keys["next_map"]()
    assert bench.ui.interactionButton.checked
    keys["map_before"]()
    assert bench.ui.stage3Button.checked
    layer = bench.ui.layerSlider.value
    keys["layer_before"]()
    assert bench.ui.layerSlider.value == layer - 1
    offset = bench.red.GetSliceOffset()
    keys["next_slice"]()
    assert bench.red.GetSliceOffset() == pytest.approx(offset + 5)
    keys["map_on_and_off"]()
    assert not bench.ui.overlayCheck.checked and composite_of(bench.red).GetForegroundVolumeID() is None
    for keystroke, widget in KEYS.values():
        assert keystroke in getattr(bench.ui, widget).toolTip


def bench_keys(bench: PanelBench) -> dict:
    return bench.panel.keys()


def test_a_moved_box_can_be_put_back(explained: PanelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    rest_s = 2.0  # longer than the product's: on a busy machine a drag's steps lie far apart
    monkeypatch.setattr("MedXAILib.panel.box_history._REST_S", rest_s)
    explained.pump(limit_s=rest_s + 0.1)  # the drawing of the box lies behind
    bench, region = explained, explained.parameters.region
    assert not bench.ui.undoButton.enabled
    for _ in range(3):
        bench.drag(region, 3.0)
    bench.pump(limit_s=0.5)
    bench.settle()
    assert bench.ui.undoButton.enabled and bench.state.explained.box.first_column == 23
    bench.click("undoButton")
    assert bench.pump(lambda: bench.state.explained.box.first_column == 20), "one drag is not one step"
    assert not bench.ui.undoButton.enabled


def test_the_boxs_name_and_handles_leave_the_organ_free_while_maps_are_looked_at(explained: PanelBench) -> None:
    bench, display = explained, explained.parameters.region.GetDisplayNode()
    assert not display.GetPropertiesLabelVisibility()
    bench.crosshair.SetCursorPositionRAS([500.0, 500.0, 500.0])
    assert not display.GetHandlesInteractive()
    centre = [0.0, 0.0, 0.0]
    bench.parameters.region.GetCenterWorld(centre)
    bench.crosshair.SetCursorPositionRAS(centre)
    assert display.GetHandlesInteractive() and display.GetScaleHandleVisibility()


def test_the_real_model_is_one_click_away_while_only_the_demo_model_is_here(
    bench: PanelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.ui.offerButton.visible and bench.ui.offerButton.text == "▼ Get LiteMedSAM (39 MB)"
    asked = []
    monkeypatch.setattr(type(bench.controller.models), "download", lambda _self, name: asked.append(name))
    bench.click("offerButton")
    assert asked == [bench.state.method.model] == [FIRST_DOWNLOAD] and not bench.ui.offerButton.visible


@pytest.mark.parametrize(
    ("total", "model", "made"), [(0.0249, 0.0051, 0.0198), (0.286, 0.165, 0.121), (0.0, 0.004, -0.004)]
)
def test_the_parts_of_the_narrowing_add_up(total: float, model: float, made: float) -> None:
    from medxai.results import Narrowing
    from MedXAILib.session.map_metrics import MapMetrics

    metrics = MapMetrics(0.5, 0.1, (3.0, 3.0), Narrowing(total, model, made), False, True, "", 1.0, 1.0)
    line = next(text for text in wording.metrics(metrics).split("<br>") if text.startswith("Narrowing"))
    numbers = [
        int(word.replace("−", "-"))
        for word in line.replace("percentage points", "").split()
        if word.strip("+−").isdigit()
    ]
    *_, whole, by_model, by_making = numbers
    assert whole == by_model + by_making, line


def test_no_legend_says_minus_zero_after_loading(explained: PanelBench, tmp_path: Path) -> None:
    bench = explained
    for node in bench.scene.GetNodesByClass("vtkMRMLScalarVolumeNode"):
        if node.GetAttribute(WORKING_ATTRIBUTE):
            node.GetDisplayNode().SetWindowLevelMinMax(-1e-9, 0.5)  # as level and width come back from text
    save_scene_bundle(bench.scene, tmp_path / "s.mrb")
    bench.scene.Clear(False)
    load_scene_bundle(bench.scene, tmp_path / "s.mrb")
    settled(bench)
    for button in ("stage1Button", "stage3Button"):
        bench.click(button)
        lower = overlay(bench).GetDisplayNode().GetWindowLevelMin()
        assert f"{lower:.2f}" == "0.00", lower
