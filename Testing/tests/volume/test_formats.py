"""NIfTI, NRRD and pictures with the oddities of real files."""

import gzip
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from medxai.errors import InputError
from medxai.volume.file_facts import KnownPlace, known_place_of
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality, ModalitySource
from support.scans import ROOT

CT = np.random.default_rng(0).integers(-1000, 1000, (5, 12, 10)).astype(np.int16)
AFFINE = np.array([[-0.8, 0, 0, 10], [0, -0.9, 0, -20], [0, 0, 2.5, -30], [0, 0, 0, 1]])
GREY = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)


def save(path, voxels=CT, affine=AFFINE, kind=nib.Nifti1Image):
    nib.save(kind(np.asarray(voxels).T, affine), path)
    return path


def test_real_scans_are_as_itk_reads_them(ct, mr):
    """Bit for bit, place included, so that no number of a sound file moves."""
    for scan in (ct, mr):
        image = sitk.ReadImage(str(scan.path))
        np.testing.assert_array_equal(scan.volume.voxels, sitk.GetArrayViewFromImage(image))
        corner = np.array(image.TransformIndexToPhysicalPoint((7, 5, 3))) * [-1, -1, 1]
        np.testing.assert_allclose((scan.volume.ijk_to_ras_mm @ [7, 5, 3, 1])[:3], corner, atol=1e-9)
        assert scan.volume.modality_source is ModalitySource.GUESSED and scan.volume.notes == ()


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_the_content_says_whether_it_is_compressed_and_which_version_it_is(name, kind, tmp_path):
    save(tmp_path / name, kind=kind)
    other = tmp_path / ("other.nii" if name.endswith("gz") else "other.nii.gz")
    (tmp_path / name).rename(other)
    volume = read_volume(other)
    np.testing.assert_array_equal(volume.voxels, CT)
    np.testing.assert_allclose(volume.ijk_to_ras_mm, AFFINE, atol=1e-6)


def test_bytes_after_the_compressed_stream_do_no_harm(tmp_path):
    path = save(tmp_path / "scan.nii.gz")
    path.write_bytes(path.read_bytes() + b"\x01junk" * 20)
    np.testing.assert_array_equal(read_volume(path).voxels, CT)
    whole = gzip.decompress((save(tmp_path / "b.nii.gz")).read_bytes())
    path.write_bytes(gzip.compress(whole[:700]) + gzip.compress(whole[700:]))
    np.testing.assert_array_equal(read_volume(path).voxels, CT)


def test_a_volume_without_a_place_is_read_and_says_so(tmp_path):
    image = nib.Nifti1Image(CT.T, None)
    image.header.set_zooms((0.8, 0.9, 2.5))
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    assert not volume.facts.has_known_orientation and volume.facts.has_known_spacing
    np.testing.assert_allclose(volume.spacing_mm, (0.8, 0.9, 2.5), rtol=1e-6)
    assert any("no qform, no sform" in note for note in volume.notes)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("form", "spacing"), [("none", 1), ("none", 0), ("qform", 2), ("sform", 0)])
def test_first_bytes_of_a_nifti_say_what_is_known(kind, order, form, spacing, tmp_path):
    """The same as nibabel reads, in every version and byte order."""
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.dtype(f"{order}i2"))
    image = kind(CT.T, np.eye(4), header)
    image.set_sform(np.eye(4) if form == "sform" else None, int(form == "sform"))
    image.set_qform(np.eye(4) if form == "qform" else None, int(form == "qform"))
    path = tmp_path / "scan.nii.gz"
    nib.save(image, path)
    content = bytearray(gzip.decompress(path.read_bytes()))
    at, size = (80, "f4") if kind is nib.Nifti1Image else (112, "f8")
    edges = np.full(3, spacing, order + size).tobytes()
    content[at : at + len(edges)] = edges
    path.write_bytes(gzip.compress(content))
    facts = read_volume(path).facts
    assert facts.has_known_orientation == (form != "none")
    assert facts.has_known_spacing == (form == "sform" or spacing != 0)
    assert known_place_of(path) == KnownPlace(facts.has_known_orientation, facts.has_known_spacing)


