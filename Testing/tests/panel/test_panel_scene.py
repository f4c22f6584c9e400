"""The panel while the scene under it is closed, saved, loaded, renamed and torn apart."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from support.scans import ROOT

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

import slicer

from medxai.maps import STAGE1, STAGE2
from medxai.scene.headless import load_scene_bundle, save_scene_bundle
from medxai.scene.views import composite_of, look_at
from medxai.scene.working_result import find_working
from medxai.slice.slice_image import slice_of
from MedXAILib.session.state import Phase
from stand_ins.panel_bench import PanelBench, panel_bench
from support.panel import OWN_KEYS, ball_volume
from support.panel_scene import BOX, overlay


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PanelBench]:
    with panel_bench(tmp_path) as it:
        it.start()
        prepare(it)
        yield it


def prepare(bench: PanelBench, name: str = "ball") -> None:
    volume = ball_volume(name)
    node = bench.load(volume)
    look_at(bench.red, node, slice_of(volume, "axial", 6))
    bench.parameters.volume = node
    bench.settle()
    bench.draw(slice_of(volume, "axial", 6), BOX)
    bench.settle()


def explain(bench: PanelBench) -> None:
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT and not bench.controller.wants_ticks), bench.state


def busy(bench: PanelBench) -> None:
    bench.click("explainButton")
    assert bench.state.phase is Phase.RUNNING


STATES: dict[str, Callable[[PanelBench], None]] = {"ready": lambda bench: None, "running": busy, "result": explain}


@pytest.mark.parametrize("state", STATES)
def test_closing_the_scene_is_safe_in_every_state_and_the_next_case_works(bench: PanelBench, state: str) -> None:
    STATES[state](bench)
    bench.scene.Clear(False)
    assert bench.state.result is None and bench.state.running is None and not bench.ui.explainButton.enabled
    bench.settle()
    assert "Load a CT or MR volume" in bench.ui.statusLabel.text
    prepare(bench, "next patient")
    explain(bench)
    assert bench.state.result.prepared.image.volume_name == "next patient"


@pytest.mark.parametrize("state", STATES)
def test_deleting_the_volume_is_safe_in_every_state(bench: PanelBench, state: str) -> None:
    STATES[state](bench)
    bench.scene.RemoveNode(bench.parameters.volume)
    bench.settle()
    assert not bench.ui.explainButton.enabled and bench.parameters.volume is None
    for button in ("stage1Button", "overlayCheck", "segmentationCheck", "keepButton"):
        bench.click(button)
    bench.slide("layerSlider", 0)
    bench.settle()
    prepare(bench, "another")
    explain(bench)


@pytest.mark.parametrize("state", STATES)
def test_deleting_the_region_is_safe_in_every_state(bench: PanelBench, state: str) -> None:
    STATES[state](bench)
    bench.scene.RemoveNode(bench.parameters.region)
    bench.settle()
    assert bench.parameters.region is None and not bench.ui.explainButton.enabled
    bench.slide("layerSlider", 0)
    bench.draw(slice_of(ball_volume(), "axial", 6), BOX)
    bench.settle()
    explain(bench)


@pytest.mark.parametrize("state", STATES)
def test_reloading_the_module_is_safe_in_every_state(bench: PanelBench, state: str) -> None:
    STATES[state](bench)
    old, controller = weakref.ref(bench.panel), bench.controller
    bench.reload_module()
    assert controller.close(30), "the old worker runs on"
    del controller
    gc.collect()
    assert old() is None, "the old panel is still held by something"
    bench.start()
    assert bench.parameters.volume.GetName() == "ball", "the choices in the scene were lost"
    explain(bench)


@pytest.mark.parametrize("state", STATES)
def test_leaving_and_returning_is_safe_in_every_state(bench: PanelBench, state: str) -> None:
    STATES[state](bench)
    bench.leave_module()
    assert bench.pump(lambda: not bench.state.running)
    tasks = bench.controller.jobs.started
    bench.drag(bench.parameters.region, 6.0)
    bench.settle()
    assert bench.controller.jobs.started == tasks, "the panel works although another module is open"
    bench.return_to_module()
    bench.settle()
    explain(bench)


def test_leaving_a_module_that_has_nothing_to_do_leaves_nothing_waiting(bench: PanelBench) -> None:
    bench.leave_module()
    bench.settle()


def test_quitting_while_computing_stops_the_worker(bench: PanelBench) -> None:
    busy(bench)
    assert bench.quit()


def test_closing_the_scene_while_another_module_is_open(bench: PanelBench) -> None:
    explain(bench)
    bench.leave_module()
    bench.scene.Clear(False)
    bench.settle()
    assert bench.parameters is None
    bench.return_to_module()
    bench.settle()
    prepare(bench)
    explain(bench)


def test_a_saved_scene_comes_back_with_maps_choices_and_links(bench: PanelBench, tmp_path: Path) -> None:
    explain(bench)
    bench.click("stage1Button")
    bench.slide("opacitySlider", 35)
    bench.choose("presetSelector", "contour")
    bench.settle()
    volume, region = bench.parameters.volume, bench.parameters.region
    volume.SetName("renamed volume")
    region.SetName("renamed region")
    overlay(bench, STAGE1.key).SetName("renamed map")
    voxels = {kind: slicer.util.arrayFromVolume(overlay(bench, kind)).copy() for kind in OWN_KEYS}
    save_scene_bundle(bench.scene, tmp_path / "scene.mrb")
    bench.scene.Clear(False)
    bench.settle()
    load_scene_bundle(bench.scene, tmp_path / "scene.mrb")
    bench.settle()
    parameters = bench.parameters
    assert parameters.volume.GetName() == "renamed volume" and parameters.region.GetName() == "renamed region"
    assert parameters.map == STAGE1.key and parameters.opacity == 35 and parameters.preset == "contour"
    assert (
        bench.ui.stage1Button.checked
        and bench.ui.opacitySlider.value == 35
        and bench.ui.presetSelector._real.currentData() == "contour"
    )
    found = find_working(parameters.volume, parameters.region)
    assert found.is_whole
    for kind in OWN_KEYS:
        np.testing.assert_allclose(slicer.util.arrayFromVolume(found.overlays[kind]), voxels[kind], rtol=1e-5)
    assert found.overlays[STAGE1.key].GetName() == "renamed map"
    assert "maps of the saved scene" in bench.ui.statusLabel.text
    bench.click("stage2Button")
    assert composite_of(bench.red).GetForegroundVolumeID() == found.overlays[STAGE2.key].GetID()
    nodes = bench.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    explain(bench)
    assert bench.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == nodes, (
        "explaining again did not reuse the saved nodes"
    )


@pytest.mark.parametrize("lost", [*OWN_KEYS, "segmentation"])
def test_a_deleted_map_comes_back_with_the_next_explanation(bench: PanelBench, lost: str) -> None:
    explain(bench)
    found = find_working(bench.parameters.volume, bench.parameters.region)
    bench.scene.RemoveNode(found.segmentation if lost == "segmentation" else found.overlays[lost])
    bench.settle()
    for button in ("stage1Button", "stage2Button", "stage3Button", "interactionButton", "terminalButton"):
        bench.click(button)
    explain(bench)
    assert find_working(bench.parameters.volume, bench.parameters.region).is_whole


def test_two_regions_keep_their_own_results(bench: PanelBench) -> None:
    explain(bench)
    first = bench.parameters.region
    second = bench.draw(slice_of(ball_volume(), "axial", 6), type(BOX)(10, 10, 30, 30))
    bench.settle()
    explain(bench)
    volume = bench.parameters.volume
    assert find_working(volume, first).is_whole and find_working(volume, second).is_whole
    assert find_working(volume, first).overlays[STAGE1.key] is not find_working(volume, second).overlays[STAGE1.key]


def test_the_sources_voxels_and_frame_are_never_changed(bench: PanelBench) -> None:
    node = bench.parameters.volume
    voxels, origin = slicer.util.arrayFromVolume(node).copy(), node.GetOrigin()
    explain(bench)
    bench.drag(bench.parameters.region, 5.0)
    bench.settle()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), voxels)
    assert node.GetOrigin() == origin


def test_changed_voxels_make_the_maps_old(bench: PanelBench) -> None:
    explain(bench)
    bench.click("liveCheck")
    bench.settle()
    slicer.util.arrayFromVolume(bench.parameters.volume)[:, 10:20] += 50
    slicer.util.arrayFromVolumeModified(bench.parameters.volume)
    bench.settle()
    assert "older than the volume" in bench.ui.statusLabel.text


def test_nothing_is_left_observed_after_closing_the_panel(bench: PanelBench) -> None:
    explain(bench)
    panel, region = bench.panel, bench.parameters.region
    bench.quit()
    bench.drag(region, 5.0)
    bench.scene.RemoveNode(region)
    assert not panel.controller.wants_ticks and panel.parameters is None


def test_voxels_changed_by_another_module_are_noticed(bench: PanelBench) -> None:
    explain(bench)
    bench.click("liveCheck")
    bench.settle()
    bench.parameters.volume.GetImageData().Modified()  # all that many filters do
    bench.settle()
    assert "older than the volume" in bench.ui.statusLabel.text


def test_a_transform_that_is_turned_later_is_noticed(bench: PanelBench) -> None:
    explain(bench)
    bench.click("liveCheck")
    transform = bench.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    bench.parameters.volume.SetAndObserveTransformNodeID(transform.GetID())
    bench.settle()
    assert bench.state.phase is Phase.RESULT, "an identity transform changes nothing"
    matrix = slicer.util.arrayFromTransformMatrix(transform)
    matrix[0, 3] = 9.0
    slicer.util.updateTransformMatrixFromArray(transform, matrix)
    bench.settle()
    assert "older than the box" in bench.ui.statusLabel.text


#: Runs in an interpreter of its own, because afterwards every class of MedXAI is there twice.
RELOADING = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from stand_ins.panel_bench import panel_bench
from support.panel import ball_volume
with panel_bench(Path({folder!r})) as bench:
    bench.start()
    bench.load(ball_volume())
    bench.settle()
    bench.click("addButton")
    bench.settle()
    bench.click("explainButton")
    old, worker = bench.panel, bench.controller
    before = {{name: module for name, module in sys.modules.items() if name.startswith("MedXAILib")}}
    sys.modules["MedXAILib.panel.panel"].TICK_MS = 99  # as if the file had said so before it was edited
    bench.press_reload()
    assert worker.close(30), "the old worker runs on"
    assert type(bench.panel) is not type(old) and sys.modules["MedXAILib.panel.panel"].TICK_MS != 99
    stale = [name for name, module in before.items() if sys.modules.get(name) is module]
    assert not stale, stale
    bench.start()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state.message
    print("reloaded")
"""


