"""The report of one case: what its text says and what it never says, whatever the volume is called."""

import csv
import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from medxai.cli.main import main as medxai
from medxai.encoding.backends.preview import PREVIEW
from medxai.errors import OutputError
from medxai.explainers import registry
from medxai.limits import LIMITS_STATEMENT
from medxai.maps import stage_map
from medxai.metrics.case_evidence import evaluate_case
from medxai.metrics.metric_row import MetricRow
from medxai.metrics.plan import QUICK
from medxai.metrics.sanity_verdict import SanityVerdict
from medxai.report.case_evidence import quick_evidence
from medxai.report.case_report import case_report_html, write_case_report
from medxai.report.metrics_file import write_metrics
from medxai.report.wording import explainer_name, written
from medxai.results import NO_MASK_CHECK, MaskCheck, ReferenceMask
from support import answered
from support.models import small_model
from support.report import FORBIDDEN, HOSTILE_NAMES, Text


@pytest.fixture(scope="module")
def phantom_case():
    return answered.phantom_case("liver")


@pytest.fixture(scope="module")
def evidence(phantom_case):
    return quick_evidence(replace(phantom_case, reference_mask=None))


def renamed(result, name):
    return replace(result, prepared=replace(result.prepared, image=replace(result.prepared.image, volume_name=name)))


def test_the_limits_come_first_and_nothing_sounds_like_a_judgement(phantom_case, evidence):
    for taken in (evidence, None):
        text = Text(case_report_html(phantom_case.result, taken, made=datetime(2026, 1, 2)))
        assert text.words[0] == LIMITS_STATEMENT
        said = " ".join(text.words).replace(LIMITS_STATEMENT, "")
        assert not FORBIDDEN.findall(said)
        assert "2026-01-02" in said


def test_the_mask_as_a_whole_has_its_range_of_dice_and_how_it_was_tried(phantom_case):
    check = MaskCheck(0.95, 0.76, 0.98, 0.9, "Tried on 3 boxes.")
    words = " ".join(Text(case_report_html(replace(phantom_case.result, mask_check=check))).words)
    assert check.sentence in words and check.how_tested in words
    assert not FORBIDDEN.findall(words.replace(LIMITS_STATEMENT, ""))
    without = " ".join(Text(case_report_html(replace(phantom_case.result, mask_check=MaskCheck()))).words)
    assert NO_MASK_CHECK in without


@pytest.mark.parametrize("kind", HOSTILE_NAMES)
def test_a_volume_of_any_name_is_only_named(kind, phantom_case, evidence):
    name = HOSTILE_NAMES[kind]
    plain = Text(case_report_html(renamed(phantom_case.result, "CT"), evidence))
    text = Text(case_report_html(renamed(phantom_case.result, name), evidence))
    assert text.tags == plain.tags and not text.handlers
    assert name in text.words


def test_the_page_refers_to_nothing_outside_itself(phantom_case, evidence):
    html = case_report_html(phantom_case.result, evidence)
    text = Text(html)
    assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in text.references)
    assert sum(reference.startswith("data:") for reference in text.references) >= 1 + 2 + 15
    assert "script" not in text.tags and "link" not in text.tags
    assert "http" not in re.sub(r'http-equiv="', "", html) and "url(" not in html.replace("url(#", "")


def test_every_metric_stands_beside_its_baseline_and_what_was_not_run_is_said(phantom_case, evidence):
    said = " ".join(Text(case_report_html(phantom_case.result, evidence)).words)
    gain = next(
        row
        for row in evidence.rows
        if (row.map_id, row.metric, row.mask) == (stage_map(3, "block 4"), "auroc_grown_box", "predicted")
    )
    baselines = [
        row.value
        for row in evidence.rows
        if row.role == "baseline" and (row.metric, row.mask) == (gain.metric, gain.mask)
    ]
    difference = f"{gain.value - max(baselines):+.3f}".replace("-", "−")
    assert f"Stage 3 at block 4: learned gain {difference}" in said
    assert f"{gain.value:.3f}" in said and f"{max(baselines):.3f}" in said
    assert "random weights was not run" in said and "Grad-CAM) was run" in said
    assert "No baseline" in " ".join(Text(case_report_html(phantom_case.result, None)).words)


def test_a_baseline_that_does_as_well_is_said_in_words(phantom_case, evidence):
    won = tuple(
        replace(row, value=1.0) if row.role == "baseline" and row.metric == "auroc_grown_box" else row
        for row in evidence.rows
    )
    said = " ".join(Text(case_report_html(phantom_case.result, replace(evidence, rows=won))).words)
    assert "A map that learned nothing does as well or better here." in said
    lost = tuple(
        replace(row, value=0.0) if row.role == "baseline" and row.metric == "auroc_grown_box" else row
        for row in evidence.rows
    )
    assert "learned nothing does as well" not in " ".join(
        Text(case_report_html(phantom_case.result, replace(evidence, rows=lost))).words
    )


