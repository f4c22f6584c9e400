"""Published data sets are read as they lie in their folders: every mask on its own slice, the right way round."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medxai.errors import InputError
from medxai_lab.cohort.cases import CaseChoice, choose_cases, reference_mask, slices_at_quantiles
from medxai_lab.datasets.catalogue import scans_of
from medxai_lab.datasets.organ_labels import parse_organs, read_labels
from medxai_lab.datasets.scan import Scan
from support.data_sets import write_dicom_slice, write_flare22, write_nifti, write_png
from support.scans import ROOT

SLICES, ROWS, COLUMNS = 7, 20, 24


def marked_slice(height: int) -> tuple[np.ndarray, np.ndarray]:
    """A slice whose bright patch tells how high it lies, and where the patch is; neither row nor column is symmetrical."""
    patch = np.zeros((ROWS, COLUMNS), bool)
    patch[2 : 6 + height, 1 + height : 9] = True
    return np.where(patch, 300, -100), patch


def check_marked(scan: Scan, label: int = 1) -> None:
    """Every patch lies in its mask, and heights run as the volume's geometry says."""
    labelled = scan.source.read()
    volume = labelled.volume
    assert volume.shape_ijk == (COLUMNS, ROWS, SLICES)
    assert np.array_equal(labelled.labels == label, volume.voxels > 0)
    for k in range(SLICES):
        height = round((volume.ijk_to_ras_mm @ [0, 0, k, 1])[2] / 5.0)
        assert np.array_equal(volume.voxels[k] > 0, marked_slice(height)[1])


#: The two ways in which CHAOS names a CT's slices, the number in the name of the n-th, and how their heights may run.
CT_NAMES = {"from 0": "i{:04d},0000b.dcm", "from 1": "IMG-0002-{:05d}.dcm"}


@pytest.mark.parametrize(
    "heights",
    [range(SLICES), range(SLICES - 1, -1, -1), (3, 0, 6, 1, 5, 2, 4)],
    ids=["feet first", "head first", "mixed"],
)
@pytest.mark.parametrize("naming", CT_NAMES)
@pytest.mark.parametrize("own_series", [True, False])
def test_a_chaos_ct_mask_lies_on_the_slice_of_its_turn(
    tmp_path: Path, naming: str, heights: Sequence[int], own_series: bool
):
    patient = tmp_path / "Train_Sets" / "CT" / "16"
    for turn, height in enumerate(heights):
        pixels, patch = marked_slice(height)
        name = CT_NAMES[naming].format(turn + (naming == "from 1"))
        series = f"1.2.826.0.1.3680043.2.1125.2.{turn if own_series else 0}"
        write_dicom_slice(pixels, patient / "DICOM_anon" / name, 5.0 * height, turn + 1, "CT", series)
        write_png(255 * patch, patient / "Ground" / f"liver_GT_{turn:03d}.png")
    (scan,) = scans_of(tmp_path, "chaos-ct")
    assert scan.organs == {1: "liver"} and scan.source.read().volume.modality == "CT"
    check_marked(scan)


@pytest.mark.parametrize("given", [".", "Train_Sets", "Train_Sets/MR"])
def test_a_chaos_mr_patient_is_three_scans_and_both_phases_share_their_masks(tmp_path: Path, given: str):
    patient = tmp_path / "Train_Sets" / "MR" / "5"
    for turn in range(SLICES):
        pixels, patch = marked_slice(turn)
        dual, spir = patient / "T1DUAL", patient / "T2SPIR"
        # The two phases take the odd and the even numbers of one count; only one of them has names in common with the masks.
        for phase, number in (("OutPhase", 2 * turn + 1), ("InPhase", 2 * turn + 2)):
            write_dicom_slice(
                pixels,
                dual / "DICOM_anon" / phase / f"IMG-0004-{number:05d}.dcm",
                5.0 * turn,
                number,
                "MR",
                f"1.2.3.{number % 2}",
            )
        write_png(126 * patch, dual / "Ground" / f"IMG-0004-{2 * turn + 2:05d}.png")
        # Here names and positions run opposite ways.
        write_dicom_slice(
            pixels, spir / "DICOM_anon" / f"IMG-0002-{SLICES - turn:05d}.dcm", 5.0 * turn, turn, "MR", "1.2.4"
        )
        write_png(250 * patch, spir / "Ground" / f"IMG-0002-{SLICES - turn:05d}.png")
    scans = scans_of(tmp_path / given, "chaos-mr")
    assert [scan.name for scan in scans] == ["MR 5 T1DUAL in phase", "MR 5 T1DUAL out of phase", "MR 5 T2SPIR"]
    assert {scan.patient for scan in scans} == {"MR 5"}
    for scan, organ in zip(scans, ("right kidney", "right kidney", "spleen"), strict=True):
        check_marked(scan, next(label for label, name in scan.organs.items() if name == organ))


