"""The report of a cohort: limits first, learned gain with its interval, every failure with its reason."""

import re
from dataclasses import replace

import pytest

from medxai.limits import LIMITS_STATEMENT
from medxai_lab.cohort.report import cohort_report_html, write_cohort_report
from medxai_lab.cohort.summary import ALL_ORGANS, BOX_CAVEAT, ContourLine, Failure, KindLine
from medxai_lab.cohort.summary_files import markdown
from support.report import FORBIDDEN, HOSTILE_NAMES, Text, cohort_summary, line


@pytest.fixture
def summary():
    return cohort_summary()


def said_by(summary):
    return " ".join(Text(cohort_report_html(summary)).words)


def test_the_limits_and_the_boxes_come_before_any_metric(summary):
    words = Text(cohort_report_html(summary)).words
    said = " ".join(words)
    assert words[0] == LIMITS_STATEMENT
    assert said.index(BOX_CAVEAT) < said.index("Learned gain") < said.index("Paired tests")
    assert not FORBIDDEN.findall(
        said.replace(LIMITS_STATEMENT, "").replace("p corrected", "").replace("p is corrected", "")
    )


def test_it_says_what_was_done_and_what_was_not(summary):
    said = said_by(summary)
    for words in (
        "12 of 14 (85.7%) , of 3 patients",
        "3 of 4 (75.0%)",
        "The volume is damaged.",
        "8.5 to 11.4 mm",
        "ab" * 32,
        "0.861",
        "0.702",
        "0.43 s",
    ):
        assert words.replace(" ,", ",") in said
    assert re.search(r"liver\s+6\s+0\.861\s+0\.702", said)
    assert re.search(r"out of memory\s+Grad-CAM\s+7\s+p1/0, p1/1, p1/2, …", said)


@pytest.mark.parametrize(
    ("mean", "sign", "sentence"),
    [
        (0.04, "▲", "The whole interval is above zero."),
        (0.01, "◇", "The interval holds zero"),
        (-0.05, "▼", "do better"),
    ],
)
def test_the_headline_follows_the_interval(summary, mean, sign, sentence):
    gains = tuple(
        line("medxai", "method", "stage3", "neck", mean, 0.02)
        if one.map == "stage3" and one.organ == ALL_ORGANS and one.layer == "neck"
        else one
        for one in summary.gains
    )
    said = said_by(replace(summary, gains=gains))
    written = f"{mean:+.3f}".replace("-", "−")
    assert f"Stage 3 at neck, against the reference mask: learned gain {written}" in said and sentence in said
    assert f"{written} {sign}" in said


def test_intervals_are_drawn_where_their_numbers_lie(summary):
    html = cohort_report_html(summary)
    table = html.split("All organs, against the reference mask, at neck")[1].split("</table>")[0]
    bars = re.findall(
        r'<path class="axis" d="M([\d.]+) 0V14"/><path class="range" d="M([\d.]+) 7H([\d.]+)M.*?<circle cx="([\d.]+)"',
        table,
    )
    gains = [one.interval for one in summary.gains if one.organ == ALL_ORGANS and one.layer == "neck"]
    assert len(bars) == len(gains) == 4
    lowest, highest = min(g.low for g in gains), max(0, *(g.high for g in gains))
    for bar, gain in zip(bars, gains, strict=True):
        expected = [100 * (value - lowest) / (highest - lowest) for value in (0, gain.low, gain.high, gain.mean)]
        assert list(map(float, bar)) == pytest.approx(expected, abs=0.01)


def test_a_check_that_some_cases_fail_is_marked_in_words(summary):
    said = said_by(summary)
    assert "✗ 11 of 12" in said and "✓ all, 12 of 12" in said
    assert "Sanity checks: not run" in said_by(replace(summary, checks=()))


@pytest.mark.parametrize("kind", HOSTILE_NAMES)
def test_names_and_reasons_are_only_text(summary, kind):
    name = HOSTILE_NAMES[kind]

    def named(text):
        return replace(summary, title=text, settings={"dataset": text}, failures=(Failure(text, text, "", text),))

    plain, text = Text(cohort_report_html(named("plain"))), Text(cohort_report_html(named(name)))
    assert text.tags == plain.tags and not text.handlers and not text.references
    assert text.words.count(name) >= 3


