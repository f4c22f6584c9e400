"""What a user does with the panel, on the real .ui, the real widget and a real MRML scene."""

import http.server
import json
import socketserver
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)", exc_type=ImportError)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

import panel_support
import slicer
from panel_support import ball_volume
from stand_ins.panel_bench import PanelBench, panel_bench

from MedXAILib.controller import MapKind, Phase, layer_names_of, map_shown
from MedXAILib.imaging import PixelBox, slice_of
from MedXAILib.limits import LIMITS_SHORT, LIMITS_STATEMENT
from MedXAILib.scene.views import composite_of, look_at
from MedXAILib.scene.working_result import find_working

BOX = PixelBox(20, 18, 44, 42)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PanelBench]:
    with panel_bench(tmp_path) as it:
        it.start()
        yield it


@pytest.fixture
def explained(bench: PanelBench) -> PanelBench:
    """After the first Explain on a ball."""
    volume = ball_volume()
    node = bench.load(volume)
    look_at(bench.red, node, slice_of(volume, "axial", 6))
    bench.settle()
    bench.draw(slice_of(volume, "axial", 6), BOX)
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    return bench


def overlay(bench: PanelBench, kind: MapKind | None = None) -> "slicer.vtkMRMLScalarVolumeNode":
    found = find_working(bench.parameters.volume, bench.parameters.region)
    return found.overlays[kind or bench.state.view.kind]


def test_an_empty_panel_says_what_to_do_and_offers_nothing_that_fails(bench: PanelBench) -> None:
    ui = bench.ui
    assert ui.limitsLabel.text == LIMITS_SHORT and ui.limitsLabel.visible
    assert "Load a CT or MR volume" in ui.statusLabel.text
    for name in ("explainButton", "cancelButton", "stage1Button", "layerSlider", "exportButton", "keepButton", "opacitySlider"):
        assert not getattr(ui, name).enabled, name
    assert "Load a CT or MR volume" in ui.explainButton.toolTip
    bench.click("addButton")
    assert bench.state.phase is Phase.FAILED and "Choose a volume" in ui.statusLabel.text


def test_the_demo_model_is_chosen_where_no_other_weights_are(bench: PanelBench) -> None:
    assert bench.state.method.model == "demo" and bench.parameters.model == ""
    assert "comes with MedXAI" in bench.ui.weightsLabel.text
    bench.choose("modelSelector", "medsam")
    assert bench.parameters.model == "medsam"
    assert "375 MB to download" in bench.ui.weightsLabel.text and bench.ui.downloadButton.visible
    assert "ten seconds" in bench.ui.expectationLabel.text


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
    assert shown.GetForegroundVolumeID() == overlay(bench).GetID() and shown.GetForegroundOpacity() == pytest.approx(0.6)
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
    bench.draw(image, PixelBox(int(columns.min()) - 1, int(rows.min()) - 1, int(columns.max()) + 1, int(rows.max()) + 1))  # 2: Draw, 3: the box
    bench.settle()
    bench.click("explainButton")  # 4
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    assert bench.actions < 5
    assert bench.state.result.segmentation.mask[ct.mask("liver", index)].mean() > 0.5, "the demo model did not find the liver"
    voxels = slicer.util.arrayFromVolume(overlay(bench))
    assert voxels.shape[0] == 1 and voxels.max() > 0