def test_metrics_against_the_reference_stand_apart_and_its_contour_is_drawn(phantom_case):
    found = evaluate_case(phantom_case, registry.make(("medxai", "box", "uniform")), QUICK)
    reference = ReferenceMask(phantom_case.reference_mask, "label 3 of organs.nrrd")
    html = case_report_html(phantom_case.result, found, reference)
    said = " ".join(Text(html).words)
    assert "against the reference mask" in said and "against the predicted mask" in said
    assert "the reference mask, label 3 of organs.nrrd." in said and '<use href="#reference"' in html
    assert '<use href="#reference"' not in case_report_html(phantom_case.result, found)


def verdict(check, passed):
    return SanityVerdict(check, stage_map(1, "block 4"), 0.9, 0.5, passed, f"The map of {check} did not fall apart.")


def badges(html):
    return dict(re.findall(r'data-state="([^"]+)">\s*<strong>(.*?)</strong>', html))


def test_a_failing_check_says_so_in_words_and_why(phantom_case, evidence):
    assert set(badges(case_report_html(phantom_case.result, evidence))) == {"not run"}
    found = (verdict("random weights", False), verdict("random weights", True), verdict("another box", True))
    html = case_report_html(phantom_case.result, replace(evidence, verdicts=found))
    assert badges(html) == {
        "failed": "✗ Random weights: failed",
        "passed": "✓ Another box: passed",
        "not run": "○ Another patient: not run",
    }
    assert "The map of random weights did not fall apart." in html and "1 of 2 maps pass" in html
    assert "The map of another box did not" not in html


def test_a_preview_is_called_one(phantom_case, evidence):
    encoding = replace(phantom_case.result.encoding, backend=PREVIEW.name)
    assert "A preview at half resolution" in case_report_html(replace(phantom_case.result, encoding=encoding), evidence)
    assert "A preview" not in case_report_html(phantom_case.result, evidence)


def test_what_failed_is_listed_with_its_reason(phantom_case, evidence):
    html = case_report_html(phantom_case.result, replace(evidence, failures=(("grad-cam", "it had <no> gradient"),)))
    assert "Grad-CAM failed: it had &lt;no&gt; gradient" in html


def test_an_uninformative_stage_is_said_and_shows_nothing(phantom_case, evidence):
    explanation = phantom_case.result.explanation
    flat = tuple(
        replace(maps, stages={**maps.stages, 2: np.zeros(maps.grid, np.float32)}) for maps in explanation.layers
    )
    before = case_report_html(phantom_case.result, evidence)
    html = case_report_html(replace(phantom_case.result, explanation=replace(explanation, layers=flat)), evidence)
    assert html.count("Uninformative here") == 1 and "Uninformative here" not in before
    assert html.count("data:image/png") == before.count("data:image/png") - len(flat)


def test_nothing_of_the_files_place_is_in_it(phantom_case, evidence, tmp_path):
    write_case_report(tmp_path / "report.html", phantom_case.result, evidence)
    assert str(tmp_path) not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_leaves_the_older_one(phantom_case, evidence, tmp_path):
    (tmp_path / "report.html").mkdir()  # nothing can take a folder's place
    with pytest.raises(OutputError, match="could not be written"):
        write_case_report(tmp_path / "report.html", phantom_case.result, evidence)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(OutputError, match="could not be written"):
        write_case_report(tmp_path / "absent" / "report.html", phantom_case.result, evidence)


def test_all_metrics_come_as_a_table_beside_the_page(evidence, tmp_path):
    write_metrics(tmp_path / "figures.csv", evidence.rows)
    first, *lines = (tmp_path / "figures.csv").read_text(encoding="utf-8").splitlines()
    assert LIMITS_STATEMENT in first
    read = [MetricRow(**{**line, "value": float(line["value"])}) for line in csv.DictReader(lines)]
    assert tuple(read) == evidence.rows and len(read) > 100


def test_full_evidence_from_the_command_line_brings_baselines_other_methods_and_checks(tmp_path):
    pytest.importorskip("slicer", reason="needs the package slicer-core")
    torch.save(small_model().sam.state_dict(), tmp_path / "small.pth")
    pixels = np.random.default_rng(0).integers(0, 255, (24, 30), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(tmp_path / "p.png"))
    words = [
        "explain",
        tmp_path / "p.png",
        "--box",
        8,
        5,
        20,
        14,
        "--model",
        tmp_path / "small.pth",
        "--evidence",
        "full",
        "--output",
        tmp_path / "o",
    ]
    assert medxai([str(word) for word in words]) == 0
    html = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    said = " ".join(Text(html).words)
    installed = [name for name in registry.groups()["all"] if not registry.why_not()[name]]
    assert all(explainer_name(name) in said for name in installed)
    assert "random weights was not run" not in said
    assert {text.split(": ")[0][2:]: state for state, text in badges(html).items()}.get("Random weights") in (
        "passed",
        "failed",
    )
    figures = (tmp_path / "o" / "figures.csv").read_text(encoding="utf-8")
    assert ",random-weights," in figures and ",cost," in figures and "figures.csv beside this page" in said


def test_a_metric_has_a_real_minus_and_a_rounded_zero_has_none():
    assert [written("{:.2f}", value) for value in (-0.004, -0.02, 0.5)] == ["0.00", "−0.02", "0.50"]
    assert written("{:.0%}", -0.001) == "0%"