def test_the_reload_button_reads_the_whole_library_anew(tmp_path: Path) -> None:
    code = RELOADING.format(paths=[str(ROOT / "Testing"), str(ROOT / "MedXAI")], folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "reloaded" in done.stdout, done.stderr


def test_showing_results_leaves_the_users_zoom_alone(bench: PanelBench) -> None:
    bench.red.SetFieldOfView(100.0, 80.0, 5.0)
    bench.red.SetXYZOrigin(7.0, -5.0, 0.0)
    before = field_of(bench.red)
    explain(bench)
    bench.drag(bench.parameters.region, 3.0)
    bench.slide("layerSlider", 0)
    bench.settle()
    assert field_of(bench.red) == before
    bench.ui.depthSpin._real.setValue(5)
    bench.settle()
    bench.click("sideCheck")
    bench.pump(limit_s=0.5)
    view = bench.scene.GetSingletonNode("MedXAIStage2", "vtkMRMLSliceNode")
    assert field_of(view) != before
    view.SetFieldOfView(50.0, 50.0, 5.0)
    zoomed = field_of(view)
    bench.slide("layerSlider", 2)
    assert field_of(view) == zoomed, "a step of the slider took the zoom away"
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 5)
    bench.settle()
    explain(bench)
    assert field_of(view) != zoomed and view.GetSliceOffset() == bench.red.GetSliceOffset()


def field_of(view: "slicer.vtkMRMLSliceNode") -> tuple:
    return view.GetFieldOfView(), view.GetXYZOrigin()
