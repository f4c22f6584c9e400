"""Mask, maps and figures as DICOM objects: other programs read the same voxels in the same place, and no patient is made up."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from medxai.cli.main import main
from medxai.engine import Engine
from medxai.errors import InputError
from medxai.limits import LIMITS_STATEMENT
from medxai.maps import STAGE3
from medxai.organ_codes import organ_named
from medxai.organs_on_slice import OrganBox
from medxai.request import ExplainRequest
from medxai.slice.box import PixelBox
from medxai.through_slices.request import VolumeRequest
from medxai.volume.reading import read_volume
from support.dicom import RAS_TO_LPS, grid_lps, slices_of, write_frames, write_series

pytest.importorskip("highdicom", reason="needs the package highdicom (pip install 'medxai[dicom]')")

from medxai.dicom_out.writing import write_dicom, write_dicom_of_organs, write_dicom_of_volume

COUNT, K = 6, 3
PLACE_MM = 0.01
_TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
_TILTED = grid_lps()
_TILTED[:3, 2] = [0, 0.9, 2.5]
SOURCES = {
    "plain": grid_lps(),
    "flipped": grid_lps(turned=np.diag([-1.0, 1.0, -1.0])),
    "oblique": grid_lps(turned=_TURN * np.sign(np.linalg.det(_TURN))),
    "tilted": _TILTED,
}


def scan() -> np.ndarray:
    """(slices, rows, columns) stored values: a bright ellipse on tissue with noise."""
    rows, columns = np.ogrid[:50, :70]
    ball = ((rows - 22) / 12) ** 2 + ((columns - 30) / 17) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 20, (COUNT, 50, 70))
    return (1024 + np.where(ball, 150, 20) + noise).astype(np.uint16)


@pytest.fixture(params=SOURCES)
def series(request, tmp_path) -> Path:
    write_series(tmp_path / "series", scan(), slices_of(SOURCES[request.param], COUNT), SliceThickness="2")
    return tmp_path / "series"


def written(volume, model, folder, plane="axial", index=K, organ=None):
    request = ExplainRequest.of_slice(volume, plane, index, model=model)
    box = (12, 9, 48, 35) if plane == "axial" else (12, 1, 48, 4)
    result = Engine().explain(request, [box])[0]
    assert result.segmentation.mask.any()
    write_dicom(result, volume, folder, organ_named(organ))
    return result


def places_of(mask, to_lps):
    rows, columns = np.nonzero(mask)
    return (to_lps @ np.stack([columns, rows, 0 * rows, 1 + 0 * rows]))[:3].T


def own_places(result):
    """(n, 3) LPS of the mask's pixels, by our own geometry."""
    return places_of(result.segmentation.mask, RAS_TO_LPS @ result.prepared.image.pixel_to_ras_mm)


def same_points(found, expected):
    assert found.shape == expected.shape
    order, other = np.lexsort(np.round(found.T, 2)), np.lexsort(np.round(expected.T, 2))
    np.testing.assert_allclose(found[order], expected[other], atol=PLACE_MM)


