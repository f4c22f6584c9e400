"""`medxai explain` with several boxes: one segmentation, one table, one report; maps and pictures for each organ."""

import csv
import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from jsonschema import Draft202012Validator

from medxai.cli.main import main
from medxai.limits import LIMITS_STATEMENT
from medxai.organ_codes import organ_named
from medxai.slice.box import box_of_mask
from support.models import small_model
from support.report import FORBIDDEN, Text
from support.scans import ROOT

pytest.importorskip("slicer", reason="needs the package slicer-core")

SLICE = 12
ORGANS = {"liver": "liver", "right kidney": "right_kidney"}
OF_ALL = {"figures.csv", "organs.csv", "report.html", "scene.mrb", "segmentation.nrrd", "segmentation.seg.nrrd"}
OF_EACH = (
    *("contour_{}.csv", "explanation_{}.json", "panels_{}.png"),
    *(f"saliency_stage{stage}_{{}}.nrrd" for stage in (1, 2, 3)),
)


@pytest.fixture(scope="module")
def words(ct, tmp_path_factory):
    """The command on the real CT with a box for each organ, without --output."""
    checkpoint = tmp_path_factory.mktemp("model") / "small.pth"
    torch.save(small_model().sam.state_dict(), checkpoint)
    asked = ["explain", str(ct.path), "--slice", str(SLICE), "--model", str(checkpoint), "--layers", "block 3"]
    for organ in ORGANS:
        edges = box_of_mask(ct.mask(organ, SLICE)).xyxy.astype(int)
        asked += ["--box", *map(str, edges), "--organ", organ]
    return asked


@pytest.fixture(scope="module")
def written(words, tmp_path_factory):
    folder = tmp_path_factory.mktemp("several") / "out"
    assert main([*words, "--output", str(folder)]) == 0
    return folder


def test_every_file_is_there_and_carries_the_limits(written):
    expected = OF_ALL | {pattern.format(part) for pattern in OF_EACH for part in ORGANS.values()}
    assert {path.name for path in written.iterdir()} == expected
    schema = json.loads((ROOT / "MedXAI/medxai/report/explanation.schema.json").read_text(encoding="utf-8"))
    for path in written.iterdir():
        if path.suffix == ".nrrd":
            assert sitk.ReadImage(str(path)).GetMetaData("MedXAI.Limits") == LIMITS_STATEMENT
        elif path.suffix == ".csv":
            assert path.read_text(encoding="utf-8").startswith(f"# {LIMITS_STATEMENT}\n")
        elif path.suffix == ".json":
            Draft202012Validator(schema).validate(json.loads(path.read_text(encoding="utf-8")))


def test_the_table_and_the_labels_are_those_of_each_organs_own_mask(written):
    lines = (line for line in (written / "organs.csv").open(encoding="utf-8") if not line.startswith("#"))
    rows = list(csv.DictReader(lines))
    assert [(row["label"], row["organ"]) for row in rows] == [("1", "liver"), ("2", "right kidney")]
    records = [json.loads((written / f"explanation_{part}.json").read_text()) for part in ORGANS.values()]
    for row, record in zip(rows, records, strict=True):
        assert int(row["area_px"]) == record["segmentation"]["mask_pixels"]
        assert [int(row["first_column"]), int(row["last_column"])] == record["input"]["box_first_last_px"]["columns"]
        assert row["outline_follows_box"] != "", "the box is looked at on the command line"
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(written / "segmentation.nrrd")))
    assert set(np.unique(labels)) <= {0, 1, 2} and (labels == 2).any()
    with (written / "figures.csv").open(encoding="utf-8") as file:
        file.readline()
        assert {row["organ"] for row in csv.DictReader(file)} == set(ORGANS)


def test_the_scene_has_one_segmentation_and_one_table_of_all_organs(written, scene):
    from medxai.scene.headless import load_scene_bundle

    load_scene_bundle(scene, written / "scene.mrb")
    (segmentation,) = scene.GetNodesByClass("vtkMRMLSegmentationNode")
    names = [segmentation.GetSegmentation().GetNthSegment(n).GetName() for n in range(2)]
    assert names == list(ORGANS)
    (table,) = [node for node in scene.GetNodesByClass("vtkMRMLTableNode") if "organs" in node.GetName()]
    assert table.GetNumberOfRows() == 2
    overlays = [node for node in scene.GetNodesByClass("vtkMRMLScalarVolumeNode") if "MedXAI" in node.GetName()]
    assert len(overlays) == 2 * 5 and sum(node.GetName().endswith("right kidney") for node in overlays) == 5


def test_the_report_has_a_table_and_a_section_for_each_organ(written):
    html = (written / "report.html").read_text(encoding="utf-8")
    text = Text(html)
    assert text.words[0] == LIMITS_STATEMENT and not FORBIDDEN.findall(
        " ".join(text.words).replace(LIMITS_STATEMENT, "")
    )
    assert html.count('id="slice"') == html.count('id="colours"') == 1
    for number, name in enumerate(ORGANS, start=1):
        assert f'id="organ-{number}-outline"' in html and f'href="#organ-{number}-box"' in html
        assert f"{number}. {name}" in text.words
    used = {reference[1:] for reference in text.references if reference.startswith("#")}
    assert all(f'id="{name}"' in html for name in used), "a picture refers to nothing"