def contour_line(score, role, **more):
    numbers = dict(auroc=0.71, low=0.61, high=0.81, ahead=-0.125, ahead_low=-0.25, ahead_high=0.05)
    return ContourLine("CT", score, role, 3.0, **(numbers | more), off=0.2, points=420, cases=7, slices=6, patients=1)


@pytest.fixture
def contour_summary(summary):
    """The contour check alone, on six slices, with a baseline that could not be fitted."""
    unknown = dict.fromkeys(("auroc", "low", "high", "ahead", "ahead_low", "ahead_high"))
    lines = (
        contour_line("tolerance", "check"),
        contour_line("image gradient", "baseline", auroc=0.835),
        contour_line("fitted", "baseline", **unknown),
    )
    kinds = (KindLine("CT", "follows the box", 0.54, 0.38, 0.1, 1.72, 5.04),)
    nothing = dict.fromkeys(("gains", "metrics", "tests", "checks", "costs"), ())
    return replace(summary, contour=lines, contour_kinds=kinds, of_maps=False, **nothing)


def rows_of_markdown(text):
    """Cells of all lines of its tables."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line
    ]


def test_the_contour_check_stands_in_the_report_as_in_the_summary_with_its_baselines(contour_summary):
    section = markdown(contour_summary).split("## Contour check\n")[1].split("\n## ")[0]
    expected = rows_of_markdown(section)
    html = cohort_report_html(contour_summary).split("<h2>Contour check</h2>")[1].split("<h2>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    assert [[cell.lower() for cell in row] for row in cells] == [[cell.lower() for cell in row] for row in expected]
    assert ["CT", "3 mm", "tolerance (check)", "0.71 (0.61 to 0.81)", "", "20%", "420", "7", "6", "1"] in cells
    assert [row[3:5] for row in cells if row[2] == "image gradient (baseline)"] == [
        ["0.83 (0.61 to 0.81)", "−0.12 (−0.25 to +0.05)"]
    ]
    assert [row[3:5] for row in cells if row[2] == "fitted (baseline)"] == [["not known", ""]]
    said = " ".join(Text(f"<body>{html}</body>").words)
    sentences = [line for line in section.splitlines() if line and not line.startswith("|")]
    assert len(sentences) == 2 and all(sentence in said for sentence in sentences)


def test_where_only_the_contour_check_was_asked_for_nothing_of_maps_is_missed(contour_summary):
    headings = re.findall(r"<h2>(.*?)</h2>", cohort_report_html(contour_summary))
    assert headings[:3] == ["What was looked at", "Contour check", "Segmentation"]
    text = markdown(contour_summary)
    for name in ("Learned gain", "Paired tests", "Sanity checks", "Resolution"):
        assert name not in headings and f"## {name}" not in text
    with_maps = said_by(replace(contour_summary, of_maps=True))
    assert "None can be told" in with_maps and "Contour check" in with_maps


def test_where_all_points_are_off_the_kinds_are_still_told(contour_summary):
    for said in (said_by(replace(contour_summary, contour=())), markdown(replace(contour_summary, contour=()))):
        assert "nothing to tell apart" in said and "follows the box" in said and "AUROC" not in said
    for said in (
        said_by(replace(contour_summary, contour=(), contour_kinds=())),
        markdown(replace(contour_summary, contour=(), contour_kinds=())),
    ):
        assert re.search(r"Contour check\s+None could be made\.", said)


def test_a_cohort_in_which_nothing_could_be_done_has_a_report(summary, tmp_path):
    empty = replace(
        summary,
        scans=0,
        patients=0,
        cases=0,
        organs=(),
        headline_layer="",
        gains=(),
        metrics=(),
        tests=(),
        checks=(),
        segmentation=(),
        costs=(),
        token_mm=None,
    )
    write_cohort_report(tmp_path / "report.html", empty)
    said = " ".join(Text((tmp_path / "report.html").read_text(encoding="utf-8")).words)
    assert "0 of 2 (0.0%)" in said and "The volume is damaged." in said and "None could be made." in said
