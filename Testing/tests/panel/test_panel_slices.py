"""The button *Through the slices*: one segment and one volume a map, the alarm marked and said, nothing piled up."""

import numpy as np
import pytest
import slicer

from medxai.limits import LIMITS_SHORT
from medxai.scene.views import composite_of, look_at
from medxai.slice.box import box_of_mask
from medxai.slice.slice_image import slice_of
from stand_ins.panel_bench import PanelBench
from support.tubes import make_tube

START, ALARM = 4, 9


def nodes_of(bench: PanelBench, class_name: str) -> list:
    return [node for node in bench.scene.GetNodesByClass(class_name) if node.GetAttribute("MedXAI.Followed")]


def follow(bench: PanelBench) -> None:
    bench.click("throughButton")
    assert bench.state.is_busy, bench.state
    assert bench.pump(lambda: not bench.state.running), bench.state
    assert bench.state.followed is not None, bench.state.message
    bench.settle()


@pytest.fixture
def ready(bench: PanelBench) -> PanelBench:
    tube = make_tube("end", 3)
    node, image = bench.load(tube.volume), slice_of(tube.volume, "axial", START)
    look_at(bench.red, node, image)
    bench.settle()
    bench.draw(image, box_of_mask(tube.mask[START]))
    bench.settle()
    return bench


@pytest.fixture
def followed(ready: PanelBench) -> PanelBench:
    follow(ready)
    return ready


@pytest.fixture
def shortly_followed(ready: PanelBench) -> PanelBench:
    """Through two slices, in a box that is as deep."""
    region = ready.parameters.region
    region.SetSize(*region.GetSize()[:2], 2 * 3.0)
    ready.settle()
    follow(ready)
    return ready


def index_in_view(bench: PanelBench) -> float:
    to_index = np.linalg.inv(bench.state.followed.result.request.on_slice.volume.ijk_to_ras_mm)
    matrix = bench.red.GetSliceToRAS()
    return (to_index @ [matrix.GetElement(row, 3) for row in range(4)])[2]


def test_one_segment_one_volume_a_map_and_a_mark_on_the_slice_of_the_alarm(followed):
    bench, result = followed, followed.state.followed.result
    (overlay,) = nodes_of(bench, "vtkMRMLScalarVolumeNode")
    (segmentation,) = nodes_of(bench, "vtkMRMLSegmentationNode")
    assert np.array_equal(slicer.util.arrayFromVolume(overlay), result.map_volume(result.map_ids[0]))
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
    (marks,) = nodes_of(bench, "vtkMRMLMarkupsFiducialNode")
    assert marks.GetNthControlPointLabel(0) == f"▲ alarm, slice {ALARM}"
    text = bench.ui.throughLabel.text
    assert f"▲ Slice {ALARM}, upwards: alarm" in text and "does not say that the masks" in text and "ml" in text
    assert bench.ui.throughLabel._real.isVisibleTo(bench.parent._real) and LIMITS_SHORT in bench.ui.limitsLabel.text
    assert bench.parameters.volume is not overlay
    hidden = bench.ui.volumeSelector.sortFilterProxyModel().hiddenNodeIDs
    assert overlay.GetID() in hidden, "a map is no volume to be explained"
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 6)
    bench.settle()
    assert composite_of(bench.red).GetForegroundVolumeID() == overlay.GetID(), "the reader scrolls through the map"
    bench.click("alarmButton")
    assert index_in_view(bench) == pytest.approx(ALARM, abs=0.01)


def test_looks_apply_to_it_and_an_explanation_of_one_slice_takes_its_place(shortly_followed):
    bench = shortly_followed
    (overlay,) = nodes_of(bench, "vtkMRMLScalarVolumeNode")
    (segmentation,) = nodes_of(bench, "vtkMRMLSegmentationNode")
    bench.slide("opacitySlider", 25)
    bench.settle()
    assert composite_of(bench.red).GetForegroundOpacity() == pytest.approx(0.25)
    bench.click("segmentationCheck")
    bench.settle()
    assert not segmentation.GetDisplayNode().GetVisibility()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    shown = bench.scene.GetNodeByID(composite_of(bench.red).GetForegroundVolumeID())
    assert shown is not overlay and shown.GetAttribute("MedXAI.Working")
    follow(bench)
    (overlay,) = nodes_of(bench, "vtkMRMLScalarVolumeNode")
    assert composite_of(bench.red).GetForegroundVolumeID() == overlay.GetID()
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 3)
    bench.settle()
    assert bench.state.live and bench.state.snapshot.image.index != START
    assert composite_of(bench.red).GetForegroundVolumeID() == overlay.GetID(), (
        "live takes the place of what is scrolled"
    )
    bench.click("stage1Button")
    bench.settle()
    shown = bench.scene.GetNodeByID(composite_of(bench.red).GetForegroundVolumeID())
    assert shown.GetAttribute("MedXAI.Working") == "medxai/stage1", "a map that was not followed is that of the slice"


