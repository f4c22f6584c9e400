"""The command as users type it: files in, files out, and one sentence where something is wrong."""

import csv
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from medxai.cli.main import main
from medxai.limits import LIMITS_STATEMENT
from support.dicom import grid_lps, slices_of, write_series
from support.models import small_model

pytest.importorskip("slicer", reason="needs the package slicer-core")

FILES = {
    "contour.csv",
    "explanation.json",
    "figures.csv",
    "panels.png",
    "report.html",
    "saliency_stage1.nrrd",
    "saliency_stage2.nrrd",
    "saliency_stage3.nrrd",
    "scene.mrb",
    "segmentation.nrrd",
    "segmentation.seg.nrrd",
}
DIRECTION = (0, -1, 0, 1, 0, 0, 0, 0, 1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.pth"
    torch.save(small_model().sam.state_dict(), path)
    return str(path)


@pytest.fixture
def scan(tmp_path):
    """A CT with one very bright voxel at (i, j, k) = (17, 9, 3), axes turned in the patient."""
    voxels = np.random.default_rng(0).integers(-200, 200, (6, 24, 30)).astype(np.int16)
    voxels[0] = -1000
    voxels[3, 9, 17] = 2000
    return _write_volume(voxels, tmp_path / "scan.nii.gz")


def run(capsys, *arguments):
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_every_file_is_there_and_lies_on_the_landmark(capsys, scan, checkpoint, tmp_path):
    for plane, index, box, bright in (
        ("axial", 3, (12, 5, 22, 14), (17, 9)),
        ("coronal", 9, (12, 1, 22, 5), (17, 3)),
        ("sagittal", 17, (5, 1, 14, 5), (9, 3)),
    ):
        out = tmp_path / plane
        status, said, _ = run(
            capsys,
            "explain",
            scan,
            "--plane",
            plane,
            "--slice",
            index,
            "--box",
            *box,
            "--model",
            checkpoint,
            "--output",
            out,
        )
        assert status == 0
        assert {p.name for p in out.iterdir()} == FILES
        assert LIMITS_STATEMENT in said
        source = sitk.ReadImage(str(scan))
        for name in ("saliency_stage1.nrrd", "saliency_stage3.nrrd", "segmentation.nrrd"):
            image = sitk.ReadImage(str(out / name))
            size = list(source.GetSize())
            size[{"axial": 2, "coronal": 1, "sagittal": 0}[plane]] = 1
            assert list(image.GetSize()) == size
            # The landmark has the same place in the patient in both files.
            own = [17, 9, 3]
            own[{"axial": 2, "coronal": 1, "sagittal": 0}[plane]] = 0
            np.testing.assert_allclose(
                image.TransformIndexToPhysicalPoint(own), source.TransformIndexToPhysicalPoint((17, 9, 3)), atol=1e-3
            )
            assert image.GetMetaData("MedXAI.Limits") == LIMITS_STATEMENT
        record = json.loads((out / "explanation.json").read_text(encoding="utf-8"))
        assert record["limits"] == LIMITS_STATEMENT
        assert record["input"]["box_first_last_px"] == {"columns": [box[0], box[2]], "rows": [box[1], box[3]]}
        to_ras = np.array(record["input"]["pixel_to_ras_mm"])
        np.testing.assert_allclose(
            (to_ras @ [*bright, 0, 1])[:3] * [-1, -1, 1], source.TransformIndexToPhysicalPoint((17, 9, 3)), atol=1e-3
        )
        assert set(record["metrics"]["share_inside_mask"]) == {"stage1", "stage2", "stage3"}
        assert record["timings_s"]["encode"] > 0
        assert len(record["model"]["checksum_sha256"]) == 64


def test_a_png_is_explained_without_naming_a_slice(capsys, checkpoint, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "p.png"))
    status, _, _ = run(
        capsys, "explain", tmp_path / "p.png", "--box", 5, 6, 30, 28, "--model", checkpoint, "--output", tmp_path / "o"
    )
    assert status == 0
    assert {p.name for p in (tmp_path / "o").iterdir()} == FILES