def command(name, *arguments):
    path = shutil.which(name, path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
    if path is None:
        pytest.skip(f"needs the program {name}")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def places_by_dcmqi(file):
    """(n, 3) LPS of a segmentation's pixels, as dcmqi reads them."""
    folder = file.parent / "read"
    folder.mkdir()
    command("segimage2itkimage", "--inputDICOM", file, "--outputDirectory", folder)
    image = sitk.ReadImage(str(folder / "1.nrrd"))
    found = np.argwhere(sitk.GetArrayFromImage(image))[:, ::-1]
    return np.array([image.TransformIndexToPhysicalPoint(index) for index in found.tolist()])


def test_dcmqi_finds_the_segmentation_in_its_place(series, model, tmp_path):
    result = written(read_volume(series), model, tmp_path / "out")
    (tmp_path / "read").mkdir()
    command(
        "segimage2itkimage",
        "--inputDICOM",
        tmp_path / "out" / "segmentation.dcm",
        "--outputDirectory",
        tmp_path / "read",
    )
    image = sitk.ReadImage(str(tmp_path / "read" / "1.nrrd"))
    found = np.argwhere(sitk.GetArrayFromImage(image))[:, ::-1]
    same_points(np.array([image.TransformIndexToPhysicalPoint(index) for index in found.tolist()]), own_places(result))


def test_pydicom_finds_the_same_floats_in_the_same_place(series, model, tmp_path):
    result = written(read_volume(series), model, tmp_path / "out")
    data = pydicom.dcmread(tmp_path / "out" / "saliency_stage3.dcm")
    values = result.on_slice(result.values(STAGE3.at(result.shown_layer)))
    np.testing.assert_array_equal(np.squeeze(data.pixel_array), values.astype(np.float32))
    assert data.pixel_array.dtype == np.float32
    shared, own = data.SharedFunctionalGroupsSequence[0], data.PerFrameFunctionalGroupsSequence[0]
    turned = np.reshape(shared.PlaneOrientationSequence[0].ImageOrientationPatient, (2, 3)).astype(float)
    height, width = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    to_lps = np.eye(4)
    to_lps[:3, 0], to_lps[:3, 1] = turned[0] * width, turned[1] * height
    to_lps[:3, 3] = own.PlanePositionSequence[0].ImagePositionPatient
    same_points(places_of(result.segmentation.mask, to_lps), own_places(result))
    assert float(shared.PixelMeasuresSequence[0].SliceThickness) == 2


def test_the_objects_name_the_image_that_was_explained_and_its_patient(series, model, tmp_path):
    volume = read_volume(series)
    written(volume, model, tmp_path / "out")
    image = pydicom.dcmread(volume.source_frames[K].file)
    for name in ("segmentation", "saliency_stage1", "saliency_stage2", "saliency_stage3"):
        data = pydicom.dcmread(tmp_path / "out" / f"{name}.dcm")
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
            assert data[keyword].value == image[keyword].value
        (named,) = data.ReferencedSeriesSequence[0].ReferencedInstanceSequence
        assert named.ReferencedSOPInstanceUID == image.SOPInstanceUID
        assert data.ImageComments == LIMITS_STATEMENT
        assert data.SeriesInstanceUID != image.SeriesInstanceUID


def test_dcmqi_reads_the_report(series, model, tmp_path):
    result = written(read_volume(series), model, tmp_path / "out", organ="right kidney")
    said = command(
        "tid1500reader", "--inputDICOM", tmp_path / "out" / "report.dcm", "--outputMetadata", tmp_path / "report.json"
    )
    assert (tmp_path / "report.json").exists(), said
    (measured,) = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["Measurements"]
    assert (measured["Finding"]["CodeMeaning"], measured["Laterality"]["CodeMeaning"]) == ("Kidney", "Right")
    by_name = {one["quantity"]["CodeMeaning"]: float(one["value"]) for one in measured["measurementItems"]}
    width_mm, height_mm, _ = result.prepared.image.spacing_mm
    assert by_name["Area"] == pytest.approx(result.segmentation.mask.sum() * width_mm * height_mm, rel=1e-4)
    texts = [
        item.TextValue
        for item in pydicom.dcmread(tmp_path / "out" / "report.dcm").ContentSequence
        if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeMeaning == "Comment"
    ]
    assert texts[0] == LIMITS_STATEMENT


@pytest.mark.parametrize("organ", [None, "liver", "right kidney"])
def test_a_validator_finds_no_error(series, model, tmp_path, organ):
    written(read_volume(series), model, tmp_path / "out", organ=organ)
    for file in sorted((tmp_path / "out").iterdir()):
        said = command("dciodvfy", file)
        assert [line for line in said.splitlines() if line.startswith("Error")] == [], file.name


def test_a_slice_across_the_scanners_own_lies_in_its_plane(model, tmp_path):
    write_series(tmp_path / "series", scan(), slices_of(SOURCES["oblique"], COUNT))
    result = written(read_volume(tmp_path / "series"), model, tmp_path / "out", "coronal", 22)
    data = pydicom.dcmread(tmp_path / "out" / "segmentation.dcm")
    assert len(data.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == COUNT
    same_points(places_by_dcmqi(tmp_path / "out" / "segmentation.dcm"), own_places(result))


def test_a_slice_across_a_tilted_scan_is_refused_and_nothing_is_written(model, tmp_path):
    write_series(tmp_path / "series", scan(), slices_of(SOURCES["tilted"], COUNT))
    volume = read_volume(tmp_path / "series")
    with pytest.raises(InputError, match="would be bent"):
        written(volume, model, tmp_path / "out", "sagittal", 30)
    assert not (tmp_path / "out").exists()


def test_frames_of_one_file_are_named_by_their_numbers(model, tmp_path):
    write_frames(tmp_path / "f.dcm", scan(), slices_of(grid_lps(), COUNT))
    volume = read_volume(tmp_path / "f.dcm")
    assert [frame.number for frame in volume.source_frames] == list(range(COUNT))
    written(volume, model, tmp_path / "out")
    source = pydicom.dcmread(tmp_path / "f.dcm")
    data = pydicom.dcmread(tmp_path / "out" / "segmentation.dcm")
    (named,) = data.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert named.ReferencedSOPInstanceUID == source.SOPInstanceUID


def test_what_an_image_does_not_say_of_its_patient_stays_unsaid(model, tmp_path):
    nothing = dict.fromkeys(("PatientName", "PatientID", "StudyDate", "StudyTime", "StudyID"))
    write_series(tmp_path / "series", scan(), slices_of(grid_lps(), COUNT), **nothing)
    written(read_volume(tmp_path / "series"), model, tmp_path / "out")
    for file in (tmp_path / "out").iterdir():
        data = pydicom.dcmread(file)
        assert not any(data[name].value for name in (*nothing, "PatientBirthDate", "AccessionNumber"))


@pytest.mark.parametrize("keyword", ["FrameOfReferenceUID", "StudyInstanceUID"])
def test_images_that_cannot_be_named_are_refused_before_the_model_runs(keyword, tmp_path, capsys, monkeypatch):
    write_series(tmp_path / "series", scan(), slices_of(grid_lps(), COUNT), **{keyword: None})
    monkeypatch.setattr(Engine, "case", lambda *_: pytest.fail("the model ran"))
    words = (
        "--slice",
        "3",
        "--box",
        "12",
        "9",
        "48",
        "35",
        "--output",
        tmp_path / "out",
        "--dicom",
        tmp_path / "dicom",
    )
    assert main(["explain", str(tmp_path / "series"), *map(str, words)]) == 2
    assert f"has no {keyword}" in capsys.readouterr().err
    assert not (tmp_path / "dicom").exists()


def test_the_command_writes_them_beside_its_files_and_refuses_other_inputs(ct, tmp_path, capsys):
    to_lps = RAS_TO_LPS @ ct.volume.ijk_to_ras_mm
    stored = np.clip(ct.volume.voxels[10:16] + 1024.0, 0, None).astype(np.uint16)
    first = to_lps.copy()
    first[:3, 3] = (to_lps @ [0, 0, 10, 1])[:3]
    write_series(tmp_path / "series", stored, slices_of(first, 6))
    words = ("--slice", "3", "--box", "60", "60", "90", "90", "--model", "demo", "--organ", "Liver")
    out, folder = tmp_path / "out", tmp_path / "dicom"
    assert main(["explain", str(tmp_path / "series"), *words, "--output", str(out), "--dicom", str(folder)]) == 0
    assert {file.name for file in folder.iterdir()} == {
        *("segmentation.dcm", "report.dcm"),
        *(f"saliency_stage{stage}.dcm" for stage in (1, 2, 3)),
    }
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "segmentation.nrrd")))
    data = pydicom.dcmread(folder / "segmentation.dcm")
    np.testing.assert_array_equal(np.squeeze(data.pixel_array), np.squeeze(mask))
    assert data.SegmentSequence[0].SegmentLabel == "liver"
    capsys.readouterr()

    picture = tmp_path / "scan.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(stored.astype(np.int16)), str(picture))
    assert main(["explain", str(picture), *words, "--output", str(out), "--dicom", str(tmp_path / "no")]) == 2
    assert "was not read from DICOM" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


