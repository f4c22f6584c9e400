"""A file is read by what it holds, whatever its name says, and what is never a scan is refused by its name."""

import gzip
import os
import subprocess
import sys

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import uid

from medxai.errors import InputError
from medxai.volume.reading import read_volume
from support.dicom import grid_lps, place, slices_of, write_frames, write_image, write_series
from support.scans import ROOT

#: Content of one whole file of each kind, made once.
WHOLE: dict = {}
CT = np.random.default_rng(0).integers(-1000, 1000, (5, 12, 10)).astype(np.int16)
AFFINE = np.diag([-0.8, -0.9, 2.5, 1])


def nifti(path):
    nib.save(nib.Nifti1Image(CT.T, AFFINE), path)
    return path


@pytest.mark.parametrize("name", ["scan.nrrd", "scan", "scan.dcm.nii", "scan.img"])
def test_a_nifti_with_another_name_is_read(name, tmp_path):
    np.testing.assert_array_equal(read_volume(nifti(tmp_path / "a.nii").rename(tmp_path / name)).voxels, CT)


def test_nrrd_pictures_and_dicom_with_other_names_are_read(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(CT), str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(read_volume((tmp_path / "a.nrrd").rename(tmp_path / "a.nii")).voxels, CT)
    Image.fromarray(CT[0].astype(np.uint8)).save(tmp_path / "p.png")
    np.testing.assert_array_equal(
        read_volume((tmp_path / "p.png").rename(tmp_path / "p.dcm")).voxels[0], CT[0].astype(np.uint8)
    )
    for kind in ("gif", "webp"):
        Image.fromarray(CT[0].astype(np.uint8)).save(tmp_path / f"p.{kind}", lossless=True)
        assert read_volume(tmp_path / f"p.{kind}").voxels.shape == (1, 12, 10)
    write_image(tmp_path / "b.nii", CT[0] + 1024, "CT", **place(slices_of(grid_lps(), 1)[0]))
    np.testing.assert_array_equal(read_volume(tmp_path / "b.nii").voxels[0], CT[0])


def test_a_nifti_compressed_twice_is_read(tmp_path):
    path = nifti(tmp_path / "scan.nii.gz")
    path.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_volume(path).voxels, CT)


@pytest.mark.parametrize("given", [".hdr", ".img"])
def test_a_pair_is_read_from_either_of_its_files(given, tmp_path):
    nib.save(nib.Nifti1Pair(CT.T, AFFINE), tmp_path / "scan.hdr")
    volume = read_volume(tmp_path / f"scan{given}")
    np.testing.assert_array_equal(volume.voxels, CT)
    assert volume.facts.has_known_orientation


def test_an_analyze_file_has_no_known_orientation(tmp_path):
    nib.save(nib.Spm99AnalyzeImage(CT.T, AFFINE), tmp_path / "scan.img")
    for name in ("scan.hdr", "scan.img"):
        volume = read_volume(tmp_path / name)
        np.testing.assert_array_equal(np.sort(volume.voxels, axis=None), np.sort(CT, axis=None))
        assert not volume.facts.has_known_orientation


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "pointer of Git LFS"),
        (b"PK\x03\x04rest", "is a ZIP archive"),
        (b"%PDF-1.4", "is a PDF document"),
    ],
)
@pytest.mark.parametrize("name", ["s.nii.gz", "s.dcm", "s.png", "s.nrrd", "s"])
def test_what_is_never_a_scan_is_refused_by_what_it_is(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_volume(tmp_path / name)


def test_other_compressed_files_are_to_be_unpacked(tmp_path):
    (tmp_path / "a.nrrd.gz").write_bytes(gzip.compress(b"NRRD0004\n"))
    with pytest.raises(InputError, match="compressed with gzip"):
        read_volume(tmp_path / "a.nrrd.gz")


def test_a_file_that_may_not_be_read_is_no_crash(tmp_path, monkeypatch):
    path = nifti(tmp_path / "a.nii")

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refused)
    with pytest.raises(InputError, match="cannot be opened .Permission denied"):
        read_volume(path)