def test_the_saved_scene_is_a_slicer_scene_with_the_overlay_in_view(capsys, scan, checkpoint, tmp_path, scene):
    from medxai.scene.headless import load_scene_bundle
    from medxai.scene.views import composite_of, slice_view

    run(
        capsys,
        "explain",
        scan,
        "--plane",
        "coronal",
        "--slice",
        9,
        "--box",
        12,
        1,
        22,
        5,
        "--model",
        checkpoint,
        "--output",
        tmp_path / "o",
    )
    load_scene_bundle(scene, tmp_path / "o" / "scene.mrb")
    view = slice_view(scene, "Green")
    shown = scene.GetNodeByID(composite_of(view).GetForegroundVolumeID())
    assert shown.GetName() == "scan · MedXAI Stage 3 · block 3"
    source = sitk.ReadImage(str(scan))
    place = np.array(source.TransformIndexToPhysicalPoint((17, 9, 3))) * [-1, -1, 1]
    matrix = view.GetSliceToRAS()
    normal = np.array([matrix.GetElement(r, 2) for r in range(3)])
    centre = np.array([matrix.GetElement(r, 3) for r in range(3)])
    assert abs((place - centre) @ normal) < 1e-3


@pytest.fixture
def labels(tmp_path):
    """A file of labels on the scan's grid: 1 and 2 on axial slice 3, 2 alone on slice 2."""
    voxels = np.zeros((6, 24, 30), np.uint8)
    voxels[2:4, 6:13, 14:21] = 2
    voxels[3, 2:5, 2:9] = 1
    return _write_volume(voxels, tmp_path / "labels.nii.gz")


def _write_volume(voxels: np.ndarray, path: Path, spacing=(1.5, 2.0, 4.0)) -> Path:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin((5.0, -6.0, 7.0))
    image.SetDirection(DIRECTION)
    sitk.WriteImage(image, str(path))
    return path


def test_the_report_compares_with_the_asked_label_of_a_reference(capsys, scan, labels, checkpoint, tmp_path):
    with_label = ("--box", 12, 5, 22, 14, "--model", checkpoint, "--reference", labels)
    assert (
        run(capsys, "explain", scan, "--slice", 3, *with_label, "--reference-label", 2, "--output", tmp_path / "two")[0]
        == 0
    )
    assert run(capsys, "explain", scan, "--slice", 2, *with_label, "--output", tmp_path / "only")[0] == 0

    def figures(name: str) -> dict[tuple[str, ...], float]:
        with (tmp_path / name / "figures.csv").open(newline="") as file:
            file.readline()  # the limits
            rows = list(csv.DictReader(file))
        return {
            (row["explainer"], row["map"], row["layer"], row["metric"]): float(row["value"])
            for row in rows
            if row["mask"] == "reference"
        }

    box_alone = ("box", "", "", "energy_inside")
    assert figures("two")[box_alone] > 0.3
    assert figures("only")[box_alone] == figures("two")[box_alone]
    html = (tmp_path / "two" / "report.html").read_text(encoding="utf-8")
    assert "against the reference mask" in html
    assert f"the reference mask, label 2 of {labels.name}." in html
    record = json.loads((tmp_path / "two" / "explanation.json").read_text(encoding="utf-8"))
    assert record["input"]["reference"] == {"path": str(labels), "label": 2}


BAD_REFERENCES = {
    "the scan itself": (["--reference", "scan"], "holds the scan itself, not labels"),
    "not in the box": (
        ["--reference-label", 1],
        "Label 1 of 'labels.nii.gz' has no pixel in the box (columns 12 to 22, rows 5 to 14)",
    ),
    "label that is not on the slice": (["--reference-label", 7], "no label 7 on axial slice 3 (there: 1, 2)"),
    "several labels and none chosen": ([], "choose one with --reference-label"),
    "slice without a label": (["--slice", 5], "no label on axial slice 5; choose"),
    "slice that is not there": (["--slice", 9], "no axial slice 9"),
    "another grid": (["--reference", "moved"], "different grids"),
    "fractions": (["--reference", "fractions"], "fractions instead of labels"),
    "label without a file": (["--reference", None, "--reference-label", 2], "give the file, too"),
}


