"""segmentation.seg.nrrd is what Slicer itself reads as a segmentation: voxels, place, name, colour and codes."""

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs the package slicer-core")

import SimpleITK as sitk
import vtk

from medxai.organ_codes import UNNAMED, organ_named
from medxai.report.segment_file import write_segments, write_slice_segments
from medxai.report.volumes import write_volume
from medxai.scene.geometry import matrix_of
from medxai.slice.slice_image import slice_of
from medxai.volume.volume import make_volume

MATRIX = np.array([[0.0, -1.5, 0.0, 10.0], [2.0, 0.0, 0.0, -7.0], [0.0, 0.0, -3.0, 40.0], [0, 0, 0, 1]])


def read_by_slicer(scene, path):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node.GetSegmentation()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("organ", [UNNAMED, organ_named("left kidney")], ids=lambda organ: organ.name)
def test_slicer_reads_the_mask_with_its_name_colour_and_codes(scene, tmp_path, plane, organ):
    volume = make_volume("v", np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype(np.int16), MATRIX, "MR")
    image = slice_of(volume, plane, 2)
    mask = np.random.default_rng(1).random(image.shape) > 0.5
    write_slice_segments(tmp_path / "s.seg.nrrd", image, [(organ, mask)], {"Limits": "as everywhere"})
    segmentation = read_by_slicer(scene, tmp_path / "s.seg.nrrd")
    assert segmentation.GetNumberOfSegments() == 1
    segment = segmentation.GetNthSegment(0)
    assert segment.GetName() == organ.name
    np.testing.assert_allclose(np.array(segment.GetColor()) * 255, organ.colour, atol=0.01)
    found_entry = vtk.reference("")
    assert segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), found_entry)
    entry = str(found_entry)
    assert f"{organ.type.value}^{organ.type.meaning}" in entry
    assert ("7771000^Left" in entry) == (organ.side is not None)

    labelmap = segment.GetRepresentation("Binary labelmap")
    to_world = matrix_of(np.eye(4))
    labelmap.GetImageToWorldMatrix(to_world)
    first = labelmap.GetExtent()
    found = set()
    for k in range(first[4], first[5] + 1):
        for j in range(first[2], first[3] + 1):
            for i in range(first[0], first[1] + 1):
                if labelmap.GetScalarComponentAsDouble(i, j, k, 0):
                    found.add(tuple(np.round(to_world.MultiplyPoint((i, j, k, 1))[:3], 3)))
    rows, columns = np.nonzero(mask)
    expected = (image.pixel_to_ras_mm @ np.stack([columns, rows, 0 * rows, 1 + 0 * rows]))[:3].T
    assert found == {tuple(np.round(place, 3) + 0.0) for place in expected}


@pytest.mark.parametrize("overlap", [False, True])
def test_slicer_reads_several_organs_each_with_all_of_its_own_pixels(scene, tmp_path, overlap):
    volume = make_volume("v", np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype(np.int16), MATRIX, "MR")
    image = slice_of(volume, "axial", 2)
    masks = np.zeros((2, *image.shape), bool)
    masks[0, 1:4, 1:4], masks[1, 3:5, 3 if overlap else 4 : 6] = True, True
    organs = (organ_named("liver"), organ_named("left kidney"))
    write_slice_segments(tmp_path / "s.seg.nrrd", image, list(zip(organs, masks, strict=True)), {})
    segmentation = read_by_slicer(scene, tmp_path / "s.seg.nrrd")
    assert segmentation.GetNumberOfSegments() == 2
    for number, (organ, mask) in enumerate(zip(organs, masks, strict=True)):
        segment = segmentation.GetNthSegment(number)
        labelmap = segment.GetRepresentation("Binary labelmap")
        i0, i1, j0, j1, _, _ = labelmap.GetExtent()
        found = {
            (i, j)
            for i in range(i0, i1 + 1)
            for j in range(j0, j1 + 1)
            if labelmap.GetScalarComponentAsDouble(i, j, labelmap.GetExtent()[4], 0) == segment.GetLabelValue()
        }
        assert found == {(i, j) for j, i in np.argwhere(mask).tolist()}
        assert segment.GetName() == organ.name


def test_slices_of_a_tilted_scanner_lie_where_they_were_cut_for_slicer_and_simpleitk(scene, tmp_path):
    tilted = np.array([[-0.8, 0, 0, 10], [0, -0.9, 0.9, 20], [0, 0, 2.5, -30], [0, 0, 0, 1.0]])
    mask = np.zeros((5, 8, 9), bool)
    mask[2, 3, 4] = True
    write_volume(tmp_path / "v.nrrd", mask.astype(np.uint8), tilted, {})
    write_segments(tmp_path / "s.seg.nrrd", [(organ_named("liver"), mask)], tilted, {})
    expected = (tilted @ [4, 3, 2, 1])[:3]
    for name in ("v.nrrd", "s.seg.nrrd"):
        found = sitk.ReadImage(str(tmp_path / name)).TransformIndexToPhysicalPoint((4, 3, 2))
        np.testing.assert_allclose(found * np.array([-1, -1, 1]), expected, atol=0.01)
    labelmap = read_by_slicer(scene, tmp_path / "s.seg.nrrd").GetNthSegment(0).GetRepresentation("Binary labelmap")
    to_world = matrix_of(np.eye(4))
    labelmap.GetImageToWorldMatrix(to_world)
    np.testing.assert_allclose(to_world.MultiplyPoint((4, 3, 2, 1))[:3], expected, atol=0.01)
    assert labelmap.GetScalarComponentAsDouble(4, 3, 2, 0) == 1
