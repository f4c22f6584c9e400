"""What an explanation leaves in a scene: named, linked, in view, and the same after saving and loading."""

from dataclasses import replace

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs the package slicer-core")

import vtk

from medxai.display_range import PALE
from medxai.engine import Engine
from medxai.errors import Cancelled, InputError
from medxai.limits import LIMITS_STATEMENT
from medxai.maps import INTERACTION, TERMINAL, stage_map
from medxai.progress import RunControl
from medxai.results import Presence
from medxai.scene import views
from medxai.scene.bundle import add_volume
from medxai.scene.colour_maps import colour_node_of
from medxai.scene.explaining import NodeRequest, explain_nodes
from medxai.scene.headless import load_scene_bundle, picture_of_view, save_scene_bundle
from medxai.scene.regions import roi_of_box
from medxai.scene.results import remove_result, show_result
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from medxai.volume.volume import make_volume
from support.models import small_model

BOX = PixelBox(8, 6, 24, 20)


@pytest.fixture(scope="module")
def explain():
    """What the console does with nodes, by one engine and a small model in memory."""
    engine, model = Engine(), small_model()

    def run(volume_node, roi_node, slice_node=None, control=RunControl(), **options):
        return explain_nodes(engine, NodeRequest(volume_node, roi_node, slice_node, model, **options), control)

    return run