def test_scrubbing_shows_every_layer_of_every_stage_without_computing(explained: PanelBench) -> None:
    bench = explained
    tasks = bench.controller._worker._numbers
    names = layer_names_of(bench.state.result)
    for button, kind in (("stage1Button", MapKind.STAGE1), ("stage2Button", MapKind.STAGE2), ("stage3Button", MapKind.STAGE3)):
        bench.click(button)
        for index, name in enumerate(names):
            bench.slide("layerSlider", index)
            node = overlay(bench, kind)
            wanted = bench.state.result.on_slice(map_shown(bench.state.result, bench.state.view))
            assert bench.state.view.layer == name
            np.testing.assert_array_equal(slicer.util.arrayFromVolume(node)[0], wanted)
            assert name in node.GetName() and node.GetAttribute("MedXAI.Layer") == name
            assert composite_of(bench.red).GetForegroundVolumeID() == node.GetID()
            assert name in bench.ui.layerLabel.text
    for button, kind in (("interactionButton", MapKind.INTERACTION), ("terminalButton", MapKind.TERMINAL)):
        bench.click(button)
        assert composite_of(bench.red).GetForegroundVolumeID() == overlay(bench, kind).GetID()
        assert not bench.ui.layerSlider.enabled and not bench.ui.weightedCheck.enabled
    assert bench.controller._worker._numbers == tasks


def test_layers_of_a_stage_share_one_range_so_that_scrubbing_compares(explained: PanelBench) -> None:
    ranges = set()
    for index in range(len(layer_names_of(explained.state.result))):
        explained.slide("layerSlider", index)
        display = overlay(explained).GetDisplayNode()
        ranges.add((display.GetWindowLevelMin(), display.GetWindowLevelMax()))
    assert len(ranges) == 1


def test_weighting_threshold_opacity_colours_legend_and_outline_reach_the_scene(explained: PanelBench) -> None:
    bench = explained
    weighted = slicer.util.arrayFromVolume(overlay(bench)).copy()
    bench.click("weightedCheck")
    assert not np.array_equal(slicer.util.arrayFromVolume(overlay(bench)), weighted)
    assert "without spatial weighting" in overlay(bench).GetName()
    assert overlay(bench).GetAttribute("MedXAI.SpatialWeighting") == "False"
    bench.slide("opacitySlider", 25)
    assert composite_of(bench.red).GetForegroundOpacity() == pytest.approx(0.25)
    low = overlay(bench).GetDisplayNode().GetLowerThreshold()
    bench.slide("thresholdSlider", 50)
    display = overlay(bench).GetDisplayNode()
    assert display.GetLowerThreshold() > low
    assert display.GetLowerThreshold() == pytest.approx((display.GetWindowLevelMin() + display.GetWindowLevelMax()) / 2, rel=1e-4)
    bench.choose("coloursSelector", "viridis")
    assert "viridis" in overlay(bench).GetDisplayNode().GetColorNode().GetName()
    bench.choose("coloursSelector", "inferno")
    assert "viridis" not in overlay(bench).GetDisplayNode().GetColorNode().GetName()
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(overlay(bench))
    assert legend.GetVisibility()
    bench.click("legendCheck")
    assert not legend.GetVisibility()
    found = find_working(bench.parameters.volume, bench.parameters.region)
    bench.click("segmentationCheck")
    assert not found.segmentation.GetDisplayNode().GetVisibility()
    bench.click("overlayCheck")
    assert composite_of(bench.red).GetForegroundVolumeID() is None
    bench.click("overlayCheck")
    assert composite_of(bench.red).GetForegroundVolumeID() == overlay(bench).GetID()


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
    assert "i 26" in overlay(bench, MapKind.STAGE1).GetAttribute("MedXAI.BoxIjk"), "the maps out of sight stayed behind"


def test_without_live_mode_the_panel_says_that_the_maps_are_old(explained: PanelBench) -> None:
    bench = explained
    bench.click("liveCheck")
    bench.drag(bench.parameters.region, 6.0)
    bench.settle()
    assert bench.state.phase is Phase.STALE
    assert "older than the box" in bench.ui.statusLabel.text and "Press Explain" in bench.ui.statusLabel.text


def test_a_fast_model_follows_the_slice(explained: PanelBench) -> None:
    bench = explained
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


def test_a_drawn_region_is_deep_enough_to_be_seen_on_the_slices_around(explained: PanelBench) -> None:
    width, height, depth = explained.parameters.region.GetSize()
    assert (width, height) == (75.0, 75.0) and depth == pytest.approx(37.5)


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


