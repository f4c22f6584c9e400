"""The contour check in the open panel: the first map that is offered, drawn in its kinds, live, with a legend."""

import re
from pathlib import Path

import numpy as np
import pytest
import slicer
from PIL import Image, ImageChops

from medxai.contour.look import LOOKS
from medxai.contour.result import ContourKind
from medxai.maps import STAGE3
from medxai.scene.contours import KIND_ATTRIBUTE
from medxai.scene.headless import load_scene_bundle, save_scene_bundle
from medxai.scene.nodes import nodes_of_class
from medxai.scene.views import composite_of
from medxai.scene.working_result import WorkingResult, find_working
from stand_ins.panel_bench import PanelBench
from support.panel_scene import overlay


@pytest.fixture
def checked(explained: PanelBench) -> PanelBench:
    """With the contour check looked at, both halves of it there."""
    explained.click("contourButton")
    assert explained.pump(lambda: explained.state.result.contour.follows_box is not None), explained.state.message
    explained.settle()
    return explained


def found(bench: PanelBench) -> WorkingResult:
    return find_working(bench.parameters.volume, bench.parameters.region)


def models(bench: PanelBench) -> list:
    """Those of outlines; slice views have models of their own."""
    nodes = nodes_of_class(bench.scene, "vtkMRMLModelNode")
    return [node for node in nodes if node.GetAttribute(KIND_ATTRIBUTE)]


def drawn_mm(node: "slicer.vtkMRMLModelNode") -> float:
    """The length of the line on the slice, of half the ribbon's points."""
    data = node.GetPolyData()
    total = 0.0
    for index in range(data.GetNumberOfCells()):
        points = np.array([data.GetPoint(data.GetCell(index).GetPointId(n)) for n in range(4)])
        total += float(np.linalg.norm((points[2] + points[3] - points[0] - points[1]) / 2))
    return total


def test_it_is_the_first_map_that_is_offered(explained: PanelBench) -> None:
    from MedXAILib.panel.map_list import MAP_BUTTONS

    assert next(iter(MAP_BUTTONS.values())) == "contourButton"
    assert explained.ui.contourButton.enabled and not models(explained), "nothing is drawn before it is asked for"


def test_every_kind_is_drawn_as_long_as_its_share_and_nothing_over_it(checked: PanelBench) -> None:
    bench, check = checked, checked.state.result.contour
    nodes = found(bench).contour
    assert set(nodes) == set(ContourKind) and len(models(bench)) == 3
    for kind, node in nodes.items():
        share = 1.0 if not LOOKS[kind].dash else LOOKS[kind].dash[0] / sum(LOOKS[kind].dash)
        whole = check.share[kind] * check.length_mm.sum()
        assert share * whole * 0.8 - 3 <= drawn_mm(node) <= whole + 6, kind
        assert node.GetDisplayNode().GetVisibility() and node.GetNodeReferenceID("MedXAI.region")
    assert composite_of(bench.red).GetForegroundVolumeID() is None
    assert not found(bench).segmentation.GetDisplayNode().GetVisibility(), "the outline in one line lies over its kinds"
    bench.click("overlayCheck")
    assert not any(node.GetDisplayNode().GetVisibility() for node in nodes.values())
    assert found(bench).segmentation.GetDisplayNode().GetVisibility()
    bench.click("overlayCheck")
    bench.click("stage3Button")
    assert not any(node.GetDisplayNode().GetVisibility() for node in nodes.values())
    assert composite_of(bench.red).GetForegroundVolumeID() == overlay(bench, STAGE3.key).GetID()
    assert found(bench).segmentation.GetDisplayNode().GetVisibility() and not bench.ui.contourLabel.visible


def test_the_legend_has_three_lines_and_says_how_far_soft_ones_move(checked: PanelBench) -> None:
    bench, check = checked, checked.state.result.contour
    text = bench.ui.contourLabel.text
    pictures = re.findall(r'<img src="([^"]+)"', text)
    assert len(set(pictures)) == 3 and all(Path(picture).is_file() for picture in pictures)
    for kind in (kind for kind in ContourKind if check.share[kind]):
        assert f"{100 * check.share[kind]:.0f} %" in text
    if check.share[ContourKind.SOFT]:
        assert f"{check.median_tolerance(ContourKind.SOFT):.1f} mm" in text
    assert "tried with" in bench.ui.figuresLabel.text and "AUROC" in bench.ui.figuresLabel.text
    assert "Grey values from black to white" in bench.ui.figuresLabel.text
    assert not bench.ui.opacitySlider.visible and not bench.ui.layerSlider.visible, "they do nothing here"
    bench.click("stage3Button")
    assert bench.ui.opacitySlider.visible and bench.ui.layerSlider.visible


