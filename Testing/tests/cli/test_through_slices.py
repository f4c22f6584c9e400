"""`medxai explain --through`: volumes on the source's grid, a row a slice, and a run that goes on after it was broken off."""

import csv
import json
from base64 import b64decode

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from jsonschema import Draft202012Validator

from medxai.cli import through_slices
from medxai.cli.main import main
from medxai.limits import LIMITS_STATEMENT
from medxai.report.kept_slices import KeptSlices
from medxai.report.through_slices import COLUMNS
from medxai.slice.box import box_of_mask
from medxai.through_slices.drift_alarm import ALARM_SENTENCE
from support.report import FORBIDDEN, Text
from support.scans import ROOT
from support.tubes import make_tube

STAGE3 = "saliency_stage3_block_4"

SCHEMA = json.loads((ROOT / "MedXAI/medxai/report/through_slices.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """The tube that ends, as a file whose axes are turned and mirrored."""
    tube = make_tube("end", 3)
    image = sitk.GetImageFromArray(tube.volume.voxels)
    image.SetSpacing((2.0, 2.0, 3.0))
    image.SetOrigin((12.5, -30.0, 7.0))
    image.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, -1))
    path = tmp_path_factory.mktemp("scan") / "tube.nrrd"
    sitk.WriteImage(image, str(path))
    return path, tube


def command(scan, output, *more):
    path, tube = scan
    box = [str(int(edge)) for edge in box_of_mask(tube.mask[4]).xyxy]
    place = ["--slice", "4", "--box", *box, "--modality", "CT", "--model", "demo"]
    return ["explain", str(path), *place, "--output", str(output), *more]


@pytest.fixture(scope="module")
def written(scan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "result"
    assert main(command(scan, folder, "--through", "--maps", "stage3", "interaction")) == 0
    return folder


def test_every_volume_lies_on_the_sources_grid(written, scan):
    source = sitk.ReadImage(str(scan[0]))
    volumes = sorted(written.glob("*.nrrd"))
    assert {path.name for path in volumes} >= {
        "segmentation.nrrd",
        "segmentation.seg.nrrd",
        "contour_tolerance.nrrd",
        "saliency_interaction.nrrd",
    }
    for path in volumes:
        image = sitk.ReadImage(str(path))
        assert image.GetSize() == source.GetSize()
        for ours, theirs in zip(
            (image.GetOrigin(), image.GetSpacing(), image.GetDirection()),
            (source.GetOrigin(), source.GetSpacing(), source.GetDirection()),
            strict=True,
        ):
            assert np.allclose(ours, theirs, atol=1e-6)
        assert "not that the model is right" in image.GetMetaData("MedXAI.Limits")
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(written / "segmentation.nrrd"))).astype(bool)
    assert 2 * (mask & scan[1].mask).sum() / (mask.sum() + scan[1].mask.sum()) > 0.9


def test_the_table_has_a_row_a_slice_and_the_alarm_with_its_reason(written):
    lines = (written / "slices.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ") and "no longer resembles" in lines[1]
    rows = list(csv.DictReader(lines[2:]))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["slice"]) for row in rows] == list(range(10))
    assert [row["state"] for row in rows].count("your box") == 1 and rows[4]["state"] == "your box"
    assert rows[9]["state"] == "alarm" and rows[9]["reason"]
    assert (written / "slices.png").stat().st_size > 10_000


def test_the_record_follows_its_schema(written):
    Draft202012Validator.check_schema(SCHEMA)
    record = json.loads((written / "through_slices.json").read_text(encoding="utf-8"))
    Draft202012Validator(SCHEMA).validate(record)
    assert record["$schema"] == SCHEMA["$id"] and record["schema_version"] in SCHEMA["title"]
    (alarm,) = [stop for stop in record["stops"] if stop["is_alarm"]]
    assert alarm["slice"] == 9 and record["is_complete"]


def test_the_report_has_a_bar_a_slice_and_marks_the_alarm(written):
    html = (written / "report.html").read_text(encoding="utf-8")
    text = Text(html)
    assert text.words[0] == LIMITS_STATEMENT and ALARM_SENTENCE in text.words
    assert not FORBIDDEN.findall(" ".join(text.words).replace(LIMITS_STATEMENT, ""))
    assert html.count('<g class="followed">') == 8 and html.count('<g class="yours">') == 1
    assert html.count('<g class="alarm">') == 1 and "▲ 9" in text.words and "■ 4" in text.words
    assert any(word.startswith("▲ Slice 9, upwards: alarm") for word in text.words)
    (picture,) = [one for one in text.references if one.startswith("data:image/png;base64,")]
    assert b64decode(picture.partition(",")[2]) == (written / "slices.png").read_bytes()


def test_the_scene_has_the_maps_the_segment_and_the_alarm(written, scene):
    from medxai.scene.headless import load_scene_bundle

    load_scene_bundle(scene, written / "scene.mrb")
    (segmentation,) = scene.GetNodesByClass("vtkMRMLSegmentationNode")
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
    (marks,) = scene.GetNodesByClass("vtkMRMLMarkupsFiducialNode")
    assert "alarm, slice 9" in marks.GetNthControlPointLabel(0)
    maps = [node for node in scene.GetNodesByClass("vtkMRMLScalarVolumeNode") if "through the slices" in node.GetName()]
    assert len(maps) == 2
    values = sitk.GetArrayFromImage(sitk.ReadImage(str(written / "saliency_interaction.nrrd")))
    (shown,) = [node for node in maps if "nteraction" in node.GetName()]
    # The file's slices run downwards; Slicer's reader turns the axis round.
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(shown)[::-1], values)


def stopping_after_three():
    """`KeptSlices.keep` of a user who stops the command after the third slice."""
    keep, done = KeptSlices.keep, []

    def killed_after_three(self, one):
        keep(self, one)
        done.append(one.index)
        if len(done) == 3:
            raise KeyboardInterrupt

    return killed_after_three


def several(scan, output, *more):
    """The tube, and a larger box around it."""
    edges = np.add(box_of_mask(scan[1].mask[4]).xyxy, (-3, -3, 3, 3)).astype(int)
    larger = ["--box", *map(str, edges), "--organ", "aorta", "--organ", "aorta"]
    return command(scan, output, "--slices", "3", "6", *larger, *more)


def test_several_organs_are_labels_of_one_segmentation_and_rows_of_one_table(scan, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "result"
    with monkeypatch.context() as patched:
        patched.setattr(KeptSlices, "keep", stopping_after_three())
        assert main(several(scan, folder)) == 130
    assert sorted(len(list(one.iterdir())) for one in folder.glob(".medxai-slices-*")) == [1, 2]
    assert main(several(scan, folder)) == 0
    said, noted = capsys.readouterr()
    assert "3 slices of an earlier run are there" in noted and not list(folder.glob(".medxai-*"))
    assert "2 aorta 2: " in said and "warning: The masks of aorta and aorta 2 share" in said
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("segmentation.nrrd", "segmentation.seg.nrrd", "scene.mrb", "report.html", "organs.csv"),
        *(f"slices_{part}.{end}" for part in ("aorta", "aorta_2") for end in ("csv", "png")),
        *(f"{name}_{part}.nrrd" for part in ("aorta", "aorta_2") for name in ("contour_tolerance", STAGE3)),
        *(f"through_slices_{part}.json" for part in ("aorta", "aorta_2")),
    }
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "segmentation.nrrd")))
    lines = (line for line in (folder / "organs.csv").open(encoding="utf-8") if not line.startswith("#"))
    first, second = csv.DictReader(lines)
    assert int(first["voxels"]) == (labels == 1).sum() and int(second["voxels"]) > (labels == 2).sum()
    assert (first["first_slice"], first["last_slice"], first["code"]) == ("3", "6", "15825003")
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert html.count('<svg class="chart"') == 2 and 'href="#organ-2"' in html


def test_a_run_that_was_broken_off_leaves_whole_slices_and_goes_on(scan, tmp_path, monkeypatch, capsys):
    folder, keep = tmp_path / "result", KeptSlices.keep
    monkeypatch.setattr(KeptSlices, "keep", stopping_after_three())
    assert main(command(scan, folder, "--slices", "2", "7")) == 130
    assert "goes on with them" in capsys.readouterr().err
    assert not [path for path in folder.iterdir() if path.is_file()]
    assert len(list(folder.glob(".medxai-slices-*/slice_*.npz"))) == 3
    monkeypatch.setattr(KeptSlices, "keep", keep)
    assert main(command(scan, folder, "--slices", "2", "7")) == 0
    assert "3 slices of an earlier run are there" in capsys.readouterr().err
    assert not list(folder.glob(".medxai-*"))
    whole = tmp_path / "whole"
    assert main(command(scan, whole, "--slices", "2", "7")) == 0
    for name in ("segmentation.nrrd", "saliency_stage3_block_11.nrrd", "contour_tolerance.nrrd"):
        paths = [folder / name, whole / name] if (whole / name).exists() else []
        assert not paths or np.array_equal(*(sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in paths))


def test_another_question_does_not_take_the_kept_slices(scan, tmp_path, monkeypatch, capsys):
    def killed(self, one, keep=KeptSlices.keep):
        keep(self, one)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(KeptSlices, "keep", killed)
        main(command(scan, tmp_path / "result", "--slices", "3", "5"))
    assert main(command(scan, tmp_path / "result", "--slices", "3", "5", "--window", "60", "300")) == 0
    assert "earlier run" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--slices", "4", "99"), "no range of this volume's 16 axial slices"),
        (("--slices", "6", "9"), "lies outside the slices 6 to 9"),
        (("--through", "--explainers", "grad-cam"), "--explainers cannot go with --through"),
        (("--through", "--box-or-image"), "--box-or-image cannot go with --through"),
        (("--maps", "stage1"), "--maps goes with --through"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_writes_nothing(options, sentence, scan, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(through_slices, "Engine", None)  # nothing may be asked
    assert main(command(scan, tmp_path / "result", *options)) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "result").exists()


def test_a_run_that_was_broken_off_before_its_first_slice_says_that_nothing_is_kept(
    scan, tmp_path, monkeypatch, capsys
):
    def broken_off(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(KeptSlices, "keep", broken_off)
    assert main(command(scan, tmp_path / "result", "--slices", "2", "7")) == 130
    assert "before the first slice was done; nothing was changed" in capsys.readouterr().err