def test_side_by_side_fills_four_linked_views_and_goes_back(explained: PanelBench) -> None:
    bench = explained
    before = bench.layout.GetViewArrangement()
    bench.click("sideCheck")
    for name, kind in (("MedXAIStage1", MapKind.STAGE1), ("MedXAIStage2", MapKind.STAGE2), ("MedXAIStage3", MapKind.STAGE3), ("MedXAITerminal", MapKind.TERMINAL)):
        composite = composite_of(bench.scene.GetSingletonNode(name, "vtkMRMLSliceNode"))
        assert composite.GetForegroundVolumeID() == overlay(bench, kind).GetID() and composite.GetLinkedControl()
    bench.slide("layerSlider", 0)
    assert {overlay(bench, MapKind(f"stage{n}")).GetAttribute("MedXAI.Layer") for n in (1, 2, 3)} == {layer_names_of(bench.state.result)[0]}
    assert "MedXAIStage1" not in [bench.ui.viewSelector._real.itemText(i) for i in range(bench.ui.viewSelector._real.count())]
    bench.click("sideCheck")
    assert bench.layout.GetViewArrangement() == before


def test_leaving_the_side_by_side_layout_by_other_means_unchecks_it(explained: PanelBench) -> None:
    bench = explained
    bench.click("sideCheck")
    bench.layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    bench.settle()
    assert not bench.ui.sideCheck.checked
    assert bench.layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


def test_export_writes_the_files_and_says_where(explained: PanelBench, tmp_path: Path) -> None:
    bench, folder = explained, tmp_path / "out"
    folder.mkdir()
    bench.answer(str(folder))
    bench.click("exportButton")
    assert bench.pump(lambda: not bench.state.running)
    assert str(folder) in bench.ui.statusLabel.text
    assert {"panels.png", "explanation.json", "saliency_stage1.nrrd", "saliency_stage3.nrrd", "segmentation.nrrd"} <= {f.name for f in folder.iterdir()}
    assert json.loads((folder / "explanation.json").read_text())["limits"] == LIMITS_STATEMENT
    bench.answer("")
    bench.click("exportButton")
    assert not bench.state.running, "a cancelled dialog started an export"


def test_kept_maps_stay_and_the_next_explanation_makes_its_own(explained: PanelBench) -> None:
    bench = explained
    kept = overlay(bench)
    voxels = slicer.util.arrayFromVolume(kept).copy()
    bench.click("keepButton")
    bench.drag(bench.parameters.region, 6.0)
    bench.click("explainButton")
    assert bench.pump(lambda: find_working(bench.parameters.volume, bench.parameters.region) is not None)
    bench.settle()
    assert overlay(bench) is not kept and "kept" in kept.GetName()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(kept), voxels)


def test_maps_are_not_offered_as_volumes(explained: PanelBench) -> None:
    box = explained.ui.volumeSelector._real
    assert [box.itemText(index) for index in range(box.count())] == ["None", "ball"]


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
    assert bench.pump(lambda: bench.state.explained.method.window == (50.0, 300.0)), "live mode did not follow the window"


def test_a_checkpoint_file_of_the_users_own(bench: PanelBench, tmp_path: Path) -> None:
    weights = panel_support.untrained_weights(tmp_path)
    bench.answer(str(weights))
    bench.click("fileButton")
    assert bench.state.method.model == str(weights) and "your own file" in bench.ui.weightsLabel.text
    bench.load(ball_volume())
    bench.settle()
    bench.click("addButton")
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None)
    assert "not in the registry" in bench.ui.warningsLabel.text and bench.ui.warningsLabel.visible


