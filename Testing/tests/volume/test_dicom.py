"""DICOM as clinics have it: the right place and the right grey values, or one sentence that names the fault."""

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import uid

from medxai.errors import InputError
from medxai.volume.dicom import with_source_frames
from medxai.volume.reading import read_volume
from medxai.volume.volume import Modality, ModalitySource, make_volume
from support.dicom import RAS_TO_LPS, grid_lps, place, slices_of, write_frames, write_image, write_series

CT = np.random.default_rng(0).integers(0, 2000, (6, 9, 11)).astype(np.uint16)
PLACES = slices_of(grid_lps(), 6)


def lps_of(volume, i, j, k):
    return (RAS_TO_LPS @ volume.ijk_to_ras_mm @ [i, j, k, 1])[:3]


def test_files_in_any_order_come_in_along_the_normal(tmp_path):
    order = np.random.default_rng(1).permutation(6)
    write_series(tmp_path, CT[order], [PLACES[n] for n in order], SliceThickness="5")
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels, CT.astype(int) - 1024)
    assert volume.voxels.dtype == np.int16
    np.testing.assert_allclose(volume.ijk_to_ras_mm, RAS_TO_LPS @ grid_lps(), atol=1e-5)
    assert (volume.modality, volume.modality_source) == (Modality.CT, ModalitySource.FILE)
    assert volume.facts.slice_thickness_mm == 5 and volume.notes == ()


def test_place_and_values_agree_with_highdicom(tmp_path):
    highdicom = pytest.importorskip("highdicom")
    turned = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turned *= np.sign(np.linalg.det(turned))
    places = slices_of(grid_lps(turned=turned), 6)
    write_series(tmp_path, CT, places)
    volume = read_volume(tmp_path)
    other = highdicom.get_volume_from_series([pydicom.dcmread(file) for file in sorted(tmp_path.iterdir())])
    for i, j, k in ((0, 0, 0), (10, 8, 5), (3, 2, 4)):
        found = other.map_reference_to_indices(lps_of(volume, i, j, k)[None])[0]
        assert other.array[tuple(np.rint(found).astype(int))] == volume.voxels[k, j, i]
        np.testing.assert_allclose(found, np.rint(found), atol=1e-3)


def test_a_tilted_gantry_keeps_its_slices_where_they_were_cut(tmp_path):
    tilted = grid_lps()
    tilted[:3, 2] = [0, 0.9, 2.5]
    write_series(tmp_path, CT, slices_of(tilted, 6))
    volume = read_volume(tmp_path)
    np.testing.assert_allclose(lps_of(volume, 4, 3, 5), (tilted @ [4, 3, 5, 1])[:3], atol=1e-4)
    assert any("not at right angles (19.8° off" in note for note in volume.notes)


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        ([0, 3, 6, 15, 18, 21], "2 slices .* are missing: most lie 3 mm apart, but two of them 9 mm"),
        ([0, 3, 6, 9, 15, 18], "1 slice of .* is missing"),
        ([0, 3, 6, 7.5, 9, 10.5], "not evenly spaced"),
        ([0, 3, 6, 9, 12, 15.5], "not evenly spaced"),
    ],
)
def test_missing_slices_and_uneven_spacing_are_refused(heights, said, tmp_path):
    places = slices_of(grid_lps(), 6)
    for one, height in zip(places, heights, strict=True):
        one[2, 3] = height
    write_series(tmp_path, CT, places)
    with pytest.raises(InputError, match=said):
        read_volume(tmp_path)


def test_a_slice_moved_sideways_is_refused(tmp_path):
    places = slices_of(grid_lps(), 6)
    places[2][0, 3] += 3
    write_series(tmp_path, CT, places)
    with pytest.raises(InputError, match="do not lie along one line"):
        read_volume(tmp_path)


def test_rounded_positions_are_taken_without_a_word(tmp_path):
    places = slices_of(grid_lps(), 6)
    for one, off in zip(places, (0.004, -0.003, 0.002, -0.004, 0.001, 0.003), strict=True):
        one[2, 3] += off
    write_series(tmp_path, CT, places)
    assert read_volume(tmp_path).notes == ()


