"""An organ through the slices in the scene: one segment, one volume a map, on the volume's grid, the volume untouched."""

import numpy as np
import pytest
import slicer

from medxai.errors import InputError
from medxai.maps import MEDXAI, MapId
from medxai.slice.box import box_of_mask
from medxai.slice.slice_image import slice_of
from support.answered import DEMO
from support.tubes import make_tube

pytest.importorskip("vtk", reason="needs the package slicer-core")


@pytest.fixture
def placed(scene):
    from medxai.scene import views
    from medxai.scene.bundle import add_volume
    from medxai.scene.regions import roi_of_box

    tube = make_tube("end", 2)
    node, image = add_volume(scene, tube.volume), slice_of(tube.volume, "axial", 7)
    views.look_at(views.slice_view(scene, "Red"), node, image)
    return tube, node, roi_of_box(scene, "R", box_of_mask(tube.mask[7]), image, node)


def asked(node, roi, **options):
    from medxai.scene.explaining import NodeRequest
    from medxai.scene.through_slices import VolumeNodeRequest

    return VolumeNodeRequest(NodeRequest(node, roi, model=DEMO, modality="CT"), **options)


def test_one_segment_and_one_volume_a_map_on_the_sources_grid(placed, scene):
    from medxai.engine import Engine
    from medxai.scene.through_slices import explain_volume_nodes

    _, node, roi = placed
    before = slicer.util.arrayFromVolume(node).copy()
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    maps = (MapId(MEDXAI, "stage3"), MapId(MEDXAI, "terminal"))
    done = explain_volume_nodes(Engine(), asked(node, roi, slices=(5, 11), maps=maps))
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == count + 2
    assert done.segmentation_node.GetSegmentation().GetNumberOfSegments() == 1
    for map_id, overlay in done.overlays.items():
        assert np.array_equal(slicer.util.arrayFromVolume(overlay), done.result.map_volume(map_id))
        assert "not that the model is right" in overlay.GetAttribute("MedXAI.Limits")
        assert "alarm" in overlay.GetAttribute("MedXAI.Stops")
    segment = done.segmentation_node.GetSegmentation().GetNthSegment(0)
    labelmap = segment.GetRepresentation("Binary labelmap")
    assert labelmap.GetDimensions() == node.GetImageData().GetDimensions()
    assert np.array_equal(slicer.util.arrayFromVolume(node), before)
    assert [stop.index for stop in done.result.alarms] == [9]
    assert done.marks_node.GetNumberOfControlPoints() == 1
    place = np.zeros(3)
    done.marks_node.GetNthControlPointPositionWorld(0, place)
    to_index = np.linalg.inv(done.result.request.on_slice.volume.ijk_to_ras_mm)
    assert (to_index @ [*place, 1])[2] == pytest.approx(9)
    assert done.marks_node.GetNthControlPointDescription(0) == done.result.alarms[0].sentence


def test_the_rois_own_extent_is_the_range(placed):
    from medxai.scene.through_slices import volume_request_of

    _, node, roi = placed
    assert list(volume_request_of(asked(node, roi, slices="roi")).range) == [7]
    size = np.array(roi.GetSize())
    roi.SetSize(size[0], size[1], 5 * 3.0)
    assert list(volume_request_of(asked(node, roi, slices="roi")).range) == [5, 6, 7, 8, 9]
    roi.SetSize(size[0], size[1], 1000.0)
    assert list(volume_request_of(asked(node, roi, slices="roi")).range) == list(range(16))
    assert len(volume_request_of(asked(node, roi)).range) == 16


def test_a_view_across_the_voxels_is_refused(placed, scene):
    from medxai.scene import views
    from medxai.scene.geometry import array_of, matrix_of
    from medxai.scene.through_slices import volume_request_of

    _, node, roi = placed
    view = views.slice_view(scene, "Red")
    turned = array_of(view.GetSliceToRAS())
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    view.GetSliceToRAS().DeepCopy(matrix_of(turned @ turn))
    view.UpdateMatrices()
    with pytest.raises(InputError, match="oblique"):
        volume_request_of(asked(node, roi))


def test_several_organs_are_segments_of_one_segmentation_and_each_has_its_maps(placed, scene):
    from medxai.engine import Engine
    from medxai.scene.regions import choose_organ_of_roi, roi_of_box
    from medxai.scene.through_slices import explain_organ_volume_nodes
    from medxai.slice.box import grown_box

    tube, node, roi = placed
    image = slice_of(tube.volume, "axial", 7)
    larger = roi_of_box(scene, "liver", grown_box(box_of_mask(tube.mask[7]), image.shape), image, node)
    choose_organ_of_roi(roi, "aorta")
    done = explain_organ_volume_nodes(Engine(), asked(node, None, slices=(6, 9)), [roi, larger])
    assert [one.organ.name for one in done.organs] == ["aorta", "liver"]
    segmentation = done.segmentation_node.GetSegmentation()
    assert [segmentation.GetNthSegment(n).GetName() for n in range(2)] == ["aorta", "liver"]
    for one in done.organs:
        ((map_id, overlay),) = done.overlays[one.organ.name].items()
        assert overlay.GetName().endswith(f"· {one.organ.name}")
        assert np.array_equal(slicer.util.arrayFromVolume(overlay), one.result.map_volume(map_id))
    assert "aorta and liver share" in done.segmentation_node.GetAttribute("MedXAI.Overlaps")
    labels = [done.marks_node.GetNthControlPointLabel(n) for n in range(done.marks_node.GetNumberOfControlPoints())]
    assert labels[0] == "▲ aorta: alarm, slice 9"
    before = scene.GetNumberOfNodes()
    for regions, sentence in (([], "no region"), ([roi, None], "No region is chosen")):
        with pytest.raises(InputError, match=sentence):
            explain_organ_volume_nodes(Engine(), asked(node, None), regions)
    assert scene.GetNumberOfNodes() == before
