"""Scenes and settings that version 0.1.0 of the panel (commit dbfa748) saved still open: overlays, links and choices."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from medxai.maps import INTERACTION, STAGE1, STAGE2, STAGE3, TERMINAL
from medxai.scene.headless import load_scene_bundle
from medxai.scene.views import composite_of
from medxai.scene.working_result import find_working
from MedXAILib.session.state import Phase
from stand_ins.panel_bench import PanelBench, panel_bench
from support.panel import OWN_KEYS
from support.scans import ROOT

FROZEN = ROOT / "Testing" / "frozen"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PanelBench]:
    with panel_bench(tmp_path) as it:
        it.start()
        yield it


def opened(bench: PanelBench, name: str) -> PanelBench:
    load_scene_bundle(bench.scene, FROZEN / name)
    bench.settle()
    return bench


def test_a_scene_of_the_panel_opens_with_its_maps_links_and_choices(bench: PanelBench) -> None:
    parameters, ui = opened(bench, "scene_dbfa748.mrb").parameters, bench.ui
    assert parameters.volume.GetName() == "ball" and parameters.region.GetName() == "ball region"
    state = bench.state
    assert state.view.map_key == STAGE1.key and state.view.layer == "block 1" and state.view.colours == "viridis"
    assert (state.view.opacity, state.view.threshold, state.view.weighted) == (0.35, 0.2, False)
    assert not state.view.legend and not state.view.segmentation and not state.live
    method = state.method
    assert (method.model, method.preset, method.window, method.modality) == ("demo", "contour", (60.0, 160.0), "CT")
    assert method.all_layers and method.enhance_input
    assert ui.stage1Button.checked and ui.opacitySlider.value == 35
    found = find_working(parameters.volume, parameters.region)
    assert found.is_whole and set(found.overlays) == set(OWN_KEYS)
    assert composite_of(bench.red).GetForegroundVolumeID() == found.overlays[STAGE1.key].GetID()
    for button, info in (("stage2Button", STAGE2), ("interactionButton", INTERACTION), ("terminalButton", TERMINAL)):
        bench.click(button)
        assert composite_of(bench.red).GetForegroundVolumeID() == found.overlays[info.key].GetID()


def test_explaining_again_writes_over_the_old_scenes_maps(bench: PanelBench) -> None:
    opened(bench, "scene_dbfa748.mrb")
    before = find_working(bench.parameters.volume, bench.parameters.region)
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT), bench.state.message
    bench.settle()
    after = find_working(bench.parameters.volume, bench.parameters.region)
    assert {key: node.GetID() for key, node in after.overlays.items()} == {
        key: node.GetID() for key, node in before.overlays.items()
    }
    assert after.overlays[STAGE3.key].GetAttribute("MedXAI.Map").startswith("medxai/stage3")


def test_a_scene_saved_side_by_side_opens_with_every_view_filled(bench: PanelBench) -> None:
    parameters = opened(bench, "scene_side_by_side_dbfa748.mrb").parameters
    assert bench.state.view.side_by_side and bench.state.view.map_key == "grad-cam"
    found = find_working(parameters.volume, parameters.region)
    assert found.is_whole and "grad-cam" in found.overlays and parameters.region.GetName() == "ball region_1"
    for name, info in (("MedXAIStage1", STAGE1), ("MedXAIStage3", STAGE3), ("MedXAITerminal", TERMINAL)):
        view = bench.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        assert composite_of(view).GetForegroundVolumeID() == found.overlays[info.key].GetID()
        assert view.GetSliceOffset() == pytest.approx(bench.red.GetSliceOffset())


@pytest.mark.parametrize("name", ["scene_console_dbfa748.mrb", "scene_bundle_dbfa748.mrb"])
def test_a_scene_of_the_console_keeps_its_maps_and_can_be_explained(bench: PanelBench, name: str) -> None:
    opened(bench, name)
    nodes = bench.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    names = [bench.ui.volumeSelector._real.itemText(i) for i in range(bench.ui.volumeSelector._real.count())]
    assert names == ["None", "ball"], "the maps are offered as volumes"
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT), bench.state.message
    assert bench.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == nodes + len(OWN_KEYS)


def test_settings_of_before_are_understood(bench: PanelBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from MedXAILib.panel.preferences import Preferences
    from stand_ins import qt_module

    shutil.copy(FROZEN / "settings_dbfa748.ini", tmp_path / "old.ini")
    monkeypatch.setattr(qt_module, "SETTINGS_FILE", tmp_path / "old.ini")
    expected = json.loads((FROZEN / "settings_dbfa748.json").read_text(encoding="utf-8"))["next_process"]["understood"]
    preferences = Preferences()
    assert preferences.model_folder == Path(expected["model_folder"])
    assert list(preferences.folded_parts) == expected["folded_parts"]
    for name in ("device", "encoder", "look_ahead", "budget_mb", "export_folder"):
        assert getattr(preferences, name) == expected[name], name