@pytest.mark.parametrize("case", BAD_REFERENCES)
def test_a_reference_that_cannot_be_used_gets_one_sentence(case, capsys, scan, labels, tmp_path):
    changes, sentence = BAD_REFERENCES[case]
    options = {"--slice": 3, "--reference": labels} | dict(zip(changes[::2], changes[1::2], strict=True))
    if options["--reference"] == "scan":
        options["--reference"] = scan
    if options["--reference"] == "moved":
        options["--reference"] = _write_volume(np.ones((6, 24, 30), np.uint8), tmp_path / "moved.nrrd", (1.5, 2.1, 4.0))
    if options["--reference"] == "fractions":
        options["--reference"] = _write_volume(np.full((6, 24, 30), 0.5, np.float32), tmp_path / "fractions.nrrd")
    words = [word for name, value in options.items() if value is not None for word in (name, value)]
    # A model that does not exist: the reference is looked at before any model.
    status, _, complaint = run(
        capsys, "explain", scan, "--box", 12, 5, 22, 14, "--model", "absent", "--output", tmp_path / "o", *words
    )
    assert status == 2
    assert sentence in complaint and complaint.count("\n") == 1
    assert not (tmp_path / "o").exists()


BAD = {
    "box outside": (["--box", 100, 100, 120, 120], "outside the slice"),
    "box empty": (["--box", 20, 5, 10, 9], "empty"),
    "no such slice": (["--slice", 6], "no axial slice 6"),
    "no slice named": (["--slice", None], "choose one with --slice"),
    "constant slice": (["--slice", 0], "constant"),
    "window without width": (["--window", 40, 0], "no width"),
    "window that shows nothing": (["--window", 9000, 10], "shows nothing"),
    "both windows": (["--window", 40, 400, "--window-preset", "lung"], "one of them"),
    "unknown model": (["--model", "medsan"], "neither a model nor a checkpoint"),
    "unknown layer": (["--layers", "block 99"], "no layer 'block 99'"),
    "no such device": (["--device", "tpu"], "no device 'tpu'"),
    "no such file": (["INPUT", "absent.nrrd"], "no file or folder"),
    "truncated": (["INPUT", "truncated"], "cannot be read"),
    "4-D": (["INPUT", "4d"], "one 3-D volume"),
    "colour": (["INPUT", "colour"], "colour"),
    "malicious checkpoint": (["--model", "evil"], "could run code"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_nothing_is_written(case, capsys, scan, checkpoint, tmp_path):
    changes, sentence = BAD[case]
    options = {"--slice": [3], "--box": [12, 5, 22, 14], "--model": [checkpoint], "--output": [tmp_path / "o"]}
    options.update(
        {changes[0]: changes[1:]}
        if len(changes) < 5 or changes[0] == "--box"
        else {changes[0]: changes[1:3], changes[3]: changes[4:]}
    )
    source = _spoiled(tmp_path, options.pop("INPUT", [scan])[0])
    if options["--model"] == ["evil"]:
        options["--model"] = [_evil(tmp_path)]
    words = [word for name, values in options.items() if values != [None] for word in (name, *values)]
    status, _said, complaint = run(capsys, "explain", source, *words)
    assert status == 2
    assert sentence in complaint
    assert complaint.count("\n") == 1
    assert "Traceback" not in complaint
    assert not (tmp_path / "o").exists()


def test_a_folder_without_a_name_is_not_the_one_the_user_is_in(capsys, scan):
    """An unset variable of a shell gives an empty name."""
    with pytest.raises(SystemExit):
        main(["explain", str(scan), "--box", "1", "1", "9", "9", "--output", ""])
    assert "--output: the name is empty; name a folder" in capsys.readouterr().err


def _spoiled(folder: Path, kind):
    voxels = np.random.default_rng(0).normal(size=(5, 20, 20))
    path = folder / f"{kind}.nrrd"
    if kind == "truncated":
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "nan":
        voxels[0, 0, 0] = np.nan
        sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))
    elif kind == "4d":
        sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(voxels)] * 2), str(path))
    elif kind == "colour":
        sitk.WriteImage(sitk.GetImageFromArray(np.ones((5, 20, 20, 3), np.uint8), isVector=True), str(path))
    else:
        return kind
    return path