@pytest.mark.parametrize(
    ("attribute", "values", "name"),
    [
        ("EchoTime", ["15", "90"], "echo time: 90 ms"),
        ("TemporalPositionIdentifier", [1, 2], "time point: 2"),
        ("TriggerTime", ["0", "400"], "trigger time: 400 ms"),
        (
            "ImageType",
            [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]],
            "kind of image: ORIGINAL/PRIMARY/P",
        ),
        ("AcquisitionNumber", [1, 2], "acquisition: 2"),
        ("DiffusionGradientOrientation", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "gradient direction: [0.0, 1.0, 0.0]"),
    ],
)
def test_two_scans_in_one_series_are_listed_and_one_can_be_chosen(attribute, values, name, tmp_path):
    stored, places = np.repeat(CT[:3], 2, 0), [one for one in PLACES[:3] for _ in range(2)]
    stored[1::2] += 100
    write_series(tmp_path, stored, places, "MR", **{attribute: values * 3})
    with pytest.raises(InputError, match="2 stacks of slices that differ in") as refused:
        read_volume(tmp_path)
    assert name in str(refused.value) and len(str(refused.value)) < 690
    volume = read_volume(tmp_path, stack=2)
    np.testing.assert_array_equal(volume.voxels, CT[:3].astype(int) + 100)
    assert any("stack 2 was chosen" in note and name in note for note in volume.notes)


def test_two_images_in_one_place_that_nothing_sets_apart_are_refused(tmp_path):
    write_series(tmp_path, np.repeat(CT[:3], 2, 0), [one for one in PLACES[:3] for _ in range(2)])
    with pytest.raises(InputError, match=r"2 images at the same position \('s000.dcm' and 's001.dcm'\)"):
        read_volume(tmp_path)


def test_copies_of_files_are_left_out_and_said(tmp_path):
    write_series(tmp_path, CT, PLACES)
    (tmp_path / "s002 (1).dcm").write_bytes((tmp_path / "s002.dcm").read_bytes())
    volume = read_volume(tmp_path)
    assert volume.voxels.shape == CT.shape and any("copies" in note for note in volume.notes)


def test_a_file_that_only_claims_to_be_a_copy_is_refused(tmp_path):
    write_series(tmp_path, CT, PLACES, SOPInstanceUID=["1.2.1", "1.2.2", "1.2.2", "1.2.4", "1.2.5", "1.2.6"])
    with pytest.raises(InputError, match="claim to be the same image"):
        read_volume(tmp_path)


def turned_places(count):
    return slices_of(grid_lps(turned=np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)), count)


def test_a_localizer_is_left_out_and_a_stray_slice_is_refused(tmp_path):
    write_series(tmp_path / "a", CT, PLACES)
    scout = {**place(turned_places(1)[0]), "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    write_image(tmp_path / "a" / "scout.dcm", CT[0], **scout)
    volume = read_volume(tmp_path / "a")
    np.testing.assert_array_equal(volume.voxels, CT.astype(int) - 1024)
    assert any("localizer" in note for note in volume.notes)
    write_series(tmp_path / "b", CT, PLACES)
    write_image(tmp_path / "b" / "stray.dcm", CT[0], **place(turned_places(1)[0]))
    with pytest.raises(InputError, match=r"differ in orientation.*1 slice, coronal, .*'stray.dcm'"):
        read_volume(tmp_path / "b")


def test_three_planes_in_one_series_are_refused(tmp_path):
    places = [
        *PLACES[:2],
        *turned_places(2),
        *slices_of(grid_lps(turned=np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], float)), 2),
    ]
    write_series(tmp_path, CT, places, ImageType=[["ORIGINAL", "PRIMARY", "LOCALIZER"]] * 6)
    with pytest.raises(InputError, match=r"3 stacks of slices that differ in orientation"):
        read_volume(tmp_path)


def test_a_pixel_size_that_changes_is_refused(tmp_path):
    other = slices_of(grid_lps((0.7, 0.9, 2.5)), 6)
    write_series(tmp_path, CT, [*PLACES[:3], *other[3:]])
    with pytest.raises(InputError, match="size of the picture or its pixels"):
        read_volume(tmp_path)


