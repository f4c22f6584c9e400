"""A summary on disk: report.html, summary.md, its tables as CSV, its pictures as PNG."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path

from medxai.report.folder import whole_or_nothing

from .pictures import draw_pictures
from .report import write_cohort_report
from .summarise import summarise
from .summary import CohortSummary, PairedTest, SummaryLine
from .summary_text import markdown

_LINE_COLUMNS = (
    "organ",
    "explainer",
    "kind",
    "stage",
    "layer",
    "family",
    "metric",
    "mask",
    "mean",
    "low",
    "high",
    "patients",
    "cases",
    "resampled",
)


def write_summary(folder: Path) -> CohortSummary:
    """Summarises the tables in a cohort's folder and writes learned_gain.csv, figure_means.csv, paired_tests.csv, the
    pictures, summary.md and report.html beside them, whole or not at all. Raises OutputError."""
    summary = summarise(folder)
    with whole_or_nothing(folder) as scratch:
        summary = replace(summary, pictures=draw_pictures(summary, scratch))
        _write(
            scratch / "learned_gain.csv",
            (*_LINE_COLUMNS, "best_null"),
            (_line(one, one.best_null) for one in summary.gains),
        )
        _write(scratch / "figure_means.csv", _LINE_COLUMNS, (_line(one) for one in summary.figures))
        _write(scratch / "paired_tests.csv", [one.name for one in fields(PairedTest)], map(astuple, summary.tests))
        (scratch / "summary.md").write_text(markdown(summary), encoding="utf-8")
        write_cohort_report(scratch / "report.html", summary)
    return summary


def _line(one: SummaryLine, *more: str) -> tuple:
    names = (getattr(one, name) for name in _LINE_COLUMNS[:8])
    return (*names, *astuple(one.interval), *more)


def _write(path: Path, columns: Sequence[str], lines: Iterable[Sequence]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(lines)