class _Danger:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def _evil(folder: Path) -> Path:
    torch.save({"w": torch.zeros(2), "x": _Danger()}, folder / "evil.pth")
    return folder / "evil.pth"


def test_an_output_that_is_a_file_is_refused_before_the_model_runs(capsys, scan, tmp_path):
    (tmp_path / "o").write_text("mine")
    status, _, complaint = run(
        capsys, "explain", scan, "--slice", 3, "--box", 12, 5, 22, 14, "--output", tmp_path / "o" / "x"
    )
    assert status == 2
    assert "is a file" in complaint
    assert (tmp_path / "o").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_may_not_be_written_is_refused(capsys, scan, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere, so a folder without write permission cannot be made")
    (tmp_path / "o").mkdir(mode=0o500)
    status, _, complaint = run(
        capsys, "explain", scan, "--slice", 3, "--box", 12, 5, 22, 14, "--output", tmp_path / "o"
    )
    assert status == 2
    assert "may write" in complaint


@pytest.fixture
def tiny_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True).returncode
    ):
        pytest.skip("needs the right to mount a small file system, to fill it up")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_said_and_leaves_what_was_there(capsys, scan, checkpoint, tiny_disk):
    (tiny_disk / "panels.png").write_text("older")
    status, _, complaint = run(
        capsys, "explain", scan, "--slice", 3, "--box", 12, 5, 22, 14, "--model", checkpoint, "--output", tiny_disk
    )
    assert status == 2
    assert "space" in complaint
    assert [p.name for p in tiny_disk.iterdir()] == ["panels.png"]
    assert (tiny_disk / "panels.png").read_text(encoding="utf-8") == "older"


@pytest.mark.parametrize("command", ["explain", "dice"])
def test_running_out_of_memory_is_said(command, capsys, scan, labels, checkpoint, tmp_path, monkeypatch):
    """The allocator's own error, as torch raises it, from the middle of the encoder."""
    from medxai.encoding.kernels import exact_vit

    def exhausted(*_arguments, **_more):
        torch.empty(1 << 60)

    monkeypatch.setattr(exact_vit, "exact_pass", exhausted)
    words = {
        "explain": ("explain", scan, "--slice", 3, "--box", 12, 5, 22, 14, "--output", tmp_path / "o"),
        "dice": ("dice", scan, labels, "--organ", "2=block", "--smallest", 10),
    }[command]
    status, _, complaint = run(capsys, *words, "--model", checkpoint)
    assert status == 2
    assert complaint.count("\n") == 1
    assert "not enough memory" in complaint
    assert not (tmp_path / "o").exists()


def test_a_second_run_replaces_the_files_of_the_first(capsys, scan, checkpoint, tmp_path):
    for last in (22, 24):
        assert (
            run(
                capsys,
                "explain",
                scan,
                "--slice",
                3,
                "--box",
                12,
                5,
                last,
                14,
                "--model",
                checkpoint,
                "--output",
                tmp_path / "o",
            )[0]
            == 0
        )
    assert {p.name for p in (tmp_path / "o").iterdir()} == FILES
    assert json.loads((tmp_path / "o" / "explanation.json").read_text(encoding="utf-8"))["input"]["box_first_last_px"][
        "columns"
    ] == [12, 24]


def test_an_encoder_that_is_not_for_this_model_is_said_and_replaced(capsys, scan, tmp_path):
    status, said, _ = run(
        capsys, "explain", scan, "--slice", 3, "--box", 12, 5, 22, 14, "--encoder", "fast", "--output", tmp_path / "o"
    )
    assert status == 0
    assert "warning: The fast precision is made for SAM's ViT encoders" in said
    assert any(
        "fast precision" in w
        for w in json.loads((tmp_path / "o" / "explanation.json").read_text(encoding="utf-8"))["warnings"]
    )