def test_names_that_no_file_can_have_are_no_crash():
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(InputError, match="no file or folder"):
            read_volume(name)


def test_a_name_that_is_no_text_never_reaches_itk(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.nrrd")
    try:
        with open(path, "wb") as file:
            file.write(b"NRRD0004\n\n")
    except (OSError, UnicodeError):
        pytest.skip("needs a file system that allows any bytes in names")
    with pytest.raises(InputError, match="no valid text"):
        read_volume(path)


def test_a_folder_without_dicom_says_what_else_is_in_it(tmp_path):
    nifti(tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"give 'a\.nii' in it by its own name"):
        read_volume(tmp_path)
    write_series(tmp_path / "b" / "c", CT + 1024, slices_of(grid_lps(), 5))
    with pytest.raises(InputError, match="folders inside it are not searched"):
        read_volume(tmp_path / "b")


NOISY = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from medxai.errors import InputError
from medxai.volume.reading import read_volume
for name in ("odd", "negative.nii", "short.mha"):
    try:
        read_volume(Path({folder!r}) / name)
    except InputError:
        pass
"""


def test_no_text_of_a_library_reaches_the_user(tmp_path):
    """pydicom and nibabel warn, and MetaImage writes to the process's stderr itself."""
    odd = {"FrameOfReferenceUID": "1.02.abc", "PatientID": "x" * 80, "SpecificCharacterSet": "ISO_IR 999"}
    write_series(tmp_path / "odd", CT + 1024, slices_of(grid_lps(), 5), **odd)
    path = nifti(tmp_path / "negative.nii")
    content = bytearray(path.read_bytes())
    content[80:84] = np.float32(-0.8).tobytes()
    path.write_bytes(content)
    sitk.WriteImage(sitk.GetImageFromArray(CT), str(tmp_path / "short.mha"))
    (tmp_path / "short.mha").write_bytes((tmp_path / "short.mha").read_bytes()[:-200])
    code = NOISY.format(paths=[str(ROOT / "MedXAI")], folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "" and done.stdout == ""


def _whole_files(folder):
    """One file of each kind, by name."""
    write_series(folder, CT[:2] + 1024, slices_of(grid_lps(), 2))
    write_frames(folder / "frames.dcm", CT + 1024, slices_of(grid_lps(), 5))
    packed = pydicom.dcmread(folder / "s000.dcm")
    packed.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    packed.save_as(folder / "deflated.dcm")
    for name, kind in (("a.nii", nib.Nifti1Image), ("b.nii", nib.Nifti2Image), ("c.nii.gz", nib.Nifti1Image)):
        nib.save(kind(CT.T, AFFINE), folder / name)
    for name in ("a.nrrd", "a.mha"):
        sitk.WriteImage(sitk.GetImageFromArray(CT), str(folder / name))
    for name in ("a.png", "a.jpg", "a.tif"):
        Image.fromarray(CT[0].astype(np.uint8)).save(folder / name)
    return {file: file.read_bytes() for file in sorted(folder.iterdir())}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_sentence(data, tmp_path_factory):
    """Bytes changed, lost or cut off anywhere end in no exception of a library."""
    draw = data.draw
    if not WHOLE:
        WHOLE.update(_whole_files(tmp_path_factory.mktemp("whole")))
    file = draw(st.sampled_from(list(WHOLE)))
    rng, content = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), bytearray(WHOLE[file])
    reach = min(len(content), draw(st.sampled_from([200, 400, 1200, 10**9])))
    for _ in range(draw(st.integers(1, 5))):
        at = int(rng.integers(reach))
        content[at : at + int(rng.integers(1, 9))] = rng.bytes(int(rng.integers(0, 5)))
    path = tmp_path_factory.mktemp("damaged") / file.name
    path.write_bytes(content[: int(draw(st.sampled_from([0.5, 1, 1])) * len(content))])
    try:
        read_volume(path)
    except InputError as error:
        assert 30 <= len(str(error)) <= 690
