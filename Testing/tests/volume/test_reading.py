"""Files of every kind come in where they lie in the patient; unusable ones are refused in one sentence."""

import numpy as np
import pytest
import SimpleITK as sitk

from medxai.errors import InputError
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality, make_volume


def image_of(voxels, spacing=(0.8, 0.9, 2.5), origin=(-10.0, 20.0, -30.0), direction=(0, 1, 0, -1, 0, 0, 0, 0, 1)):
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


CT = np.random.default_rng(0).integers(-1000, 1000, (5, 12, 10)).astype(np.int16)


@pytest.mark.parametrize("name", ["v.nii.gz", "v.nii", "v.nrrd", "v.mha"])
def test_a_volume_comes_in_with_its_voxels_and_its_place(name, tmp_path):
    sitk.WriteImage(image_of(CT), str(tmp_path / name))
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.voxels, CT)
    lps = np.array(image_of(CT).TransformIndexToPhysicalPoint((3, 2, 1)))
    np.testing.assert_allclose((volume.ijk_to_ras_mm @ [3, 2, 1, 1])[:3], lps * [-1, -1, 1], atol=1e-4)
    assert volume.modality is Modality.CT
    assert volume.name == "v"


def test_a_dicom_folder_comes_in_as_one_volume(tmp_path):
    write_series(tmp_path, CT, "1.2.3")
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels, CT)
    assert volume.modality is Modality.CT
    np.testing.assert_allclose(volume.spacing_mm, (0.7, 0.7, 3.0), atol=1e-6)


def test_a_folder_with_two_series_or_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="no DICOM series"):
        read_volume(tmp_path)
    write_series(tmp_path, CT, "1.2.3")
    write_series(tmp_path, CT, "1.2.4", prefix="b")
    with pytest.raises(InputError, match="2 DICOM series"):
        read_volume(tmp_path)


def write_series(folder, voxels, uid, prefix="a"):
    for k, pixels in enumerate(voxels):
        image = sitk.GetImageFromArray(pixels[None])
        image.SetSpacing((0.7, 0.7, 3.0))
        for key, value in {
            "0008|0060": "CT",
            "0020|000e": uid,
            "0020|000d": "1.2",
            "0008|0018": f"{uid}.{k + 1}",
            "0020|0013": str(k + 1),
            "0020|0032": f"0\\0\\{3 * k}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0028|1053": "1",
            "0028|1052": "0",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
        }.items():
            image.SetMetaData(key, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetFileName(str(folder / f"{prefix}{k}.dcm"))
        writer.Execute(image)


@pytest.mark.parametrize("channels", [None, 3, 4])
def test_a_grey_png_is_a_volume_of_one_slice(channels, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    stored = pixels if channels is None else np.dstack([pixels] * 3 + [np.full_like(pixels, 255)] * (channels - 3))
    sitk.WriteImage(sitk.GetImageFromArray(stored, isVector=channels is not None), str(tmp_path / "p.png"))
    volume = read_volume(tmp_path / "p.png")
    np.testing.assert_array_equal(volume.voxels, pixels[None])
    assert volume.modality is Modality.PICTURE


def test_colour_is_refused(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (8, 20, 30, 3), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(colour[0], isVector=True), str(tmp_path / "p.png"))
    sitk.WriteImage(sitk.GetImageFromArray(colour, isVector=True), str(tmp_path / "v.nrrd"))
    for name in ("p.png", "v.nrrd"):
        with pytest.raises(InputError, match="colour"):
            read_volume(tmp_path / name)


def test_a_time_series_is_refused(tmp_path):
    sitk.WriteImage(sitk.JoinSeries([image_of(CT), image_of(CT)]), str(tmp_path / "t.nii.gz"))
    with pytest.raises(InputError, match="one time point"):
        read_volume(tmp_path / "t.nii.gz")


@pytest.mark.parametrize("name", ["v.nii.gz", "v.nii", "v.nrrd", "v.mha", "v.png"])
def test_a_truncated_file_is_refused(name, tmp_path):
    path = tmp_path / name
    voxels = np.random.default_rng(0).integers(0, 255, (20, 40, 40)).astype(np.int16)
    image = sitk.GetImageFromArray(voxels[0].astype(np.uint8)) if name == "v.png" else image_of(voxels)
    sitk.WriteImage(image, str(path), name != "v.nii")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(path)


def test_text_and_nothing_are_refused(tmp_path):
    (tmp_path / "notes.nii").write_text("this is no volume")
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(tmp_path / "notes.nii")
    with pytest.raises(InputError, match="no file or folder"):
        read_volume(tmp_path / "absent.nii")


def test_a_truncated_volume_of_floats_is_refused(tmp_path):
    path = tmp_path / "f.nii.gz"
    sitk.WriteImage(image_of(np.random.default_rng(0).normal(size=(20, 40, 40)).astype(np.float32)), str(path), True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    with pytest.raises(InputError, match="cannot be read"):
        read_volume(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_voxels_that_are_no_numbers_count_nowhere_and_are_said(bad):
    voxels = np.full((3, 4, 5), 7.0)
    voxels[1, 1, 1] = bad
    volume = make_volume("v", voxels, np.eye(4), "MR")
    assert volume.voxels[1, 1, 1] == 7 and not volume.measured[1, 1, 1] and volume.measured.sum() == 59
    assert volume.measured_values.shape == (59,)
    assert any("1 voxel holds no value" in note for note in volume.notes)


def test_a_volume_without_any_number_is_refused():
    with pytest.raises(InputError, match="no voxel with a value"):
        make_volume("v", np.full((2, 3, 4), np.nan), np.eye(4))
