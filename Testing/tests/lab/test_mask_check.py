"""How a table of the mask check is made: conformal intervals keep their promise, and are seen to break it where they do."""

import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("crepes", reason="needs the extra 'lab'")

from medxai.mask_check import table_of
from medxai_lab.mask_check import __main__ as command
from medxai_lab.mask_check.boxes import MADE_UP, made_up
from medxai_lab.mask_check.fitting import held_out, risk_coverage, table_from
from medxai_lab.mask_check.measuring import Measured, read_rows, write_rows
from medxai_lab.mask_check.summary import summary
from medxai_lab.presence.boxes import is_seen


@pytest.fixture
def rows():
    """200 scenes of five structures, whose Dice is near their masks' decidedness."""
    rng = np.random.default_rng(0)
    found = []
    for scene in range(200):
        for decided in rng.uniform(0.5, 1, 5):
            overlap = float(np.clip(decided + rng.normal(0, 0.05), 0, 1))
            found.append(Measured(MADE_UP, "", scene, overlap, float(decided), 0.5, 0.5, float(rng.random())))
    return found


def on_a_scan(rows, worse=0.0):
    there = [row for row in rows if row.decidedness > 0.6][:100]
    return [replace(row, source="MR", patient="one", dice=row.dice - worse) for row in there]


def test_nine_in_ten_held_out_structures_are_in_their_interval(rows):
    trial = held_out(rows)
    assert trial.covered == pytest.approx(0.9, abs=0.03)
    assert trial.below == pytest.approx(0.05, abs=0.03)
    assert trial.width < 0.3


def test_scenes_that_had_no_part_in_the_intervals_decide_the_coverage(rows):
    spoiled = [replace(row, dice=row.dice / 2) if row.group % 5 == 0 else row for row in rows]
    assert held_out(spoiled).covered < 0.85


def test_a_scan_has_no_part_in_the_table_and_is_counted_by_patients(rows):
    table = table_from("a model", "default", [*rows, *on_a_scan(rows, worse=0.4)])
    assert table.boxes == 0.99 * len(rows)
    scan = table.trials[1]
    assert (scan.on, scan.patients, scan.boxes) == ("MR", 1, 100)
    assert scan.covered < 0.1 and scan.below > 0.9
    assert "100 boxes on scans of 1 patient" in table.how_tested
    assert "not tried on any scan" in table_from("a model", "default", rows).how_tested


def test_masks_less_decided_than_nearly_all_have_no_interval_and_are_not_counted(rows):
    hardly = replace(rows[0], source="MR", patient="one", decidedness=0.45)
    table = table_from("a model", "default", [*rows, *on_a_scan(rows), hardly])
    assert np.isnan(table.intervals(np.array([0.45]))).all()
    assert table.trials[1].boxes == 100


def test_risk_coverage_is_the_mean_risk_of_what_is_kept():
    dices = np.array([0.9, 0.5, 0.7])
    assert risk_coverage(np.array([3, 1, 2]), dices) == pytest.approx(np.mean([0.1, 0.2, 0.3]))
    assert risk_coverage(-dices, dices) > risk_coverage(dices, dices)


def test_rows_come_back_from_their_file(rows, tmp_path):
    some = [*rows[:3], replace(rows[3], pairwise_dice=float("nan"))]
    write_rows(tmp_path / "rows.csv", some)
    back = read_rows(tmp_path / "rows.csv")
    np.testing.assert_allclose([row.dice for row in back], [row.dice for row in some], atol=1e-5)
    assert np.isnan(back[3].pairwise_dice)


def test_boxes_are_drawn_around_structures_that_stand_out_and_come_again():
    first, second = (list(made_up(range(3, 5))) for _ in range(2))
    assert [one.boxes for one in first] == [one.boxes for one in second]
    for one in first:
        grey = one.volume.voxels[0].astype(float)
        for box, truth in zip(one.boxes, one.truths, strict=True):
            assert (truth & box.mask(truth.shape)).sum() > 0.8 * truth.sum()
            assert is_seen(grey, truth)


def test_the_command_makes_the_table_and_its_page_from_rows(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "TABLES_FOLDER", tmp_path / "tables")
    write_rows(tmp_path / "demo.csv", [*on_a_scan(rows), *rows])
    monkeypatch.setattr(sys, "argv", ["mask_check", str(tmp_path), "--models", "demo", "--from-rows"])
    command.main()
    (made,) = (tmp_path / "tables").glob("*.json")
    assert table_of(made.stem) is not None, "named by the checksum of the model's file"
    page = (tmp_path / "demo.md").read_text(encoding="utf-8")
    assert "| MR | 1 | 100 |" in page
    assert "pairwise Dice" in page


def test_the_page_ranks_every_score_beside_the_check(rows):
    page = summary(table_from("a model", "default", rows), rows)
    assert page.count("| the decoder's IoU head |") == 1
    ranked = page.split("the check less this")[1]
    assert ranked.count("(−0.") == 3, "it is ahead of scores that say nothing"