def test_series_are_listed_and_can_be_chosen_by_number_or_uid(tmp_path):
    for number, name in ((7, "late"), (2, "early")):
        write_series(
            tmp_path / name, CT, PLACES, SeriesInstanceUID=f"1.2.{number}", SeriesNumber=number, SeriesDescription=name
        )
        for file in (tmp_path / name).iterdir():
            file.rename(tmp_path / f"{name}{file.name}")
        (tmp_path / name).rmdir()
    with pytest.raises(InputError, match="2 DICOM series: 1: CT 'early', 6 images; 2: CT 'late', 6 images"):
        read_volume(tmp_path)
    np.testing.assert_array_equal(read_volume(tmp_path, series=2).voxels, read_volume(tmp_path, series="1.2.7").voxels)
    with pytest.raises(InputError, match="no series 3"):
        read_volume(tmp_path, series="3")


def test_each_slice_has_its_own_rescale(tmp_path):
    slopes = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    write_series(tmp_path, CT, PLACES, "PT", RescaleSlope=slopes)
    volume = read_volume(tmp_path)
    np.testing.assert_allclose(volume.voxels, CT * np.array(slopes)[:, None, None], rtol=1e-6)
    assert volume.modality is Modality.OTHER


@pytest.mark.parametrize("largest", [2**15 - 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1])
def test_whole_numbers_of_any_size_keep_their_values(largest, tmp_path):
    stored = np.abs(CT.astype(np.int64)).astype(np.uint32)
    stored[2] = np.linspace(0, largest, stored[2].size).reshape(stored[2].shape)  # in one slice alone
    write_series(tmp_path, stored, PLACES, "MR")
    voxels = read_volume(tmp_path).voxels
    np.testing.assert_allclose(voxels, stored.astype(np.float64), rtol=1e-7)
    assert (voxels.dtype.kind == "i") == (largest < 2**31)


