"""The report of a cohort: limits first, learned gain with its interval, every failure with its reason."""

import re
from dataclasses import replace

import pytest

from medxai.limits import LIMITS_STATEMENT
from medxai_lab.cohort.report import cohort_report_html, write_cohort_report
from medxai_lab.cohort.summary import ALL_ORGANS, BOX_CAVEAT, Failure
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
