"""The panel's list of boxes: several organs explained in one go, one segmentation with a segment each, one table."""

from pathlib import Path

import pytest
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from medxai.organ_codes import organ_named
from medxai.scene.working_result import find_working
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from stand_ins.panel_bench import PanelBench
from support.panel import ball_volume
from support.panel_scene import BOX

SECOND, THIRD = PixelBox(8, 30, 28, 50), PixelBox(40, 40, 58, 56)


def draw(bench: PanelBench, box: PixelBox) -> "slicer.vtkMRMLMarkupsROINode":
    region = bench.draw(slice_of(ball_volume(), "axial", 6), box)
    bench.settle()
    return region


def explain(bench: PanelBench) -> None:
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None and not bench.state.running), bench.state
    bench.settle()


def organ_nodes(bench: PanelBench, class_name: str) -> list:
    return [node for node in bench.scene.GetNodesByClass(class_name) if node.GetAttribute("MedXAI.WorkingOrgans")]


def names(segmentation: "slicer.vtkMRMLSegmentationNode") -> list[str]:
    held = segmentation.GetSegmentation()
    return [held.GetNthSegment(number).GetName() for number in range(held.GetNumberOfSegments())]


def is_seen(bench: PanelBench, name: str) -> bool:
    return getattr(bench.ui, name)._real.isVisibleTo(bench.parent._real)


@pytest.fixture
def two(ready: PanelBench) -> PanelBench:
    """Two boxes, the second one is chosen; the first one is around the liver."""
    draw(ready, SECOND)
    ready.choose("organ1Selector", "liver")
    ready.settle()
    return ready


@pytest.fixture
def together(two: PanelBench) -> PanelBench:
    explain(two)
    return two


def test_one_box_leaves_the_list_folded_and_a_second_one_unfolds_it(ready: PanelBench) -> None:
    bench = ready
    assert bench.ui.organsSection.collapsed and "one box" in bench.ui.organsSection.text
    region = draw(bench, SECOND)
    assert not bench.ui.organsSection.collapsed and "2 boxes, explained together" in bench.ui.organsSection.text
    assert bench.ui.organ2Name.text.startswith("● "), "which one is chosen"
    assert is_seen(bench, "organ2Check") and not is_seen(bench, "organ3Check")
    bench.scene.RemoveNode(region)
    bench.settle()
    assert bench.ui.organsSection.collapsed


def test_one_segmentation_with_a_segment_each_and_one_table(together: PanelBench) -> None:
    bench, liver = together, organ_named("liver")
    (segmentation,) = organ_nodes(bench, "vtkMRMLSegmentationNode")
    assert names(segmentation) == ["liver", "ball region_1"]
    segment, entry = segmentation.GetSegmentation().GetNthSegment(0), vtk.reference("")
    segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    assert str(entry) == liver.terminology_entry
    assert [round(255 * part) for part in segment.GetColor()] == list(liver.colour)
    (table,) = organ_nodes(bench, "vtkMRMLTableNode")
    assert table.GetNumberOfRows() == 2 and "not that the model is right" in table.GetDescription()
    own = find_working(bench.parameters.volume, bench.parameters.region).segmentation
    assert segmentation.GetDisplayNode().GetVisibility() and not own.GetDisplayNode().GetVisibility()
    assert "liver" in bench.ui.organsLabel.text and "cm²" in bench.ui.organsLabel.text
    assert "2 marked boxes" in bench.ui.explainButton.toolTip


def test_again_replaces_them_keep_keeps_them_and_the_volume_takes_them_along(together: PanelBench) -> None:
    bench = together
    count = bench.scene.GetNumberOfNodes()
    explain(bench)
    assert bench.scene.GetNumberOfNodes() == count, "nodes pile up"
    bench.click("keepButton")
    assert not organ_nodes(bench, "vtkMRMLTableNode")
    explain(bench)
    assert len(organ_nodes(bench, "vtkMRMLSegmentationNode")) == 1
    bench.scene.RemoveNode(bench.parameters.volume)
    bench.settle()
    assert not organ_nodes(bench, "vtkMRMLSegmentationNode") and not organ_nodes(bench, "vtkMRMLTableNode")
    assert bench.state.organs is None and bench.ui.organsLabel.text == ""