def test_a_chaos_patient_with_a_lost_mask_fails_with_a_sentence_and_alone(tmp_path: Path):
    for patient in ("1", "2"):
        for turn in range(3):
            pixels, patch = marked_slice(turn)
            folder = tmp_path / "CT" / patient
            write_dicom_slice(pixels, folder / "DICOM_anon" / f"i{turn:04d},0000b.dcm", 5.0 * turn, turn, "CT", "1.2.3")
            write_png(255 * patch, folder / "Ground" / f"liver_GT_{turn:03d}.png")
    (tmp_path / "CT" / "1" / "Ground" / "liver_GT_001.png").unlink()
    first, second = scans_of(tmp_path, "chaos-ct")
    with pytest.raises(InputError, match=r"3 DICOM slices .* 2 masks"):
        first.source.read()
    assert second.source.read().labels.any()


def test_flare22_pairs_images_with_labels_and_knows_its_thirteen_organs(tmp_path: Path):
    write_flare22(tmp_path / "FLARE22_LabeledCase50", 2)
    scans = scans_of(tmp_path, "flare22")
    assert [scan.name for scan in scans] == ["FLARE22_Tr_0001", "FLARE22_Tr_0002"]
    assert len(scans[0].organs) == 13 and scans[0].organs[13] == "left kidney" and scans[0].organs[2] == "right kidney"
    labelled = scans[1].source.read()
    assert 100 < labelled.volume.voxels[labelled.labels == 1].mean() < 120


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flipped", [False, True])
def test_cases_are_axial_in_the_patient_however_the_volume_is_stored(
    tmp_path: Path, axes: tuple[int, int, int], flipped: bool
):
    heights = 9
    voxels, labels = np.full((heights, 30, 40), -50, np.int16), np.zeros((heights, 30, 40), np.uint8)
    for k in range(2, 7):
        patch = np.s_[k, 5 : 12 + k, 8 : 30 - k]
        voxels[patch], labels[patch] = 200 + k, 4
    for array, name in ((voxels, "one.nii.gz"), (labels, "one_seg.nii.gz")):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.0, 3.0, 4.0))
        image = sitk.PermuteAxes(image, axes)
        sitk.WriteImage(sitk.Flip(image, [flipped, False, flipped]) if flipped else image, str(tmp_path / name))
    (scan,) = scans_of(tmp_path, "nifti-pairs", parse_organs(["4=liver"]))
    labelled = scan.source.read()
    cases = choose_cases(scan, labelled, CaseChoice(slices_per_organ=5, smallest_px=10, jitter=0.0))
    areas = set()
    for case in cases:
        mask = reference_mask(labelled, case)
        assert sorted(mask.shape) == [30, 40]
        rows, columns = np.nonzero(mask)
        box = case.box
        assert (box.first_row, box.last_row, box.first_column, box.last_column) == (
            rows.min(),
            rows.max(),
            columns.min(),
            columns.max(),
        )
        areas.add(int(mask.sum()))
    assert areas == {int((labels[k] == 4).sum()) for k in range(2, 7)}


def test_slices_of_an_organ_are_taken_at_quantiles_of_its_area():
    areas = [0, 50, 400, 300, 200, 900, 800, 700, 600, 500, 100]
    assert slices_at_quantiles(areas, 1, 100) == [8]
    assert slices_at_quantiles(areas, 4, 100) == [3, 5, 7, 9]
    assert slices_at_quantiles(areas, 99, 100) == [2, 3, 4, 5, 6, 7, 8, 9]
    chosen = [areas[n] for n in slices_at_quantiles(areas, 3, 0)]
    assert min(chosen) < 300 < max(chosen) and len(set(chosen)) == 3


