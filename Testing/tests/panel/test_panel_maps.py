"""The maps of a result: looked at in every way, laid out, kept and exported."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer

from medxai.display_range import PALE, for_display
from medxai.explainers.grad_cam_import import GRAD_CAM
from medxai.limits import LIMITS_STATEMENT
from medxai.map_view import ViewChoices
from medxai.maps import INTERACTION, STAGE1, STAGE2, STAGE3, TERMINAL
from medxai.results import SliceExplanation
from medxai.scene.views import composite_of
from medxai.scene.working_result import find_working
from stand_ins.panel_bench import PanelBench
from support.panel_scene import overlay


def test_scrubbing_shows_every_layer_of_every_stage_without_computing(explained: PanelBench) -> None:
    from MedXAILib.panel.map_list import MAP_BUTTONS

    bench = explained
    tasks = bench.controller.jobs.started
    names = bench.state.result.encoding.layers
    for button, kind in (
        ("stage1Button", STAGE1.key),
        ("stage2Button", STAGE2.key),
        ("stage3Button", STAGE3.key),
    ):
        bench.click(button)
        for index, name in enumerate(names):
            bench.slide("layerSlider", index)
            node = overlay(bench, kind)
            wanted = bench.state.result.on_slice(bench.state.view.values(bench.state.result))
            assert bench.state.view.layer == name
            np.testing.assert_array_equal(slicer.util.arrayFromVolume(node)[0], wanted)
            assert name in node.GetName() and node.GetAttribute("MedXAI.Layer") == name
            assert composite_of(bench.red).GetForegroundVolumeID() == node.GetID()
            assert name in bench.ui.layerLabel.text
        assert [one for one in MAP_BUTTONS.values() if getattr(bench.ui, one).text.startswith("●")] == [button]
    for button, kind in (("interactionButton", INTERACTION.key), ("terminalButton", TERMINAL.key)):
        bench.click(button)
        assert composite_of(bench.red).GetForegroundVolumeID() == overlay(bench, kind).GetID()
        assert not bench.ui.layerSlider.enabled and not bench.ui.weightedCheck.enabled
    assert bench.controller.jobs.started == tasks


def ranges_of_all_layers(bench: PanelBench) -> list[tuple[float, float]]:
    """The colours' range in the scene at each layer of the chosen map."""
    ranges = []
    for index in range(len(bench.state.result.encoding.layers)):
        bench.slide("layerSlider", index)
        display = overlay(bench).GetDisplayNode()
        ranges.append((display.GetWindowLevelMin(), display.GetWindowLevelMax()))
    return ranges


def test_each_layer_has_its_own_range_unless_layers_are_to_be_compared(explained: PanelBench) -> None:
    bench, result = explained, explained.state.result
    own = ranges_of_all_layers(bench)
    assert len(set(own)) == len(own)
    ids = [map_id for map_id in result.map_ids() if map_id.key == STAGE3.key]
    assert [upper for _, upper in own] == pytest.approx([result.layer_range(map_id).upper for map_id in ids], rel=1e-5)
    bench.click("scaleCheck")
    (shared,) = set(ranges_of_all_layers(bench))
    assert shared[1] == pytest.approx(result.display_range(ids[0]).upper, rel=1e-5)
    bench.click("terminalButton")
    assert not bench.ui.scaleCheck.enabled


def test_a_real_models_liver_has_most_of_the_colours(lite_liver: SliceExplanation) -> None:
    """On one range for all layers the liver of this scan has its middle at a third of the colours, all purple."""
    result, view = lite_liver, ViewChoices(STAGE3.key)
    values = result.on_slice(view.values(result))[result.segmentation.mask]
    low, middle, high = np.percentile(for_display(values, view.display_range(result)), [5, 50, 95])
    assert middle > 0.5 and high > 0.8 and high - low > 0.4
    shared = replace(view, one_scale=True).display_range(result)
    assert np.median(for_display(values, shared)) < 0.4, "this scan no longer shows the fault"


def test_weighting_threshold_opacity_colours_legend_and_outline_reach_the_scene(explained: PanelBench) -> None:
    bench = explained
    weighted = slicer.util.arrayFromVolume(overlay(bench)).copy()
    bench.click("weightedCheck")
    assert not np.array_equal(slicer.util.arrayFromVolume(overlay(bench)), weighted)
    assert "unweighted" in overlay(bench).GetName()
    assert overlay(bench).GetAttribute("MedXAI.SpatialWeighting") == "False"
    bench.slide("opacitySlider", 25)
    is_told = bench.state.result.presence.is_told
    assert composite_of(bench.red).GetForegroundOpacity() == pytest.approx(0.25 * (1 if is_told else PALE))
    low = overlay(bench).GetDisplayNode().GetLowerThreshold()
    bench.slide("thresholdSlider", 50)
    display = overlay(bench).GetDisplayNode()
    assert display.GetLowerThreshold() > low
    assert display.GetLowerThreshold() == pytest.approx(
        (display.GetWindowLevelMin() + display.GetWindowLevelMax()) / 2, rel=1e-4
    )
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


