"""Several ROIs in the scene: one segmentation, one table, and each organ's maps under its name."""

import numpy as np
import pytest
import slicer
import vtk

from medxai.errors import InputError
from medxai.organ_codes import organ_named
from medxai.slice.slice_image import slice_of
from medxai.volume.volume import make_volume

pytest.importorskip("vtk", reason="needs the package slicer-core")

BOXES = {"Liver": (3, 4, 14, 12), "R": (15, 5, 26, 17)}


@pytest.fixture
def placed(scene):
    from medxai.scene import views
    from medxai.scene.bundle import add_volume
    from medxai.scene.regions import roi_of_box
    from medxai.slice.box import PixelBox

    voxels = np.random.default_rng(0).integers(-150, 200, (4, 24, 30)).astype(np.int16)
    volume = make_volume("CT", voxels, np.diag([2.0, -2.0, 3.0, 1.0]), "CT")
    node, image = add_volume(scene, volume), slice_of(volume, "axial", 2)
    views.look_at(views.slice_view(scene, "Red"), node, image)
    return node, [roi_of_box(scene, name, PixelBox(*box), image, node) for name, box in BOXES.items()]


def explained(placed, model, organs=None):
    from medxai.engine import Engine
    from medxai.scene.explaining import NodeRequest
    from medxai.scene.organs import explain_organ_nodes

    node, rois = placed
    return explain_organ_nodes(Engine(), NodeRequest(node, None, model=model, modality="CT"), rois, organs)


def test_one_segmentation_one_table_and_maps_for_each(placed, model, scene):
    done = explained(placed, model)
    assert [one.organ.name for one in done.organs] == ["liver", "R"], "an ROI called like an organ is taken for it"
    segmentation = done.segmentation_node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 2
    entry = vtk.reference("")
    segmentation.GetNthSegment(0).GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    assert "10200004^Liver" in str(entry)
    np.testing.assert_allclose(np.array(segmentation.GetNthSegment(0).GetColor()) * 255, organ_named("liver").colour)
    assert done.table_node.GetNumberOfRows() == 2
    assert "not that the model is right" in done.table_node.GetDescription()
    titles = [done.table_node.GetColumnName(n) for n in range(done.table_node.GetNumberOfColumns())]
    assert done.table_node.GetCellText(1, titles.index("Organ")) == "R"
    for one in done.organs:
        overlay = done.stage_node(one.organ.name, 3)
        assert overlay.GetName().endswith(f"· {one.organ.name}")
        values = one.explanation.on_slice(one.explanation.values(next(iter(done.overlays[one.organ.name]))))
        first = next(iter(done.overlays[one.organ.name].values()))
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(first)[0], values)
    assert set(done.roi_nodes.values()) == set(placed[1])


def test_named_organs_and_wrong_counts(placed, model, scene):
    done = explained(placed, model, ["spleen", "right kidney"])
    assert [one.organ for one in done.organs] == [organ_named("spleen"), organ_named("right kidney")]
    before = scene.GetNumberOfNodes()
    for organs, sentence in ((["liver"], "2 regions and 1 organs"), (["liver", "gizzard"], "no code for the organ")):
        with pytest.raises(InputError, match=sentence):
            explained(placed, model, organs)
    assert scene.GetNumberOfNodes() == before


def test_what_was_added_can_be_taken_out_again_and_the_regions_stay(placed, model, scene):
    from medxai.scene.organs import remove_organs

    before = {node.GetID() for node in scene.GetNodes() if not node.GetHideFromEditors()}
    done = explained(placed, model)
    remove_organs(done)
    after = {node.GetID() for node in scene.GetNodes() if not node.GetHideFromEditors()}
    kept = {scene.GetNodeByID(identity).GetClassName() for identity in after - before}
    assert kept <= {"vtkMRMLColorTableNode"}, "the colours are shared"
    assert all(scene.IsNodePresent(roi) for roi in placed[1])
    remove_organs(done)  # nothing is left to take out
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    assert not hierarchy.GetItemName(done.folder_item)


def test_an_organ_that_was_chosen_for_a_region_counts_more_than_its_name(placed, model):
    from medxai.scene.regions import choose_organ_of_roi

    first, second = placed[1]
    choose_organ_of_roi(first, "spleen")
    choose_organ_of_roi(second, "aorta")
    choose_organ_of_roi(second, "")
    assert [one.organ.name for one in explained(placed, model).organs] == ["spleen", "R"]