def test_two_places_in_one_header_are_said(tmp_path):
    image = nib.Nifti1Image(CT.T, AFFINE)
    moved = AFFINE.copy()
    moved[2, 3] += 12
    image.set_qform(moved, 1)
    nib.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    np.testing.assert_allclose(volume.ijk_to_ras_mm, AFFINE, atol=1e-6)
    assert any("12.0 mm apart" in note for note in volume.notes)


def test_sheared_axes_stay_where_they_are_and_are_said(tmp_path):
    sheared = AFFINE.copy()
    sheared[1, 2] = 0.75
    image = nib.Nifti1Image(CT.T, sheared)
    image.set_sform(sheared, 1)
    image.set_qform(None, 0)
    nib.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    np.testing.assert_allclose(volume.ijk_to_ras_mm, sheared, atol=1e-6)
    assert any("not at right angles (16.7°" in note for note in volume.notes)


@pytest.mark.parametrize(("unit", "scale"), [("micron", 1000.0), ("meter", 0.001)])
def test_lengths_in_another_unit_become_millimetres_and_it_is_said(unit, scale, tmp_path):
    image = nib.Nifti1Image(CT.T, np.diag([scale, scale, scale, 1]) @ AFFINE)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    np.testing.assert_allclose(volume.ijk_to_ras_mm, AFFINE, rtol=1e-5)
    assert any(f"in {unit}s" in note for note in volume.notes)


def test_a_unit_that_cannot_be_is_not_believed(tmp_path):
    image = nib.Nifti1Image(CT.T, AFFINE)
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    np.testing.assert_allclose(volume.ijk_to_ras_mm, AFFINE, rtol=1e-5)
    assert any("taken as millimetres" in note for note in volume.notes)


def test_a_qform_that_is_no_rotation_gives_way_to_the_sform(tmp_path):
    path = save(tmp_path / "scan.nii")
    content = bytearray(path.read_bytes())
    content[252:254] = np.int16(1).tobytes()
    content[256:268] = np.float32([2, 2, 2]).tobytes()
    path.write_bytes(content)
    np.testing.assert_allclose(read_volume(path).ijk_to_ras_mm, AFFINE, rtol=1e-5)


def test_a_voxel_size_of_zero_is_not_known(tmp_path):
    path = save(tmp_path / "scan.nii")
    content = bytearray(path.read_bytes())
    content[80:92] = np.zeros(3, np.float32).tobytes()
    content[252:256] = bytes(4)
    path.write_bytes(content)
    facts = read_volume(path).facts
    assert not facts.has_known_spacing and not facts.has_known_orientation


@pytest.mark.parametrize(
    ("voxels", "said"),
    [
        (np.zeros((5, 6, 7), [("R", "u1"), ("G", "u1"), ("B", "u1")]), "colours"),
        (np.zeros((5, 6, 7), np.complex64), "complex"),
        (np.zeros((3, 5, 6, 7), np.int16), "holds 3 volumes .a time sequence"),
    ],
)
def test_what_is_no_scalar_volume_is_refused_by_name(voxels, said, tmp_path):
    with pytest.raises(InputError, match=said):
        read_volume(save(tmp_path / "scan.nii.gz", voxels))


def test_numbers_that_are_none_stay_none_in_the_place_where_they_were(tmp_path):
    voxels = CT.astype(np.float32)
    voxels[:, 0] = np.nan
    volume = read_volume(save(tmp_path / "scan.nii.gz", voxels))
    assert not volume.measured[:, 0].any() and volume.measured[:, 1:].all()
    assert np.isfinite(volume.voxels).all() and (volume.voxels[:, 0] <= CT.min()).all()


def test_one_volume_in_four_dimensions_is_read(tmp_path):
    np.testing.assert_array_equal(read_volume(save(tmp_path / "scan.nii", CT[None])).voxels, CT)