def test_each_frame_has_its_own_rescale_and_its_own_place(tmp_path):
    order = [3, 0, 5, 1, 4, 2]
    slopes = np.array([0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
    write_frames(tmp_path / "f.dcm", CT[order], [PLACES[n] for n in order], slopes=[float(slopes[n]) for n in order])
    volume = read_volume(tmp_path)
    np.testing.assert_allclose(volume.voxels, CT * slopes[:, None, None], rtol=1e-6)
    np.testing.assert_allclose(volume.ijk_to_ras_mm, RAS_TO_LPS @ grid_lps(), atol=1e-5)


def test_two_echoes_in_one_multi_frame_file_are_two_stacks(tmp_path):
    stored, places = np.repeat(CT[:3], 2, 0), [one for one in PLACES[:3] for _ in range(2)]
    stored[1::2] += 100
    write_frames(tmp_path / "f.dcm", stored, places, EffectiveEchoTime=[5.0, 80.0] * 3)
    with pytest.raises(InputError, match="echo time: 80 ms"):
        read_volume(tmp_path / "f.dcm")
    np.testing.assert_array_equal(read_volume(tmp_path / "f.dcm", stack=2).voxels, CT[:3].astype(int) + 100)


@pytest.mark.parametrize(
    ("stored", "attributes", "said"),
    [
        (CT, {"RescaleIntercept": None, "RescaleSlope": None}, "No value of this CT is negative"),
        (
            (CT.astype(np.int32) - 1000).astype(np.uint16) % 4096,
            {"RescaleIntercept": 0},
            "No value of this CT is negative",
        ),
        (CT % 100 + 1000, {}, "no air near −1000"),
    ],
)
def test_a_ct_without_hounsfield_units_is_warned_of(stored, attributes, said, tmp_path):
    write_series(tmp_path, stored, PLACES, **attributes)
    volume = read_volume(tmp_path)
    assert volume.modality is Modality.CT and any(said in note for note in volume.notes)


def test_a_screenshot_that_calls_itself_ct_is_a_picture(tmp_path):
    write_image(
        tmp_path / "one.dcm", (CT[0] // 8).astype(np.uint8), "CT", "SC", RescaleSlope=None, RescaleIntercept=None
    )
    volume = read_volume(tmp_path / "one.dcm")
    assert volume.modality is Modality.PICTURE and volume.voxels.dtype == np.uint8
    assert not volume.facts.has_known_orientation and not volume.facts.has_known_spacing
    assert any("secondary capture" in note for note in volume.notes)


def test_padding_counts_in_no_statistic(tmp_path):
    stored = CT.astype(np.int16) - 1024
    stored[:, 0] = -2000
    write_series(tmp_path, stored, PLACES, RescaleIntercept=0, PixelPaddingValue=-2000)
    volume = read_volume(tmp_path)
    assert not volume.measured[:, 0].any() and volume.measured[:, 1:].all() and volume.voxels.min() >= -1024
    far = CT.astype(np.int16)
    far[:, :, 0] = -32768
    write_series(tmp_path / "mr", far, PLACES, "MR")
    volume = read_volume(tmp_path / "mr")
    assert not volume.measured[:, :, 0].any() and volume.measured_values.min() >= 0


def test_hounsfield_units_are_not_turned_round(tmp_path):
    """MONOCHROME1 says how to show them; slope and intercept have made Hounsfield units of what is stored."""
    write_series(tmp_path, CT, PLACES, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels, CT.astype(int) - 1024)
    assert any("MONOCHROME1" in note for note in volume.notes)


def test_bits_beside_the_values_and_missing_signs_do_no_harm(tmp_path):
    """Old files keep an overlay in the upper bits; some leave out the copies of a sign."""
    marked = CT.copy()
    marked[:, 3:6] |= 0x8000
    write_series(tmp_path / "a", marked, PLACES, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_volume(tmp_path / "a").voxels, CT.astype(int) - 1024)
    signed = (CT.astype(int) - 1024) & 0xFFF
    own = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1, "RescaleIntercept": 0}
    write_series(tmp_path / "b", signed.astype(np.uint16), PLACES, **own)
    np.testing.assert_array_equal(read_volume(tmp_path / "b").voxels, CT.astype(int) - 1024)


def test_values_in_the_upper_bits_are_refused(tmp_path):
    write_series(tmp_path, CT << 4, PLACES, BitsStored=12, HighBit=15)
    with pytest.raises(InputError, match="stores its values in an unusual way"):
        read_volume(tmp_path)


def with_text(folder, keyword, text):
    """Puts a text where a number is, as programs with a decimal comma do; lengths stay as they are."""
    for file in folder.iterdir():
        data = pydicom.dcmread(file)
        data[keyword].value = ["1" * len(part) for part in text.split("\\")]
        data.save_as(file)
        old, new = "\\".join("1" * len(part) for part in text.split("\\")), text
        file.write_bytes(file.read_bytes().replace(old.encode(), new.encode()))


def test_numbers_with_a_decimal_comma_are_read(tmp_path):
    write_series(tmp_path, CT, PLACES, "PT")
    with_text(tmp_path, "PixelSpacing", "0,90000\\0,80000")
    with_text(tmp_path, "RescaleSlope", "0,5000001")
    volume = read_volume(tmp_path)
    np.testing.assert_allclose(volume.spacing_mm, (0.8, 0.9, 2.5), atol=1e-5)
    np.testing.assert_allclose(volume.voxels, CT * 0.5, rtol=1e-5)


def test_a_slope_that_is_no_number_is_refused(tmp_path):
    write_series(tmp_path, CT, PLACES, "PT")
    with_text(tmp_path, "RescaleSlope", "slope here")
    with pytest.raises(InputError, match="RescaleSlope that is no number"):
        read_volume(tmp_path)


def test_a_map_that_calls_itself_ct_is_warned_of(tmp_path):
    write_series(tmp_path, CT, PLACES, RescaleType="MGML")
    assert any("values are 'MGML', not Hounsfield units" in note for note in read_volume(tmp_path).notes)


def test_a_screenshot_with_16_bits_is_a_picture_too(tmp_path):
    stored = (CT[0] // 8).astype(np.uint16)
    write_image(tmp_path / "one.dcm", stored, "CT", "SC", RescaleSlope=None, RescaleIntercept=None)
    volume = read_volume(tmp_path / "one.dcm")
    assert volume.modality is Modality.PICTURE and any("secondary capture" in note for note in volume.notes)


def test_a_mosaic_and_a_film_are_no_volumes(tmp_path):
    write_image(tmp_path / "m.dcm", CT[0], "MR", ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"], **place(PLACES[0]))
    with pytest.raises(InputError, match="is a mosaic"):
        read_volume(tmp_path / "m.dcm")
    plain = {"RescaleSlope": None, "RescaleIntercept": None}
    write_image(tmp_path / "f.dcm", (CT // 8).astype(np.uint8), "US", "SC", NumberOfFrames=6, **plain)
    with pytest.raises(InputError, match="6 pictures taken one after another"):
        read_volume(tmp_path / "f.dcm")


def test_frames_without_places_of_their_own_are_refused(tmp_path):
    write_image(tmp_path / "f.dcm", CT, "MR", "SC", NumberOfFrames=6, **place(PLACES[0]))
    with pytest.raises(InputError, match="holds 6 frames, up to 6 of them at the same position"):
        read_volume(tmp_path / "f.dcm")


def test_a_microscopic_scan_is_read(tmp_path):
    tiny = grid_lps((0.02, 0.02, 0.02))
    write_series(tmp_path, CT, slices_of(tiny, 6))
    np.testing.assert_allclose(read_volume(tmp_path).ijk_to_ras_mm, RAS_TO_LPS @ tiny, atol=1e-6)


def test_two_frames_of_reference_are_said(tmp_path):
    write_series(tmp_path, CT, PLACES, FrameOfReferenceUID=["1.2.8"] * 3 + ["1.2.9"] * 3)
    assert any("2 frames of reference" in note for note in read_volume(tmp_path).notes)


@pytest.mark.parametrize("directions", [["1", "0", "0", "1", "0", "0"], ["0"] * 6])
def test_directions_that_span_no_plane_are_not_known(directions, tmp_path):
    write_series(tmp_path, CT, PLACES, ImageOrientationPatient=[directions] * 6)
    volume = read_volume(tmp_path)
    assert not volume.facts.has_known_orientation and any("neither where they lie" in note for note in volume.notes)


def test_slices_without_places_are_as_far_apart_as_the_file_says(tmp_path):
    nowhere = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "SliceThickness": "2"}
    write_series(tmp_path, CT, PLACES, "MR", SpacingBetweenSlices="4", **nowhere)
    assert read_volume(tmp_path).spacing_mm[2] == 4


def test_objects_that_are_no_scan_are_left_out_and_named_when_asked_for(tmp_path):
    write_series(tmp_path, CT, PLACES)
    data = pydicom.dcmread(tmp_path / "s000.dcm")
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(data, keyword)
    data.SOPClassUID, data.Modality, data.SOPInstanceUID = uid.EncapsulatedPDFStorage, "OT", "1.2.99"
    data.save_as(tmp_path / "report.dcm")
    assert read_volume(tmp_path).voxels.shape == CT.shape
    with pytest.raises(InputError, match=r"'report.dcm' is a DICOM object without an image \(Encapsulated PDF Storage"):
        read_volume(tmp_path / "report.dcm")
    write_image(tmp_path / "seg" / "one.dcm", CT[0], "SEG", "SC")
    with pytest.raises(InputError, match="a DICOM object of the kind SEG, not a scan"):
        read_volume(tmp_path / "seg" / "one.dcm")


def test_white_that_means_low_is_turned_round(tmp_path):
    write_series(tmp_path, CT, PLACES, "MR", PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, 4095 - CT.astype(int))


def test_one_file_is_as_thick_as_the_scanner_says(tmp_path):
    write_image(tmp_path / "one.dcm", CT[0], SliceThickness="5", **place(PLACES[0]))
    volume = read_volume(tmp_path / "one.dcm")
    assert volume.spacing_mm[2] == 5 and volume.facts.slice_thickness_mm == 5


@pytest.mark.parametrize("kept", [0.3, 0.9, 140])
def test_a_truncated_file_is_named(kept, tmp_path):
    write_series(tmp_path, CT, PLACES)
    whole = (tmp_path / "s003.dcm").read_bytes()
    (tmp_path / "s003.dcm").write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(InputError, match=r"'s003.dcm' is damaged"):
        read_volume(tmp_path)


def test_images_without_a_place_say_so(tmp_path):
    nowhere = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
    write_series(tmp_path, CT, PLACES, "MR", **nowhere)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels, CT)
    assert not volume.facts.has_known_orientation and any("neither where they lie" in note for note in volume.notes)


def test_colour_and_other_files_in_the_folder(tmp_path):
    write_series(tmp_path, CT, PLACES)
    (tmp_path / "notes.txt").write_text("no image")
    assert read_volume(tmp_path).voxels.shape == CT.shape
    colour = np.random.default_rng(0).integers(0, 255, (9, 11, 3)).astype(np.uint8)
    write_image(tmp_path / "c" / "one.dcm", colour[..., 0], "SC", Rows=9, Columns=11, SamplesPerPixel=3, PlanarConfiguration=0,
                PhotometricInterpretation="RGB", PixelData=colour.tobytes())  # fmt: skip
    with pytest.raises(InputError, match="colour image"):
        read_volume(tmp_path / "c")


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.DeflatedExplicitVRLittleEndian])
def test_compressed_series_are_read(syntax, tmp_path):
    write_series(tmp_path, CT, PLACES)
    for file in tmp_path.iterdir():
        data = pydicom.dcmread(file)
        if syntax == uid.DeflatedExplicitVRLittleEndian:
            data.file_meta.TransferSyntaxUID = syntax
        else:
            data.compress(syntax, generate_instance_uid=False)
        data.save_as(file)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, CT.astype(int) - 1024)


@pytest.mark.parametrize("compressor", ["JPEG2000", "JPEG"])
def test_series_compressed_by_gdcm_are_read(compressor, tmp_path):
    """Lossless JPEG has no decoder in pydicom alone; each slice keeps its own slope there, too."""
    write_series(tmp_path, CT, PLACES, RescaleSlope=[1, 2, 3, 4, 5, 6], RescaleIntercept=0)
    for file in tmp_path.iterdir():
        plain = pydicom.dcmread(file)
        image = sitk.GetImageFromArray(plain.pixel_array[None])
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(file))
        writer.UseCompressionOn()
        writer.SetCompressor(compressor)
        writer.Execute(image)
        packed = pydicom.dcmread(file)
        assert packed.file_meta.TransferSyntaxUID.is_compressed
        plain.PixelData, plain.file_meta.TransferSyntaxUID = packed.PixelData, packed.file_meta.TransferSyntaxUID
        plain["PixelData"].is_undefined_length = True
        plain.save_as(file)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels, CT.astype(int) * np.arange(1, 7)[:, None, None])