@pytest.fixture
def followed(series, model, tmp_path):
    """An organ on three slices, written into tmp_path / 'out'."""
    on_slice = ExplainRequest.of_slice(read_volume(series), "axial", K, model=model)
    box = PixelBox(12, 9, 48, 35)
    asked = VolumeRequest(on_slice, box, first=K - 1, last=K + 1).with_box(K - 1, box).with_box(K + 1, box)
    result = Engine().explain_volume(asked)
    assert len(result.accepted) == 3
    write_dicom_of_volume(result, tmp_path / "out", organ_named("liver"))
    return result


def frames_of(file):
    """Each frame's pixels with its (4, 4) column, row to LPS."""
    data = pydicom.dcmread(file)
    shared = data.SharedFunctionalGroupsSequence[0]
    turned = np.reshape(shared.PlaneOrientationSequence[0].ImageOrientationPatient, (2, 3)).astype(float)
    height, width = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    pixels = data.pixel_array.reshape(-1, data.Rows, data.Columns)
    for frame, own in zip(pixels, data.PerFrameFunctionalGroupsSequence, strict=True):
        to_lps = np.eye(4)
        to_lps[:3, 0], to_lps[:3, 1] = turned[0] * width, turned[1] * height
        to_lps[:3, 3] = own.PlanePositionSequence[0].ImagePositionPatient
        yield frame, to_lps


def test_an_organ_through_the_slices_is_written_slice_by_slice_where_it_was_cut(followed, tmp_path):
    matrix = RAS_TO_LPS @ followed.request.on_slice.volume.ijk_to_ras_mm
    k, j, i = np.nonzero(followed.mask)
    found = [places_of(frame, to_lps) for frame, to_lps in frames_of(tmp_path / "out" / "segmentation.dcm")]
    same_points(np.concatenate(found), (matrix @ np.stack([i, j, k, 1 + 0 * i]))[:3].T)
    (map_id,) = [one for one in followed.map_ids if one.map == "stage3"]
    values, seen = followed.map_volume(map_id), []
    for frame, to_lps in frames_of(tmp_path / "out" / "saliency_stage3.dcm"):
        place = np.linalg.inv(matrix) @ to_lps[:, 3]
        seen.append(round(place[2]))
        np.testing.assert_allclose(place, [0, 0, seen[-1], 1], atol=PLACE_MM)
        np.testing.assert_array_equal(frame, values[seen[-1]])
    assert sorted(seen) == [one.index for one in followed.accepted]