def test_a_nrrd_without_a_space_has_no_known_orientation(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(CT), str(tmp_path / "scan.nrrd"))
    content = (tmp_path / "scan.nrrd").read_bytes()
    head, _, data = content.partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.startswith((b"space", b"kinds"))]
    (tmp_path / "bare.nrrd").write_bytes(b"\n".join([*lines, b"spacings: 1 1 2", b"", b""]) + data)
    assert read_volume(tmp_path / "scan.nrrd").facts.has_known_orientation
    volume = read_volume(tmp_path / "bare.nrrd")
    assert not volume.facts.has_known_orientation and any("NRRD space" in note for note in volume.notes)


PLACED = "space directions: (-0.8,0,0) (0,-0.9,0) (0,0,2.5)"


def by_hand(path, *fields, voxels=CT):
    head = ["NRRD0004", "type: short", f"dimension: {voxels.ndim}", "encoding: raw", "endian: little"]
    sizes = " ".join(map(str, voxels.shape[::-1]))
    path.write_bytes("\n".join([*head, f"sizes: {sizes}", *fields, "", ""]).encode() + voxels.astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(
    ("fields", "has_orientation", "has_spacing"),
    [
        ((), False, False),
        (("spacings: 1 1 2",), False, True),
        (("spacings: nan nan nan",), False, False),
        (("space: left-posterior-superior",), False, False),
        (("space: 3D-right-handed", PLACED), False, True),
        (("space: scanner-xyz", PLACED), False, True),
        (("space: right-anterior-superior", PLACED), True, True),
        (("space: LAS", PLACED), True, True),
    ],
)
def test_a_nrrd_header_claims_no_more_than_it_says(fields, has_orientation, has_spacing, tmp_path):
    facts = read_volume(by_hand(tmp_path / "scan.nrrd", *fields)).facts
    assert (facts.has_known_orientation, facts.has_known_spacing) == (has_orientation, has_spacing)
    assert sum("does not say" in note for note in facts.notes) == 2 - has_orientation - has_spacing


def test_a_nrrd_in_the_patients_axes_lies_where_it_says(tmp_path):
    ras = by_hand(tmp_path / "ras.nrrd", "space: right-anterior-superior", PLACED, "space origin: (10,-20,-30)")
    np.testing.assert_allclose(read_volume(ras).ijk_to_ras_mm, AFFINE, atol=1e-9)
    tiny = PLACED.replace("0.8", "800").replace("0.9", "900").replace("2.5", "2500")
    micron = by_hand(tmp_path / "um.nrrd", "space: right-anterior-superior", tiny, 'space units: "um" "um" "um"')
    volume = read_volume(micron)
    np.testing.assert_allclose(volume.spacing_mm, (0.8, 0.9, 2.5))
    assert any("lengths are in um" in note for note in volume.notes)


def test_a_sequence_that_itk_cannot_read_is_called_one(tmp_path):
    odd = by_hand(tmp_path / "s.nrrd", "space: left-posterior-superior", f"{PLACED} none", voxels=CT[None])
    with pytest.raises(InputError, match="4 dimensions .a time sequence"):
        read_volume(odd)


@pytest.mark.parametrize(
    ("fields", "has_orientation", "has_spacing"),
    [
        ("", False, False),
        ("ElementSpacing = 1 1 2\n", False, True),
        ("TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementSpacing = 1 1 2\n", True, True),
    ],
)
def test_a_meta_image_header_claims_no_more_than_it_says(fields, has_orientation, has_spacing, tmp_path):
    head = (
        f"ObjectType = Image\nNDims = 3\n{fields}DimSize = 10 12 5\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )
    (tmp_path / "s.mha").write_bytes(head.encode() + CT.tobytes())
    facts = read_volume(tmp_path / "s.mha").facts
    assert (facts.has_known_orientation, facts.has_known_spacing) == (has_orientation, has_spacing)


def test_a_header_whose_voxels_are_missing_says_so(tmp_path):
    by_hand(tmp_path / "a.nhdr", "data file: gone.raw")
    (tmp_path / "b.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nDimSize = 1 1 1\nElementType = MET_SHORT\nElementDataFile = gone.raw\n"
    )
    for name in ("a.nhdr", "b.mhd"):
        with pytest.raises(InputError, match=r"its voxels are in 'gone\.raw', which is not there"):
            read_volume(tmp_path / name)


def test_a_slice_of_a_ct_saved_as_tiff_is_no_picture(tmp_path):
    hounsfield = np.where(GREY > 120, 40, -1000).astype(np.float32)
    Image.fromarray(hounsfield).save(tmp_path / "s.tif")
    volume = read_volume(tmp_path / "s.tif")
    assert (volume.modality, volume.modality_source) == (Modality.CT, ModalitySource.GUESSED)


UNDER_A_COMMA = """
import locale, sys
from pathlib import Path
sys.path[:0] = {paths!r}
import numpy as np
import SimpleITK as sitk
locale.setlocale(locale.LC_ALL, "")
assert locale.localeconv()["decimal_point"] == ","
from medxai.report.volumes import write_slice_volume
from medxai.slice.slice_image import slice_of
from medxai.volume.reading import read_volume
volume = read_volume(Path({folder!r}) / "scan.nrrd")
assert np.allclose(volume.spacing_mm, (0.7, 0.7, 2.8)), volume.spacing_mm
write_slice_volume(Path({folder!r}) / "slice.nrrd", slice_of(volume, "axial", 1), volume.voxels[1], {{}})
assert locale.localeconv()["decimal_point"] == ","
"""


def test_numbers_do_not_depend_on_the_language_of_the_system(tmp_path):
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "de_DE.UTF-8")], capture_output=True, check=False
    )
    if not (tmp_path / "de_DE.UTF-8").exists():
        pytest.skip(f"needs a locale with a decimal comma, which cannot be made here: {made.stderr[:80]!r}")
    image = sitk.GetImageFromArray(CT)
    image.SetSpacing((0.7, 0.7, 2.8))
    sitk.WriteImage(image, str(tmp_path / "scan.nrrd"))
    code = UNDER_A_COMMA.format(paths=[str(ROOT / "MedXAI")], folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8", "PATH": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sitk.ReadImage(str(tmp_path / "slice.nrrd")).GetSpacing() == pytest.approx((0.7, 0.7, 2.8))


def test_transparent_pixels_are_black_and_said(tmp_path):
    opacity = np.full_like(GREY, 255)
    opacity[:, :10] = 0
    for name, channels in (("rgba.png", [GREY, GREY, GREY, opacity]), ("la.png", [GREY, opacity])):
        Image.fromarray(np.dstack(channels)).save(tmp_path / name)
        volume = read_volume(tmp_path / name)
        assert (volume.voxels[0, :, :10] == 0).all()
        np.testing.assert_array_equal(volume.voxels[0, :, 10:], GREY[:, 10:])
        assert any("transparent" in note for note in volume.notes)


def test_a_picture_is_told_by_its_content_and_has_no_millimetres(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "picture.png", "JPEG", quality=100)
    volume = read_volume(tmp_path / "picture.png")
    assert np.abs(volume.voxels[0].astype(int) - GREY).mean() < 2
    assert volume.modality is Modality.PICTURE and volume.modality_source is ModalitySource.FILE
    assert not volume.facts.has_known_spacing and not volume.facts.has_known_orientation
    Image.fromarray(GREY.astype(np.uint16) * 100).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_volume(tmp_path / "deep.png").voxels[0], GREY.astype(int) * 100)


def test_a_page_of_several_is_not_chosen_for_the_user(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "p.tif", save_all=True, append_images=[Image.fromarray(GREY)])
    with pytest.raises(InputError, match="holds 2 pictures"):
        read_volume(tmp_path / "p.tif")


def test_options_for_dicom_are_refused_elsewhere(tmp_path):
    with pytest.raises(InputError, match="no series or stack"):
        read_volume(save(tmp_path / "scan.nii"), stack=1)


def test_names_that_files_may_have_stay_readable(tmp_path):
    for name in ("70% systole", "pat$_$x^2", "腹部_扫描", "a\nb", "bad\udcff"):
        try:
            path = save(tmp_path / f"{name}.nii")
        except (OSError, UnicodeError):
            continue
        volume = read_volume(path)
        assert volume.name.isprintable() and volume.name.encode("utf-8")