def test_a_box_without_its_mark_and_one_of_another_module_are_left_out(two: PanelBench) -> None:
    bench = two
    from medxai.scene.regions import roi_of_box

    image = slice_of(ball_volume(), "axial", 6)
    roi_of_box(bench.scene, "Crop Volume ROI", THIRD, image, bench.parameters.volume)
    bench.settle()
    assert not bench.ui.organ3Check.checked and "2 of 3 boxes" in bench.ui.organsSection.text
    bench.click("organ1Check")
    explain(bench)
    assert bench.state.organs is None and not organ_nodes(bench, "vtkMRMLSegmentationNode")
    bench.click("organ3Check")
    explain(bench)
    (segmentation,) = organ_nodes(bench, "vtkMRMLSegmentationNode")
    assert names(segmentation) == ["ball region_1", "Crop Volume ROI"]


def test_a_hidden_box_is_not_explained_with_the_others(two: PanelBench) -> None:
    bench = two
    first = next(region for region in bench.panel._access.regions() if region is not bench.parameters.region)
    first.SetDisplayVisibility(False)
    bench.settle()
    assert [box.name for box in bench.state.snapshot.boxes] == ["ball region_1"], "the list notices it at once"
    explain(bench)
    assert bench.state.organs is None
    first.SetDisplayVisibility(True)
    bench.settle()
    assert len(bench.state.snapshot.boxes) == 2


def test_an_organ_names_its_region_unless_the_user_did(two: PanelBench) -> None:
    bench = two
    first = next(region for region in bench.panel._access.regions() if region is not bench.parameters.region)
    assert first.GetName() == "liver"
    first.SetName("segment VII")
    bench.settle()
    bench.choose("organ1Selector", "spleen")
    bench.settle()
    assert first.GetName() == "segment VII" and bench.state.snapshot.boxes[0].organ == organ_named("spleen")
    bench.choose("organ2Selector", "spleen")
    bench.settle()
    assert bench.parameters.region.GetName() == "spleen" and bench.state.snapshot.organ == organ_named("spleen")
    bench.choose("organ2Selector", "")
    bench.settle()
    assert bench.parameters.region.GetName().startswith("ball region") and not bench.state.snapshot.organ.side


def test_the_shown_organs_segment_gives_way_to_its_contour_check(together: PanelBench) -> None:
    bench = together
    (segmentation,) = organ_nodes(bench, "vtkMRMLSegmentationNode")
    display, held = segmentation.GetDisplayNode(), segmentation.GetSegmentation()
    bench.click("contourButton")
    bench.settle()
    shown = [display.GetSegmentVisibility(held.GetNthSegmentID(number)) for number in range(2)]
    assert display.GetVisibility() and shown == [True, False]
    bench.click("stage3Button")
    bench.click("segmentationCheck")
    bench.settle()
    assert not display.GetVisibility()


def test_more_boxes_than_rows_are_explained_all_the_same(ready: PanelBench) -> None:
    bench = ready
    for step in range(8):
        draw(bench, PixelBox(BOX.first_column - step - 1, BOX.first_row, BOX.last_column, BOX.last_row))
    assert is_seen(bench, "organ8Selector") and "9 boxes" in bench.ui.organsSection.text
    explain(bench)
    (segmentation,) = organ_nodes(bench, "vtkMRMLSegmentationNode")
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 9
    assert "share" in bench.ui.organsLabel.text, "masks that overlap are said"


def test_a_loaded_scenes_organs_are_shown_and_written_over_by_the_next_run(
    together: PanelBench, tmp_path: Path
) -> None:
    bench = together
    from medxai.scene.headless import load_scene_bundle, save_scene_bundle

    masks = [one.explanation.segmentation.mask for one in bench.state.organs.organs]
    save_scene_bundle(bench.scene, tmp_path / "saved.mrb")
    bench.scene.Clear(False)
    bench.settle()
    load_scene_bundle(bench.scene, tmp_path / "saved.mrb")
    bench.settle()
    (segmentation,) = organ_nodes(bench, "vtkMRMLSegmentationNode")
    assert names(segmentation) == ["liver", "ball region_1"] and segmentation.GetDisplayNode().GetVisibility()
    assert bench.state.snapshot.boxes[0].organ.name == "liver", "which organ a box is around"
    segmentation.GetSegmentation().GetNthSegment(1).SetLabelValue(
        2
    )  # as where segments without overlap share a labelmap
    explain(bench)
    (again,) = organ_nodes(bench, "vtkMRMLSegmentationNode")
    assert again is segmentation and len(organ_nodes(bench, "vtkMRMLTableNode")) == 1
    for number, mask in enumerate(masks):
        segment = segmentation.GetSegmentation().GetNthSegment(number)
        voxels = vtk_to_numpy(segment.GetRepresentation("Binary labelmap").GetPointData().GetScalars())
        assert (voxels == segment.GetLabelValue()).sum() == mask.sum()