def test_dcmqi_finds_a_volumes_map_in_its_place(followed, tmp_path):
    volume = followed.request.on_slice.volume
    if any("right angles" in note for note in volume.notes):
        pytest.skip("dcmqi takes the planes for a regular grid, which those of a tilted scanner are not")
    (tmp_path / "read").mkdir()
    command(
        *("paramap2itkimage", "--inputDICOM", tmp_path / "out" / "saliency_stage3.dcm"),
        *("--outputDirectory", tmp_path / "read", "--prefix", "map"),
    )
    (file,) = (tmp_path / "read").glob("*.nrrd")
    image = sitk.ReadImage(str(file))
    found = sitk.GetArrayFromImage(image)
    (map_id,) = [one for one in followed.map_ids if one.map == "stage3"]
    values = followed.map_volume(map_id)
    to_index = np.linalg.inv(RAS_TO_LPS @ volume.ijk_to_ras_mm)
    for k, j, i in ((0, 0, 0), (1, 20, 30), (2, 49, 69)):
        place = to_index @ [*image.TransformIndexToPhysicalPoint((i, j, k)), 1]
        index = np.rint(place[:3]).astype(int)
        np.testing.assert_allclose(place[:3], index, atol=PLACE_MM)
        assert found[k, j, i] == values[tuple(index[::-1])]


def test_several_organs_are_one_segmentation_of_several_segments_and_one_report(model, tmp_path):
    write_series(tmp_path / "series", scan(), slices_of(SOURCES["oblique"], COUNT), SliceThickness="2")
    volume = read_volume(tmp_path / "series")
    request = ExplainRequest.of_slice(volume, "axial", K, model=model)
    boxes = [OrganBox((12, 9, 48, 35), organ_named("liver")), OrganBox((30, 20, 60, 45), organ_named("left kidney"))]
    organs = Engine().explain_organs(request, boxes)
    write_dicom_of_organs(organs, volume, tmp_path / "out")
    maps = {f"saliency_stage{stage}_{part}.dcm" for stage in (1, 2, 3) for part in ("liver", "left_kidney")}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"segmentation.dcm", "report.dcm", *maps}
    data = pydicom.dcmread(tmp_path / "out" / "segmentation.dcm")
    assert [one.SegmentLabel for one in data.SegmentSequence] == ["liver", "left kidney"]
    for frame, group in zip(data.pixel_array, data.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        np.testing.assert_array_equal(frame, organs[number - 1].explanation.segmentation.mask)
    said = command(
        "tid1500reader", "--inputDICOM", tmp_path / "out" / "report.dcm", "--outputMetadata", tmp_path / "report.json"
    )
    assert (tmp_path / "report.json").exists(), said
    measured = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["Measurements"]
    assert [one["Finding"]["CodeMeaning"] for one in measured] == ["Liver", "Kidney"]
    assert [one["TrackingUniqueIdentifier"] for one in measured] == [one.TrackingUID for one in data.SegmentSequence]
    for file in sorted((tmp_path / "out").iterdir()):
        said = command("dciodvfy", file)
        assert [line for line in said.splitlines() if line.startswith("Error")] == [], file.name


def test_several_slices_of_a_multi_frame_image_lie_in_their_place_without_a_validators_error(model, tmp_path):
    write_frames(tmp_path / "f.dcm", scan(), slices_of(SOURCES["oblique"], COUNT))
    volume = read_volume(tmp_path / "f.dcm")
    on_slice, box = ExplainRequest.of_slice(volume, "axial", K, model=model), PixelBox(12, 9, 48, 35)
    asked = VolumeRequest(on_slice, box, first=K - 1, last=K).with_box(K - 1, box)
    result = Engine().explain_volume(asked)
    write_dicom_of_volume(result, tmp_path / "out", organ_named("liver"))
    matrix = RAS_TO_LPS @ volume.ijk_to_ras_mm
    k, j, i = np.nonzero(result.mask)
    same_points(places_by_dcmqi(tmp_path / "out" / "segmentation.dcm"), (matrix @ np.stack([i, j, k, 1 + 0 * i]))[:3].T)
    for file in sorted((tmp_path / "out").glob("*.dcm")):
        said = command("dciodvfy", file)
        assert [line for line in said.splitlines() if line.startswith("Error")] == [], file.name