def test_layer_and_percentages_are_those_of_what_the_view_shows(shortly_followed: PanelBench) -> None:
    bench = shortly_followed
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    of_slice, layer = bench.ui.figuresLabel.text, bench.ui.layerLabel.text
    assert bench.ui.layerSlider.enabled and "of 5" in layer
    follow(bench)
    result, one = bench.state.followed.result, bench.state.followed.result.slice(START)
    assert not bench.ui.layerSlider.enabled and bench.ui.layerLabel.text == f"{result.map_ids[0].layer}, all slices"
    assert f"Slice {START}: a mask of {one.area_px * 4 / 100:.1f} cm²" in bench.ui.figuresLabel.text
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 3)
    bench.settle()
    assert f"Slice {START + 1}: " in bench.ui.figuresLabel.text
    bench.scroll(bench.red, bench.red.GetSliceOffset() + 15)
    bench.settle()
    assert "not followed to the slice" in bench.ui.figuresLabel.text
    look_at(bench.red, bench.parameters.volume, slice_of(result.request.on_slice.volume, "axial", START))
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: not bench.state.running), bench.state
    bench.settle()
    assert (bench.ui.figuresLabel.text, bench.ui.layerLabel.text) == (of_slice, layer)


def test_a_window_that_begins_below_0_gives_a_map_no_colours_of_a_signed_one(shortly_followed: PanelBench) -> None:
    bench = shortly_followed
    (overlay,) = nodes_of(bench, "vtkMRMLScalarVolumeNode")
    display = overlay.GetDisplayNode()
    colours = display.GetColorNode()
    display.SetWindowLevelMinMax(-0.1, 0.5)  # as a user does by dragging in Slicer's own way
    bench.slide("opacitySlider", 30)
    bench.settle()
    assert display.GetColorNode() is colours, "blue would say: against the mask"
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == pytest.approx((-0.1, 0.5))


def test_the_volume_takes_the_organs_of_all_its_regions_along(shortly_followed: PanelBench) -> None:
    bench = shortly_followed
    image = bench.state.snapshot.image
    first = bench.parameters.region
    bench.draw(image, bench.state.snapshot.box.box)
    bench.settle()
    assert bench.parameters.region is not first
    bench.parameters.region.SetSize(first.GetSize())
    bench.settle()
    follow(bench)
    assert len(nodes_of(bench, "vtkMRMLSegmentationNode")) == 2
    bench.scene.RemoveNode(bench.parameters.volume)
    bench.settle()
    assert not nodes_of(bench, "vtkMRMLSegmentationNode") and not nodes_of(bench, "vtkMRMLScalarVolumeNode")


def test_again_replaces_it_keep_keeps_it_and_the_volume_takes_it_along(shortly_followed):
    bench = shortly_followed
    count = bench.scene.GetNumberOfNodes()
    follow(bench)
    assert bench.scene.GetNumberOfNodes() == count, "nodes pile up"
    bench.click("keepButton")
    assert not nodes_of(bench, "vtkMRMLScalarVolumeNode")
    follow(bench)
    assert (
        len([node for node in bench.scene.GetNodesByClass("vtkMRMLScalarVolumeNode") if "through" in node.GetName()])
        == 2
    )
    bench.scene.RemoveNode(bench.parameters.volume)
    bench.settle()
    assert bench.state.followed is None and not nodes_of(bench, "vtkMRMLSegmentationNode")
    assert not nodes_of(bench, "vtkMRMLMarkupsFiducialNode") and bench.ui.throughLabel.text == ""


def test_cancelled_in_the_middle_the_slices_that_are_done_are_shown(ready):
    bench = ready
    bench.click("throughButton")
    assert bench.pump(lambda: bench.state.running is not None and bench.state.running.done >= 2), bench.state
    assert "Slice" in bench.ui.statusLabel.text and "left" in bench.ui.statusLabel.text
    bench.click("cancelButton")
    assert not bench.state.is_busy and "stay" in bench.ui.statusLabel.text
    bench.settle()
    (overlay,) = nodes_of(bench, "vtkMRMLScalarVolumeNode")
    kept = bench.state.followed.result
    assert 2 <= len(kept.slices) < 10
    assert np.array_equal(slicer.util.arrayFromVolume(overlay), kept.map_volume(kept.map_ids[0]))


def test_a_deep_box_is_the_range_and_an_oblique_view_has_none(ready):
    bench = ready
    region = bench.parameters.region
    width, height, _ = region.GetSize()
    region.SetSize(width, height, 3 * 3.0)
    bench.settle()
    assert bench.state.snapshot.slices == (START - 1, START + 1)
    assert f"slices {START - 1} to {START + 1}" in bench.ui.throughButton.toolTip
    from medxai.scene.geometry import array_of, matrix_of

    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    bench.red.GetSliceToRAS().DeepCopy(matrix_of(array_of(bench.red.GetSliceToRAS()) @ turn))
    bench.red.UpdateMatrices()
    bench.settle()
    assert not bench.ui.throughButton.enabled and "oblique" in bench.ui.throughButton.toolTip