@pytest.fixture
def key(scene):
    """A volume, a region on its slice 4, and the Red view turned onto it."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(-200, 300, (8, 30, 40)).astype(np.int16)
    volume = make_volume("CT abdomen", voxels, np.diag([-2.0, -2.0, 5.0, 1.0]), "CT")
    node = add_volume(scene, volume)
    image = slice_of(volume, "axial", 4)
    roi = roi_of_box(scene, "R", BOX, image, node)
    views.look_at(views.slice_view(scene, "Red"), node, image)
    return node, roi


def nodes_of(scene):
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return sorted(
        (node.GetClassName(), node.GetName())
        for node in nodes
        if node.GetSaveWithScene() and not node.GetHideFromEditors()
    )


def test_the_result_stands_in_the_scene_as_a_reader_expects(scene, key, explain):
    node, roi = key
    before = slicer.util.arrayFromVolume(node).copy()
    done = explain(node, roi)
    assert done.explanation.box.box == BOX
    assert done.stage_node(2).GetName() == "CT abdomen · MedXAI Stage 2 · block 3"
    assert set(done.overlays) == {
        stage_map(1, "block 3"),
        stage_map(2, "block 3"),
        stage_map(3, "block 3"),
        INTERACTION.at(),
        TERMINAL.at(),
    }
    for overlay in done.overlays.values():
        assert slicer.util.arrayFromVolume(overlay).shape == (1, 30, 40)
        assert slicer.util.arrayFromVolume(overlay).dtype == np.float32
        assert overlay.GetNodeReference("MedXAI.source") is node
        assert overlay.GetAttribute("MedXAI.Limits") == LIMITS_STATEMENT
        assert overlay.GetAttribute("MedXAI.BoxIjk") == "i 8 to 24, j 6 to 20"
        assert overlay.GetAttribute("MedXAI.ModelSha256") == "seed-0"
        display = overlay.GetDisplayNode()
        assert display.GetColorNode() is done.colour_node
        assert not display.GetAutoWindowLevel()
        assert display.GetApplyThreshold()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), before)
    composite = views.composite_of(views.slice_view(scene, "Red"))
    assert composite.GetBackgroundVolumeID() == node.GetID()
    assert composite.GetForegroundVolumeID() == done.stage_node(3).GetID()
    assert composite.GetForegroundOpacity() > 0
    assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(done.stage_node(3)) is not None
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    for member in [*done.overlays.values(), done.segmentation_node, roi]:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(member)) == done.folder_item


def test_raw_values_are_kept(scene, key, explain):
    done = explain(*key)
    result = done.explanation
    expected = result.on_slice(result.explanation.layer("block 3").stages[1])
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(done.stage_node(1))[0], expected)
    assert expected.min() < 0


def test_the_segment_is_the_mask(scene, key, explain):
    done = explain(*key)
    segmentation = done.segmentation_node.GetSegmentation()
    labelmap = slicer.vtkOrientedImageData()
    done.segmentation_node.GetBinaryLabelmapRepresentation(segmentation.GetNthSegmentID(0), labelmap)
    from vtk.util.numpy_support import vtk_to_numpy

    shape = tuple(reversed(labelmap.GetDimensions()))
    stored = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(shape)
    assert stored.sum() == done.explanation.segmentation.mask.sum() > 0


def test_layers_can_be_chosen(scene, key, explain):
    done = explain(*key, layers=("block 1", "neck"))
    assert stage_map(1, "block 1") in done.overlays
    assert done.stage_node(3).GetAttribute("MedXAI.Layer") == "block 1"


def test_a_saved_scene_comes_back_the_same(scene, key, explain, tmp_path):
    node, roi = key
    done = explain(node, roi)
    names, values = (
        nodes_of(scene),
        {n.GetName(): slicer.util.arrayFromVolume(n).copy() for n in done.overlays.values()},
    )
    shown = {
        n.GetName(): (
            n.GetDisplayNode().GetWindowLevelMin(),
            n.GetDisplayNode().GetWindowLevelMax(),
            n.GetDisplayNode().GetLowerThreshold(),
        )
        for n in done.overlays.values()
    }
    attributes = {key: done.stage_node(1).GetAttribute(key) for key in done.stage_node(1).GetAttributeNames()}
    picture = picture_of_view(scene, "Red")
    foreground = done.stage_node(3).GetName()
    save_scene_bundle(scene, tmp_path / "s.mrb")
    scene.Clear(False)
    load_scene_bundle(scene, tmp_path / "s.mrb")
    # A file keeps what the nodes are stored with as well.
    assert [n for n in nodes_of(scene) if "Storage" not in n[0]] == [n for n in names if "Storage" not in n[0]]
    for name, expected in values.items():
        again = scene.GetFirstNodeByName(name)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(again), expected)
        assert again.GetNodeReference("MedXAI.source").GetName() == "CT abdomen"
        display = again.GetDisplayNode()
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax(), display.GetLowerThreshold()) == pytest.approx(
            shown[name], rel=1e-5, abs=1e-6
        )  # written as text
        assert display.GetColorNode().GetName() == "MedXAI inferno"
    stage1 = scene.GetFirstNodeByName("CT abdomen · MedXAI Stage 1 · block 3")
    assert {key: stage1.GetAttribute(key) for key in attributes} == attributes
    composite = views.composite_of(views.slice_view(scene, "Red"))
    assert scene.GetNodeByID(composite.GetForegroundVolumeID()).GetName() == foreground
    # The threshold is written as text: a pixel of a million that lies on it may go either way.
    differs = (np.abs(picture_of_view(scene, "Red").astype(int) - picture.astype(int)) > 2).any(-1)
    assert differs.sum() <= 4
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(stage1))
    assert hierarchy.GetItemName(folder).startswith("MedXAI · CT abdomen · axial slice 4")


def test_the_overlay_is_really_seen(scene, key, explain):
    node, roi = key
    red = views.slice_view(scene, "Red")
    views.show_overlay(red, node, None)
    plain = picture_of_view(scene, "Red")
    assert np.ptp(plain[..., :3], axis=-1).max() == 0
    explain(node, roi)
    seen = picture_of_view(scene, "Red")
    coloured = np.ptp(seen[..., :3].astype(int), axis=-1) > 40
    assert 0.02 < coloured.mean() < 0.9


def test_a_scene_is_read_with_the_colour_table_there_before_the_legend_that_needs_it(scene, key, explain, tmp_path):
    """Slicer's legend manager looks at a legend when it is added: without the table VTK prints an error in the log."""
    node, roi = key
    shown = explain(node, roi).stage_node(3).GetDisplayNode()
    shown.SetAndObserveColorNodeID(colour_node_of(scene, "viridis").GetID())  # chosen after the legend was made
    save_scene_bundle(scene, tmp_path / "s.mrb")
    scene.Clear(False)
    found = []

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def added(_scene, _event, legend):
        if legend.IsA("vtkMRMLColorLegendDisplayNode") and legend.GetVisibility():
            found.append(legend.GetPrimaryDisplayNode().GetColorNode())

    observer = scene.AddObserver(scene.NodeAddedEvent, added)
    load_scene_bundle(scene, tmp_path / "s.mrb")
    scene.RemoveObserver(observer)
    assert [table and table.GetName() for table in found] == ["MedXAI viridis"]
    assert found[0].GetLookupTable() is not None