def test_boxes_follow_from_the_seed_and_not_from_which_organs_are_asked_for(tmp_path: Path):
    write_flare22(tmp_path, 1)
    (scan,) = scans_of(tmp_path, "flare22")
    labelled = scan.source.read()
    everything = {
        case.case_id: case.box for case in choose_cases(scan, labelled, CaseChoice(smallest_px=20, jitter=0.3))
    }
    spleen = choose_cases(scan, labelled, CaseChoice(smallest_px=20, jitter=0.3, organs=("spleen",)))
    assert spleen and all(everything[case.case_id] == case.box for case in spleen)
    other = choose_cases(scan, labelled, CaseChoice(smallest_px=20, jitter=0.3, organs=("spleen",), seed=1))
    assert [case.box for case in other] != [case.box for case in spleen]
    tight = {case.case_id: case.box for case in choose_cases(scan, labelled, CaseChoice(smallest_px=20, jitter=0.0))}
    moved_left = {everything[name].first_column < box.first_column for name, box in tight.items()}
    assert moved_left == {True, False}, "all boxes are moved alike"


def test_labels_may_differ_between_volumes_and_come_in_nnu_nets_forms(tmp_path: Path):
    for name in ("ct_1", "mr_1"):
        write_nifti(np.zeros((2, 4, 4), np.int16), tmp_path / f"{name}.nii.gz")
        write_nifti(np.zeros((2, 4, 4), np.uint8), tmp_path / f"{name}_organs.nii.gz")
    (tmp_path / "labels.json").write_text(json.dumps({"ct_*": {"63": "vena cava"}, "mr_*": {"24": "vena cava"}}))
    assert [dict(scan.organs) for scan in scans_of(tmp_path, "nifti-pairs")] == [{63: "vena cava"}, {24: "vena cava"}]
    for content in ({"labels": {"0": "background", "2": "liver"}}, {"labels": {"background": 0, "liver": 2}}):
        (tmp_path / "labels.json").write_text(json.dumps(content))
        assert read_labels(tmp_path / "labels.json").of("any") == {2: "liver"}
    (tmp_path / "labels.json").unlink()
    with pytest.raises(InputError, match="Nothing says what the labels of 'ct_1' mean"):
        scans_of(tmp_path, "nifti-pairs")


def test_a_folder_in_another_layout_is_refused_with_what_was_looked_for(tmp_path: Path):
    for layout, looked_for in (
        ("flare22", "images and labels"),
        ("chaos-ct", "Train_Sets/CT"),
        ("chaos-mr", "Train_Sets/MR"),
        ("nifti-pairs", "_seg"),
    ):
        with pytest.raises(InputError, match=looked_for):
            scans_of(tmp_path, layout)
    with pytest.raises(InputError, match="no folder"):
        scans_of(tmp_path / "nowhere", "flare22")


def test_a_reference_on_another_grid_is_refused(tmp_path: Path):
    write_nifti(np.zeros((3, 4, 5), np.int16), tmp_path / "a.nii.gz")
    write_nifti(np.zeros((3, 4, 5), np.uint8), tmp_path / "a_seg.nii.gz", spacing=(5.0, 5.0, 6.0))
    (scan,) = scans_of(tmp_path, "nifti-pairs", parse_organs(["1=liver"]))
    with pytest.raises(InputError, match="different grids"):
        scan.source.read()


def test_the_two_shared_scans_are_read_with_their_own_labels(ct, mr):
    labels = ROOT / "Testing" / "benchmarks" / "shared_data_labels.json"
    scans = {scan.name: scan for scan in scans_of(ct.path.parent, "nifti-pairs", read_labels(labels))}
    for scan, known in ((scans["ct_abdomen"], ct), (scans["mr_abdomen"], mr)):
        label = next(label for label, organ in scan.organs.items() if organ == "aorta")
        assert label == known.labels["aorta"]
        assert np.array_equal(scan.source.read().labels == label, known.organs == label)