@pytest.mark.parametrize("kind", ["files", "frames of one file"])
def test_the_images_of_a_volume_that_another_program_read_are_found_by_their_place(kind, tmp_path):
    stored = np.random.default_rng(0).integers(0, 900, (5, 8, 9)).astype(np.uint16)
    if kind == "files":
        write_series(tmp_path / "in", stored, slices_of(grid_lps(), 5))
        files, source = sorted((tmp_path / "in").iterdir()), tmp_path / "in"
    else:
        source = tmp_path / "frames.dcm"
        write_frames(source, stored, slices_of(grid_lps(), 5))
        files = [source]
    own = read_volume(source)
    back = np.diag([1, 1, -1, 1.0])
    back[2, 3] = 4
    other = make_volume("other", own.voxels[::-1].copy(), own.ijk_to_ras_mm @ back, "CT")
    assert with_source_frames(other, files[::-1]).source_frames == own.source_frames[::-1]
    moved = own.ijk_to_ras_mm.copy()
    moved[:3, 3] += 1
    for wrong in (
        make_volume("moved", own.voxels, moved, "CT"),
        make_volume("cut", own.voxels[:, :-1], own.ijk_to_ras_mm, "CT"),
    ):
        with pytest.raises(InputError, match="do not lie where its DICOM images do"):
            with_source_frames(wrong, files)