def test_a_result_can_be_taken_out_again(scene, key, explain):
    node, roi = key
    explain(node, roi)
    count = (
        scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"),
        scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"),
    )
    again = explain(node, roi)
    remove_result(again)
    assert (
        scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"),
        scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"),
    ) == count
    assert scene.IsNodePresent(roi)


def refused(scene, match, explain, volume_node, roi_node, **more):
    before = nodes_of(scene)
    with pytest.raises(InputError, match=match):
        explain(volume_node, roi_node, **more)
    assert nodes_of(scene) == before


def test_unusable_nodes_are_refused_and_the_scene_stays_as_it_was(scene, key, explain):
    node, roi = key
    refused(scene, "No volume", explain, None, roi)
    refused(scene, "No region", explain, node, None)
    label = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "L")
    slicer.util.updateVolumeFromArray(label, np.ones((3, 4, 5), np.int16))
    refused(scene, "label map", explain, label, roi)
    colour = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "C")
    slicer.util.updateVolumeFromArray(colour, np.ones((3, 4, 5, 3), np.uint8))
    refused(scene, "not a scalar volume", explain, colour, roi)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "E")
    refused(scene, "no voxels", explain, empty, roi)
    unplaced = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "U")
    refused(scene, "not placed", explain, node, unplaced)
    views.slice_view(scene, "Red").SetSliceOffset(5)
    refused(scene, "does not reach the slice", explain, node, roi)
    views.slice_view(scene, "Red").SetSliceOffset(20)
    nan = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "N")
    slicer.util.updateVolumeFromArray(nan, np.full((3, 4, 5), np.nan))
    refused(scene, "NaN", explain, nan, roi)


def test_a_volume_under_a_warp_is_refused(scene, key, explain):
    node, roi = key
    warp = scene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for n, point in enumerate(((0, 0, 0), (60, 0, 0), (0, 60, 0), (0, 0, 60), (50, 50, 50))):
        source.InsertNextPoint(point)
        target.InsertNextPoint(np.add(point, n))
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    spline.SetBasisToR()
    warp.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(warp.GetID())
    refused(scene, "non-linear transform 'warp'", explain, node, roi)
    node.SetAndObserveTransformNodeID(None)
    roi.SetAndObserveTransformNodeID(warp.GetID())
    refused(scene, "non-linear transform 'warp'", explain, node, roi)


def test_cancelling_leaves_the_scene_as_it_was(scene, key, explain):
    before = nodes_of(scene)
    with pytest.raises(Cancelled):
        explain(*key, control=RunControl(is_cancelled=lambda: True))
    assert nodes_of(scene) == before


@pytest.mark.parametrize(("score", "share"), [(2.0, 1.0), (0.5, PALE)])
def test_a_map_that_is_not_told_from_a_box_over_nothing_is_drawn_pale(scene, key, explain, score, share, tmp_path):
    node, roi = key
    result = replace(explain(node, roi).explanation, presence=Presence(score, 1.0))
    done = show_result(result, node, roi)
    composite = views.composite_of(views.slice_view(scene, "Red"))
    assert composite.GetForegroundVolumeID() == done.stage_node(3).GetID()
    assert composite.GetForegroundOpacity() == pytest.approx(views.OVERLAY_OPACITY * share)
    save_scene_bundle(scene, tmp_path / "scene.mrb")
    load_scene_bundle(scene, tmp_path / "scene.mrb")
    red = views.slice_view(scene, "Red")
    overlay = scene.GetNodeByID(views.composite_of(red).GetForegroundVolumeID())
    views.show_overlay(red, overlay.GetNodeReference("MedXAI.source"), overlay, 0.5)  # as the panel does on opening it
    assert views.composite_of(red).GetForegroundOpacity() == pytest.approx(0.5 * share)
