"""The modality that Slicer's DICOM import noted, and names that would end a process."""

import nibabel as nib
import numpy as np
import pytest
import slicer
from PIL import Image

from medxai.scene.bundle import add_volume
from medxai.scene.headless import load_scene_bundle, save_scene_bundle
from medxai.scene.regions import box_of_roi, roi_of_box
from medxai.scene.volumes import volume_of
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality, ModalitySource, make_volume

#: Values that a guess takes for a CT.
VOXELS = np.random.default_rng(0).integers(-1000, 300, (4, 12, 10)).astype(np.int16)


def node_of(scene, name="scan"):
    return add_volume(scene, make_volume(name, VOXELS, np.diag([-1.0, -1.0, 2.0, 1.0]), "MR"))


@pytest.mark.parametrize(("noted", "modality"), [("MR", Modality.MR), ("CT", Modality.CT), ("PT", Modality.OTHER)])
def test_the_subject_hierarchy_item_tells_the_modality(scene, noted, modality):
    node = node_of(scene)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    attribute = slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMSeriesModalityAttributeName()
    hierarchy.SetItemAttribute(item, attribute, noted)
    volume = volume_of(node)
    assert (volume.modality, volume.modality_source) == (modality, ModalitySource.SCENE)
    given = volume_of(node, "picture")
    assert (given.modality, given.modality_source) == (Modality.PICTURE, ModalitySource.GIVEN)


def test_without_a_note_the_modality_is_a_guess_and_no_hierarchy_is_made(scene):
    node = node_of(scene)
    before = scene.GetNumberOfNodesByClass("vtkMRMLSubjectHierarchyNode")
    assert volume_of(node).modality_source is ModalitySource.GUESSED
    assert scene.GetNumberOfNodesByClass("vtkMRMLSubjectHierarchyNode") == before


def test_numbers_that_are_none_in_a_node_stay_there(scene):
    node = node_of(scene)
    voxels = VOXELS.astype(np.float32)
    voxels[1, 2, 3] = np.nan
    slicer.util.updateVolumeFromArray(node, voxels)
    volume = volume_of(node, "CT")
    assert not volume.measured[1, 2, 3] and np.isfinite(volume.voxels).all()
    assert np.isnan(slicer.util.arrayFromVolume(node)[1, 2, 3])


@pytest.mark.parametrize("name", ["70% systole", "%s%n%d", "pat$_$x^2", "腹部_扫描", '<a> & "b"'])
def test_a_region_may_have_any_name_and_is_found_again(scene, name, tmp_path):
    node = node_of(scene, name)
    image = slice_of(volume_of(node), "axial", 1)
    box = PixelBox(2, 3, 6, 8)
    known = name.replace("&", "+")
    region = roi_of_box(scene, f"{known} region", box, image, node)
    assert region.GetName() == f"{known} region" and box_of_roi(region, node, image).box == box
    save_scene_bundle(scene, tmp_path / "scene.mrb")
    load_scene_bundle(scene, tmp_path / "scene.mrb")
    again = scene.GetFirstNodeByName(f"{known} region")
    assert box_of_roi(again, scene.GetFirstNodeByName(known), image).box == box


def test_a_region_on_a_tilted_scan_covers_its_box(scene):
    tilted = np.diag([-1.0, -1.0, 2.0, 1.0])
    tilted[1, 2] = 0.7
    volume = make_volume("tilted", VOXELS, tilted, "CT")
    node = add_volume(scene, volume)
    image = slice_of(volume, "axial", 2)
    box = PixelBox(2, 3, 6, 8)
    assert box_of_roi(roi_of_box(scene, "region", box, image, node), node, image).box == box


@pytest.mark.parametrize(
    "kind", ["int8", "uint8", "int32", "uint32", "int64", "uint64", "float16", "float64", ">i2", ">f4"]
)
def test_voxels_of_every_type_are_saved_with_their_values(scene, kind, tmp_path):
    """VTK has no name for some types, and a scene's file none for others; none may crash or lose a value."""
    voxels = np.abs(VOXELS % 120).astype(kind)
    volume = make_volume("scan", voxels, np.diag([-1.0, -1.0, 2.0, 1.0]), "MR")
    add_volume(scene, volume)
    save_scene_bundle(scene, tmp_path / "scene.mrb")
    load_scene_bundle(scene, tmp_path / "scene.mrb")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(scene.GetFirstNodeByName("scan")), voxels)


def test_what_a_file_left_open_stays_open_in_the_scene(scene, tmp_path):
    """A picture has no place and no size in the saved scene either, and is no MR there."""
    Image.fromarray(np.arange(120, dtype=np.uint8).reshape(12, 10)).save(tmp_path / "p.png")
    add_volume(scene, read_volume(tmp_path / "p.png"))
    save_scene_bundle(scene, tmp_path / "scene.mrb")
    load_scene_bundle(scene, tmp_path / "scene.mrb")
    volume = volume_of(scene.GetFirstNodeByName("p"))
    assert (volume.modality, volume.modality_source) == (Modality.PICTURE, ModalitySource.SCENE)
    assert not volume.facts.has_known_orientation and not volume.facts.has_known_spacing
    assert len(volume.notes) == 2


def loaded(scene, path):
    """A volume node as Slicer loads it from a file."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", path.stem)
    storage = scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    node.SetAndObserveStorageNodeID(storage.GetID())
    assert storage.ReadData(node)
    return node


def test_a_volume_that_slicer_read_is_asked_for_what_its_file_said(scene, tmp_path):
    image = nib.Nifti1Image(VOXELS.T, None)
    image.header.set_zooms((1, 1, 2))
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "bare.nii")
    nib.save(nib.Nifti1Image(VOXELS.T, np.diag([-1, -1, 2, 1])), tmp_path / "placed.nii")
    bare, placed = loaded(scene, tmp_path / "bare.nii"), loaded(scene, tmp_path / "placed.nii")
    assert volume_of(placed, "MR").facts.has_known_orientation and volume_of(placed, "MR").notes == ()
    facts = volume_of(bare).facts
    assert not facts.has_known_orientation and facts.has_known_spacing
    assert any("does not say how it lies" in note for note in facts.notes)
    (tmp_path / "bare.nii").unlink()
    assert volume_of(bare).facts.has_known_orientation  # nobody can be asked any more