def test_preferences_outlive_the_module(bench: PanelBench, tmp_path: Path) -> None:
    bench.choose("deviceSelector", "cpu")
    bench.ui.budgetSpin._real.setValue(1024)
    (tmp_path / "elsewhere").mkdir()
    bench.answer(str(tmp_path / "elsewhere"))
    bench.click("folderButton")
    bench.reload_module()
    bench.start()
    assert bench.state.method.device == "cpu" and bench.ui.budgetSpin.value == 1024
    assert bench.ui.folderButton.text == str(tmp_path / "elsewhere") and bench.controller.workshop.folder == tmp_path / "elsewhere"


def test_downloaded_weights_can_be_removed(bench: PanelBench) -> None:
    folder = bench.controller.workshop.folder
    folder.mkdir(parents=True)
    (folder / "medsam_vit_b.pth").write_bytes(b"weights")
    bench.controller.list_models()
    bench.choose("modelSelector", "medsam")
    assert "in the model folder" in bench.ui.weightsLabel.text
    bench.click("removeButton")
    assert not (folder / "medsam_vit_b.pth").exists() and bench.ui.downloadButton.visible


def test_freeing_memory_is_said_and_harmless(explained: PanelBench) -> None:
    bench = explained
    assert bench.ui.memoryLabel.text != "Encoded slices hold 0 MB now."
    bench.click("freeButton")
    assert bench.ui.memoryLabel.text == "Encoded slices hold 0 MB now."
    bench.slide("layerSlider", 0)
    assert bench.state.phase is Phase.RESULT


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
    report = json.loads((tmp_path / "explanation.json").read_text())
    assert report["limits"] == LIMITS_STATEMENT and (tmp_path / "panels.png").stat().st_size > 10_000


class Weights(http.server.BaseHTTPRequestHandler):
    """Serves three megabytes slowly."""

    content = b"m" * 3_000_000

    def do_GET(self) -> None:  # noqa: N802
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        for offset in range(start, len(self.content), 500_000):
            try:
                self.wfile.write(self.content[offset : offset + 500_000])
            except OSError:  # the user has cancelled
                return
            time.sleep(0.05)

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


def test_a_download_shows_its_progress_can_be_cancelled_and_goes_on(bench: PanelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from MedXAILib.models import registry

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Weights) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        entry = dataclasses.replace(
            registry.registered("medsam"), sources=(f"http://127.0.0.1:{server.server_address[1]}/w",), size_bytes=3_000_000, md5=None, sha256=None
        )
        for module in ("MedXAILib.models.registry", "MedXAILib.models.loading"):
            monkeypatch.setattr(f"{module}.REGISTRY", (entry,))
        bench.controller.list_models()
        bench.choose("modelSelector", "medsam")
        bench.click("downloadButton")
        assert bench.pump(lambda: "MB" in bench.ui.statusLabel.text and bench.ui.progressBar.visible), bench.ui.statusLabel.text
        bench.click("cancelButton")
        assert "Cancelled" in bench.ui.statusLabel.text and not bench.ui.progressBar.visible
        bench.settle()
        bench.click("downloadButton")
        assert bench.pump(lambda: not bench.state.running), bench.state
        assert "in the model folder" in bench.ui.weightsLabel.text, bench.state.message
        server.shutdown()
    assert (bench.controller.workshop.folder / "medsam_vit_b.pth").read_bytes() == Weights.content


def test_the_phantom_is_in_the_sample_data_module_once_and_loads(bench: PanelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    sources: dict[str, list] = {}
    logic = types.SimpleNamespace(
        registerCustomSampleDataCategory=lambda _category, title: None,
        registerCustomSampleDataSource=lambda category, **source: sources.setdefault(category, []).append(types.SimpleNamespace(**source)),
    )
    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=logic))
    monkeypatch.setattr(slicer.modules, "sampleDataSources", sources, raising=False)
    import MedXAI

    for _ in range(2):
        MedXAI.registerSampleData()
    (source,) = sources["MedXAI"]
    assert Path(source.thumbnailFileName).is_file()
    (node,) = source.customDownloader(source)
    bench.settle()
    assert bench.parameters.volume is node and node.GetAttribute("DICOM.Modality") == "CT"