def test_the_slice_view_has_a_legend_of_the_kinds_while_the_outline_is_there(checked: PanelBench) -> None:
    bench = checked
    first = found(bench).contour[ContourKind.FIRM]
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(first)
    assert legend.GetVisibility() and legend.GetUseColorNamesForLabels() and "Contour check" in legend.GetTitleText()
    assert legend.IsDisplayableInView(bench.red.GetID()) and not legend.IsDisplayableInView("vtkMRMLSliceNodeGreen")
    table, colour = first.GetDisplayNode().GetColorNode(), [0.0] * 4
    assert [table.GetColorName(index) for index in range(table.GetNumberOfColors())] == [
        LOOKS[kind].title for kind in ContourKind
    ]
    table.GetColor(1, colour)
    assert colour[:3] == pytest.approx(LOOKS[ContourKind.SOFT].rgb)
    legend.RemoveAllViewNodeIDs()
    legend.AddViewNodeID("vtkMRMLSliceNodeGreen")  # as after another view was explained
    bench.click("legendCheck")
    assert not legend.GetVisibility() and legend.IsDisplayableInView(bench.red.GetID())
    bench.click("legendCheck")
    bench.click("stage3Button")
    assert not legend.GetVisibility()


def test_the_pictures_of_the_lines_are_those_of_the_looks() -> None:
    import screenshots

    for kind in ContourKind:
        with Image.open(screenshots.RESOURCES / "Icons" / f"contour_{kind.name.lower()}.png") as kept:
            assert ImageChops.difference(kept.convert("RGB"), screenshots.line_picture(kind)).getbbox() is None, kind


def test_it_follows_the_box_while_it_is_dragged_with_the_tolerance_alone(checked: PanelBench) -> None:
    bench = checked
    nodes = found(bench).contour
    before = {kind: node.GetPolyData() for kind, node in nodes.items()}
    box = bench.state.explained.box
    bench.drag(bench.parameters.region, 6.0)
    assert bench.pump(lambda: bench.state.explained.box != box)
    assert bench.state.result.contour.follows_box is None
    assert nodes[ContourKind.FOLLOWS_BOX].GetPolyData().GetNumberOfCells() == 0
    assert nodes[ContourKind.SOFT].GetPolyData() is not before[ContourKind.SOFT]
    assert "when the box rests" in bench.ui.contourLabel.text
    assert bench.pump(lambda: bench.state.result.contour.follows_box is not None)
    bench.settle()
    assert "when the box rests" not in bench.ui.contourLabel.text
    assert found(bench).contour == nodes and len(models(bench)) == 3, "each update made new models"


def test_it_is_there_again_after_saving_and_loading(checked: PanelBench, tmp_path: Path) -> None:
    bench = checked
    cells = {kind: node.GetPolyData().GetNumberOfCells() for kind, node in found(bench).contour.items()}
    save_scene_bundle(bench.scene, tmp_path / "scene.mrb")
    bench.scene.Clear(False)
    bench.settle()
    load_scene_bundle(bench.scene, tmp_path / "scene.mrb")
    bench.settle()
    nodes = found(bench).contour
    assert {kind: node.GetPolyData().GetNumberOfCells() for kind, node in nodes.items()} == cells
    assert bench.ui.contourButton.text.startswith("●") and "saved scene" in bench.ui.statusLabel.text
    bench.click("stage3Button")
    assert not any(node.GetDisplayNode().GetVisibility() for node in nodes.values())
    bench.click("contourButton")
    assert all(node.GetDisplayNode().GetVisibility() for node in nodes.values())
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None)
    bench.settle()
    assert len(models(bench)) == 3


def test_a_deleted_part_is_missed_until_explain_and_goes_with_its_volume(checked: PanelBench) -> None:
    bench = checked
    bench.scene.RemoveNode(found(bench).contour[ContourKind.SOFT])
    bench.settle()
    assert "deleted from the scene" in bench.ui.statusLabel.text
    bench.click("stage3Button")
    bench.click("contourButton")
    assert len(models(bench)) == 2, "what the user deleted came back unasked"
    bench.click("explainButton")
    assert bench.pump(lambda: len(models(bench)) == 3)
    bench.settle()
    bench.scene.RemoveNode(bench.parameters.volume)
    bench.settle()
    assert not models(bench)


def test_a_kept_outline_stays_and_does_not_lie_over_the_next(checked: PanelBench) -> None:
    bench = checked
    kept = list(found(bench).contour.values())
    bench.click("keepButton")
    bench.drag(bench.parameters.region, 6.0)
    bench.click("explainButton")
    assert bench.pump(lambda: len(models(bench)) == 6)
    bench.settle()
    assert all("kept" in node.GetName() for node in kept)
    assert not any(node.GetDisplayNode().GetVisibility() for node in kept)
    assert all(node.GetDisplayNode().GetVisibility() for node in found(bench).contour.values())