def test_the_figures_of_one_organ_carry_its_name_as_those_of_several_do(words, tmp_path):
    end = words.index("--organ") + 2
    assert main([*words[:end], "--output", str(tmp_path / "out")]) == 0
    with (tmp_path / "out" / "figures.csv").open(encoding="utf-8") as file:
        file.readline()
        assert {row["organ"] for row in csv.DictReader(file)} == {"liver"}
    record = json.loads((tmp_path / "out" / "explanation.json").read_text(encoding="utf-8"))
    assert record["input"]["organ"] == "liver"
    text = Text((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert text.words[text.words.index("Organ") + 1] == "liver"
    assert sitk.ReadImage(str(tmp_path / "out" / "saliency_stage3.nrrd")).GetMetaData("MedXAI.Organ") == "liver"


def test_the_terminal_says_of_each_organ_what_it_says_of_one_and_does_not_take_other_files_for_its_own(
    words, tmp_path, capsys
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "panels_pancreas.png").write_bytes(b"of an earlier run")
    corner = ["--box", "0", "0", "4", "4", "--organ", "spleen", "--box-or-image"]
    assert main([*words, *corner, "--output", str(tmp_path / "out")]) == 0
    said, noted = capsys.readouterr()
    (names,) = [line for line in said.splitlines() if line.startswith("Written to")]
    assert "panels_spleen.png" in names and "pancreas" not in names
    assert "not of this run: panels_pancreas.png." in noted
    assert said.count("sets the mask off") == len(ORGANS) + 1
    assert "warning: spleen: All pixels of the box have one value" in said


def test_the_organs_of_an_earlier_run_go_when_another_run_ends_well_and_other_files_stay(
    words, written, tmp_path, capsys
):
    folder = tmp_path / "out"
    shutil.copytree(written, folder)
    (folder / "notes_liver.txt").write_text("my own", encoding="utf-8")
    (folder / "contour_liver.xlsx").write_bytes(b"made of the table, my own")
    (folder / "panels_pancreas.png").write_bytes(b"of nobody knows what")
    one_box = words[: words.index("--organ") + 2]
    assert main([*one_box, "--model", "no-such-model", "--output", str(folder)]) != 0
    assert (folder / "panels_right_kidney.png").exists(), "a run that failed has taken files away"
    assert main([*one_box, "--output", str(folder)]) == 0
    names = {path.name for path in folder.iterdir()}
    assert not {name for name in names if "kidney" in name} and not {"organs.csv", "panels_liver.png"} & names
    assert {"panels.png", "notes_liver.txt", "panels_pancreas.png", "contour_liver.xlsx"} <= names
    assert "not of this run: contour_liver.xlsx, notes_liver.txt, panels_pancreas.png." in capsys.readouterr().err


WRONG = {
    "fewer organs": (["--box", "1", "1", "9", "9"], "--box was given 3 times and --organ 2 times"),
    "no such organ": (["--box", "1", "1", "9", "9", "--organ", "gizzard"], "no code for the organ 'gizzard'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_asked_gets_one_sentence_before_anything_is_read(case, words, tmp_path, capsys, monkeypatch):
    more, sentence = WRONG[case]
    monkeypatch.setattr("medxai.cli.explain.read_volume", lambda *_: pytest.fail("the volume was read"))
    assert main([*words, *more, "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_each_organ_is_compared_with_its_own_label_of_the_reference(words, ct, tmp_path, capsys):
    reference = ["--reference", str(ct.organs_path)]
    elsewhere = ["--box", "1", "1", "9", "9", "--organ", "spleen"]
    assert main([*words, *elsewhere, *reference, "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "Box 3 (spleen) is around no label of the reference" in said and said.count("\n") == 1
    assert main([*words, *reference, "--reference-label", "5", "--output", str(tmp_path / "out")]) == 2
    assert "There are 2 boxes and 1 labels" in capsys.readouterr().err
    both = ["--reference-label", str(ct.labels["liver"]), "--reference-label", str(ct.labels["right kidney"])]
    assert main([*words, *reference, *both, "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert f"2 right kidney: compared with label {both[3]} of {ct.organs_path.name}." in said
    with (tmp_path / "out" / "figures.csv").open(encoding="utf-8") as file:
        file.readline()
        rows = [row for row in csv.DictReader(file) if (row["explainer"], row["metric"]) == ("box", "energy_inside")]
    inside = {(row["organ"], row["mask"]): float(row["value"]) for row in rows}
    for organ in ORGANS:
        box = box_of_mask(ct.mask(organ, SLICE)).mask(ct.mask(organ, SLICE).shape)
        assert inside[organ, "reference"] == pytest.approx(ct.mask(organ, SLICE)[box].mean(), abs=0.05)
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'id="organ-2-reference"' in html
    assert html.count(">P</text>") == 1 + len(ORGANS)  # the back, in the overview and in each organ's first picture


def test_a_box_around_one_label_needs_no_word_on_it(ct):
    from argparse import Namespace

    from medxai.cli.references import references_of
    from medxai.organs_on_slice import OrganBox

    boxes = [
        OrganBox(box_of_mask(ct.mask(organ, SLICE)).xyxy, organ_named(organ)) for organ in ("liver", "left kidney")
    ]
    arguments = Namespace(reference=ct.organs_path, reference_label=None, plane="axial")
    found = references_of(ct.volume, SLICE, boxes, arguments)
    assert [one.label for one in found] == [ct.labels["liver"], ct.labels["left kidney"]]
    np.testing.assert_array_equal(found[0].mask, ct.mask("liver", SLICE))