def test_side_by_side_fills_four_linked_views_and_goes_back(explained: PanelBench) -> None:
    bench = explained
    before = bench.layout.GetViewArrangement()
    bench.click("sideCheck")
    for name, kind in (
        ("MedXAIStage1", STAGE1.key),
        ("MedXAIStage2", STAGE2.key),
        ("MedXAIStage3", STAGE3.key),
        ("MedXAITerminal", TERMINAL.key),
    ):
        composite = composite_of(bench.scene.GetSingletonNode(name, "vtkMRMLSliceNode"))
        assert composite.GetForegroundVolumeID() == overlay(bench, kind).GetID() and composite.GetLinkedControl()
    bench.slide("layerSlider", 0)
    assert {overlay(bench, f"medxai/stage{n}").GetAttribute("MedXAI.Layer") for n in (1, 2, 3)} == {
        bench.state.result.encoding.layers[0]
    }
    assert "MedXAIStage1" not in [
        bench.ui.viewSelector._real.itemText(i) for i in range(bench.ui.viewSelector._real.count())
    ]
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
    assert {
        "panels.png",
        "explanation.json",
        "saliency_stage1.nrrd",
        "saliency_stage3.nrrd",
        "segmentation.nrrd",
        "report.html",
    } <= {f.name for f in folder.iterdir()}
    assert json.loads((folder / "explanation.json").read_text(encoding="utf-8"))["limits"] == LIMITS_STATEMENT
    report = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert LIMITS_STATEMENT in report and not re.search(r"(src|href)=.https?:", report), (
        "the report does not stand alone"
    )
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


@pytest.mark.skipif(not GRAD_CAM.is_installed, reason="the comparison needs the package grad-cam")
def test_grad_cam_is_offered_for_comparison_and_shown_as_another_method(explained: PanelBench) -> None:
    bench, ui = explained, explained.ui
    stage3 = overlay(bench)
    volumes = bench.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    assert ui.comparisonSelector.enabled
    bench.choose("comparisonSelector", "grad-cam")
    assert composite_of(bench.red).GetForegroundVolumeID() is None, "stage 3 is still drawn under another name"
    assert bench.pump(lambda: bool(bench.state.result.comparisons)), bench.state.message
    bench.settle()
    node = overlay(bench, "grad-cam")
    assert composite_of(bench.red).GetForegroundVolumeID() == node.GetID() and bench.scene.IsNodePresent(stage3)
    assert "Grad-CAM" in node.GetName() and node.GetAttribute("MedXAI.Map").startswith("grad-cam@")
    assert node.GetAttribute("MedXAI.Limits")
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(node)[0],
        bench.state.result.on_slice(bench.state.view.values(bench.state.result)),
    )
    assert "another method" in ui.mapLabel.text and "inside the segmented organ" in ui.figuresLabel.text
    assert ui.layerSlider.enabled and not ui.stage3Button.checked
    names = [ui.volumeSelector._real.itemText(index) for index in range(ui.volumeSelector._real.count())]
    assert names == ["None", "ball"], "the map is offered as a volume"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(bench.scene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(one)) for one in (node, stage3)}
    assert len(folders) == 1
    bench.click("stage3Button")
    assert composite_of(bench.red).GetForegroundVolumeID() == stage3.GetID()
    bench.drag(bench.parameters.region, 6.0)
    assert bench.pump(lambda: bench.state.explained.box.first_column == 22)
    bench.settle()
    assert "grad-cam" not in find_working(bench.parameters.volume, bench.parameters.region).overlays
    assert bench.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == volumes, (
        "the old box's Grad-CAM stayed in the scene"
    )


def test_grad_cam_is_absent_where_it_is_not_installed(bench: PanelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medxai.explainers.base.Package.is_installed", False)
    bench.reload_module()
    bench.start()
    listed = [bench.ui.comparisonSelector.itemData(index) for index in range(bench.ui.comparisonSelector.count)]
    assert "grad-cam" not in listed and "box" in listed, listed