def test_models_are_listed_and_verified(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDXAI_MODELS", str(tmp_path))
    status, said, _ = run(capsys, "models", "list")
    assert status == 0
    for name in ("demo", "medsam", "litemedsam", "sam-vit-b", "sam-vit-l", "sam-vit-h"):
        assert name in said
    status, _, complaint = run(capsys, "models", "verify", "medsam")
    assert status == 2
    assert "medxai models download medsam" in complaint
    (tmp_path / "sam_vit_b_01ec64.pth").write_bytes(b"not it")
    status, _, complaint = run(capsys, "models", "verify", "sam-vit-b")
    assert status == 2
    assert "not the published file" in complaint


def test_dice_takes_the_asked_stack_of_a_dicom_folder(capsys, checkpoint, tmp_path):
    """Two echoes in one series: without a choice both are listed, with one it is measured."""
    places = slices_of(grid_lps((2, 2, 4)), 3)
    block = np.zeros((3, 24, 30), np.uint16)
    block[:, 4:18, 6:24] = 300
    late = np.where(block > 0, 40, 350).astype(np.uint16)
    echoes = ["15"] * 3 + ["90"] * 3
    write_series(tmp_path / "in", np.concatenate([block + 20, late]), places * 2, "MR", EchoTime=echoes)
    image = sitk.GetImageFromArray((block > 0).astype(np.uint8))
    image.SetSpacing((2, 2, 4))
    image.SetOrigin(places[0][:3, 3].tolist())
    sitk.WriteImage(image, str(tmp_path / "labels.nii.gz"))
    asked = ("dice", tmp_path / "in", tmp_path / "labels.nii.gz", "--organ", "1=block", "--model", checkpoint)
    status, _, complaint = run(capsys, *asked)
    assert status == 2 and "echo time: 90 ms. Choose one with --stack" in complaint
    status, said, notes = run(capsys, *asked, "--stack", 2)
    assert status == 0 and "| block" in said and "stack 2 was chosen" in notes


def test_folders_that_were_made_for_nothing_go_again(capsys, tmp_path):
    status, _, _ = run(
        capsys, "explain", tmp_path / "absent.nii", "--box", 1, 1, 5, 5, "--output", tmp_path / "a" / "b" / "c"
    )
    assert status == 2 and not (tmp_path / "a").exists()


def test_a_line_break_in_a_name_breaks_no_sentence(capsys, tmp_path):
    status, _, complaint = run(
        capsys, "explain", tmp_path / "a\nb\x1b[31m.nii", "--box", 1, 1, 5, 5, "--output", tmp_path / "o"
    )
    assert status == 2 and complaint.count("\n") == 1 and "\x1b" not in complaint


def test_a_folder_whose_name_is_no_text_is_refused(capsys, scan, tmp_path):
    """C++ libraries would end the process at such a name."""
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff")
    status, _, complaint = run(capsys, "explain", scan, "--slice", 3, "--box", 12, 5, 22, 14, "--output", folder)
    assert status == 2 and "no valid text" in complaint


def test_dice_prints_the_model_beside_box_and_ellipse(capsys, scan, checkpoint, tmp_path):
    labels = np.zeros((6, 24, 30), np.uint8)
    labels[1:, 4:18, 6:24] = 5
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(sitk.ReadImage(str(scan)))
    sitk.WriteImage(image, str(tmp_path / "labels.nii.gz"))
    status, said, _ = run(
        capsys, "dice", scan, tmp_path / "labels.nii.gz", "--organ", "5=block", "--model", checkpoint, "--jitter", 0
    )
    assert status == 0
    row = next(line for line in said.split("\n") if line.startswith("| block"))
    organ, slices, _, box, ellipse = (cell.strip() for cell in row.strip("|").split("|"))
    assert (organ, slices, box) == ("block", "5", "1.000")
    assert 0.8 < float(ellipse) < 1
    assert LIMITS_STATEMENT in said
    for words, sentence in ((["--organ", "liver"], "LABEL=NAME"), (["--organ", "9=absent"], "No slice has more than")):
        status, _, complaint = run(capsys, "dice", scan, tmp_path / "labels.nii.gz", *words, "--model", checkpoint)
        assert status == 2
        assert sentence in complaint
