"""A summary on disk: report.html, summary.md in words and tables, its tables as CSV, its pictures as PNG."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path

from medxai.maps import OWN_MAP_KEYS
from medxai.report.folder import whole_or_nothing

from .contour import write_contour_csv
from .pictures import draw_pictures
from .report import write_cohort_report
from .summarise import summarise
from .summary import ALL_ORGANS, CohortSummary, Interval, PairedTest, SummaryLine
from .wording import CONTOUR_HEADING, NO_CONTOUR, contour_tables, counted, units_of

#: Of each space in which faithfulness is measured: soft Dice less that of a random order, by what is hidden or shown.
_SPACES = ("image", "neck")
_CURVES = {"deletion": "deletion", "insertion": "insertion", "deletion outside the mask": "deletion_outside"}

#: So many failures are told one by one; all are in failures.csv.
_FAILURES_TOLD = 20

#: Columns of a line in the CSV files.
_LINE_COLUMNS = (
    "organ",
    "explainer",
    "role",
    "map",
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
    """Summarises the tables in a cohort's folder.

    Writes learned_gain.csv, figure_means.csv, paired_tests.csv, the pictures, summary.md and report.html beside them,
    with the contour check contour_auroc.csv and contour_kinds.csv too, whole or not at all.

    Args:
        folder: of the cohort.

    Raises:
        OutputError: Where the folder cannot be written.
    """
    summary = summarise(folder)
    with whole_or_nothing(folder) as scratch:
        summary = replace(summary, pictures=draw_pictures(summary, scratch))
        _write_csv(
            scratch / "learned_gain.csv",
            (*_LINE_COLUMNS, "best_baseline"),
            (_line(one, one.best_baseline) for one in summary.gains),
        )
        _write_csv(scratch / "figure_means.csv", _LINE_COLUMNS, (_line(one) for one in summary.metrics))
        _write_csv(scratch / "paired_tests.csv", [one.name for one in fields(PairedTest)], map(astuple, summary.tests))
        (scratch / "summary.md").write_text(markdown(summary), encoding="utf-8")
        if summary.contour_kinds:
            write_contour_csv(scratch, summary.contour, summary.contour_kinds)
        write_cohort_report(scratch / "report.html", summary)
    return summary


def markdown(summary: CohortSummary) -> str:
    """The limits first, learned gain before the metrics themselves."""
    parts = [
        f"# {summary.title}",
        f"**{summary.limits}**",
        *(f"> {caveat}" for caveat in summary.caveats),
        _success(summary),
        *(_maps(summary) if summary.of_maps else ()),
        *_contour(summary),
        *_segmentation(summary),
        *_checks(summary),
        *_costs(summary),
        *_failures(summary),
        "## Settings",
        _table(("setting", "value"), summary.settings.items()),
        _files(summary),
    ]
    return "\n\n".join(parts) + "\n"


def _maps(summary: CohortSummary) -> Iterator[str]:
    """What is told of maps."""
    yield "## Learned gain"
    yield (
        f"The metric of a map less that of the best baseline on the same case: {summary.headline_metric.replace('_', ' ')}, means over cases "
        "with 95 % bootstrap intervals. Above 0 the map shows something that box, intensities and random weights do not."
    )
    yield from (f"![{caption}]({name})" for name, caption in summary.pictures.items())
    yield from _gain_tables(summary)
    yield "## Paired tests"
    yield (
        f"Wilcoxon's signed-rank test at {summary.headline_layer or 'no layer'}; p corrected by Holm's method for {summary.comparisons} comparisons. "
        "A difference above 0 means that the first is ahead."
    )
    yield _table(
        ("question", "organ", "mask", "units", "median difference", "p", "p corrected"), map(_test, summary.tests)
    )
    yield from _faithfulness(summary)


def _files(summary: CohortSummary) -> str:
    """Where the rest is."""
    of_maps = (
        "Every metric: figures.parquet. All means: learned_gain.csv and figure_means.csv. Tests: paired_tests.csv."
    )
    of_contour = "Every point of the outlines: contour_points.parquet. Scores and kinds: contour_auroc.csv and contour_kinds.csv."
    said = [of_maps] * summary.of_maps + [of_contour] * bool(summary.contour_kinds)
    return " ".join([*said, "Cases and boxes: cases.csv."])


def _success(summary: CohortSummary) -> str:
    cases, scans = summary.cases + summary.cases_failed, summary.scans + summary.scans_failed
    done = f"{summary.cases} of {counted(cases, 'case')}" + (f" ({summary.cases / cases:.1%})" if cases else "")
    return (
        f"Processed: {done} on {summary.scans} of {counted(scans, 'scan')} of {counted(summary.patients, 'patient')}; "
        f"organs: {', '.join(summary.organs) or 'none'}."
    )


def _gain_tables(summary: CohortSummary) -> Iterator[str]:
    headline = [one for one in summary.gains if one.metric == summary.headline_metric]
    if not headline:
        yield "No learned gain: it needs localisation, a baseline and a map that is not one among what was asked for."
        return
    means = {_place(one): one.interval for one in summary.metrics if one.metric == summary.headline_metric}
    for mask in sorted({one.mask for one in headline}):
        yield f"### {ALL_ORGANS.capitalize()}, against the {mask} mask"
        lines = [one for one in headline if one.organ == ALL_ORGANS and one.mask == mask]
        yield _table(
            ("explainer", "map", "layer", "learned gain", "metric", "best baseline most often", "cases", "patients"),
            (
                (
                    one.explainer,
                    one.map,
                    one.layer,
                    _interval(one.interval),
                    f"{means[_place(one)].mean:.3f}",
                    one.best_baseline,
                    one.interval.cases,
                    one.interval.patients,
                )
                for one in lines
            ),
        )
        by_organ = [
            one
            for one in headline
            if one.organ != ALL_ORGANS
            and one.mask == mask
            and (one.layer == summary.headline_layer or one.map in ("interaction", "terminal"))
        ]
        if by_organ:
            yield f"### By organ, at {summary.headline_layer}, against the {mask} mask"
            yield _table(
                ("organ", "explainer", "map", "learned gain", "best baseline most often", "cases", "patients"),
                (
                    (
                        one.organ,
                        one.explainer,
                        one.map,
                        _interval(one.interval),
                        one.best_baseline,
                        one.interval.cases,
                        one.interval.patients,
                    )
                    for one in by_organ
                ),
            )
    baselines = [
        one
        for one in summary.metrics
        if one.metric == summary.headline_metric and one.role == "baseline" and one.organ == ALL_ORGANS
    ]
    shown = [one for one in baselines if one.map not in OWN_MAP_KEYS or one.layer == summary.headline_layer]
    yield f"### What the baselines reach, at {summary.headline_layer} where they have layers"
    yield _table(
        ("baseline", "map", "layer", "mask", "metric"),
        ((one.explainer, one.map, one.layer, one.mask, _interval(one.interval)) for one in shown),
    )


def _place(one: SummaryLine) -> tuple[str, ...]:
    return one.organ, one.explainer, one.map, one.layer, one.mask


def _faithfulness(summary: CohortSummary) -> Iterator[str]:
    for space in _SPACES:
        metrics = [f"{space}_{curve}_dice_less_random" for curve in _CURVES.values()]
        measured = [one for one in summary.metrics if one.organ == ALL_ORGANS and one.metric in metrics]
        if not measured:
            continue
        yield f"## Faithfulness in the {space}"
        yield (
            "Area under the curve of the mask's soft Dice while parts are hidden (deletion) or shown (insertion) in the map's order, less that of a "
            "random order; means over all cases with 95 % bootstrap intervals. Deletion should be low, insertion high."
        )
        intervals = {(_place(one), one.metric): one.interval for one in measured}
        lines = dict.fromkeys(_place(one) for one in measured)
        yield _table(
            ("explainer", "map", "layer", *_CURVES),
            (
                (
                    *place[1:4],
                    *(_interval(found) if (found := intervals.get((place, metric))) else "" for metric in metrics),
                )
                for place in lines
            ),
        )


def _test(test: PairedTest) -> tuple[str, ...]:
    p, corrected = (f"{value:.2g}" if value is not None else "all equal" for value in (test.p, test.p_holm))
    return test.question, test.organ, test.mask, units_of(test), f"{test.difference:+.3f}", p, corrected


def _contour(summary: CohortSummary) -> Iterator[str]:
    tables = contour_tables(summary)
    if tables or not summary.of_maps:
        yield f"## {CONTOUR_HEADING}"
    if not tables and not summary.of_maps:
        yield NO_CONTOUR
    for table in tables:
        yield table.about
        if table.rows:
            yield _table(table.columns, table.rows)


def _segmentation(summary: CohortSummary) -> Iterator[str]:
    yield "## Segmentation"
    yield "Mean Dice against the reference, beside what the filled box alone reaches."
    yield _table(
        ("organ", "cases", "model", "filled box"),
        ((one.organ, one.cases, f"{one.dice:.3f}", f"{one.box_dice:.3f}") for one in summary.segmentation),
    )


def _checks(summary: CohortSummary) -> Iterator[str]:
    if summary.checks:
        yield "## Sanity checks"
        yield _table(
            ("check", "explainer", "map", "layer", "passed"),
            ((one.check, one.explainer, one.map, one.layer, f"{one.passed} of {one.made}") for one in summary.checks),
        )


def _costs(summary: CohortSummary) -> Iterator[str]:
    if summary.costs:
        yield "## Cost"
        yield "Medians over cases, on whatever machines took part; peak memory in 10⁶ bytes."
        yield _table(
            ("explainer", "metric", "median", "cases"),
            ((one.explainer, one.metric.replace("_", " "), f"{one.median:.3g}", one.cases) for one in summary.costs),
        )


def _failures(summary: CohortSummary) -> Iterator[str]:
    if not summary.failures:
        return
    yield "## Failures"
    lines = [
        (one.scan, one.case_id.removeprefix(one.scan + "/"), one.explainer, one.reason) for one in summary.failures
    ]
    yield _table(("scan", "case", "explainer", "reason"), lines[:_FAILURES_TOLD])
    if len(lines) > _FAILURES_TOLD:
        yield f"{len(lines) - _FAILURES_TOLD} more are in failures.csv."


def _interval(interval: Interval) -> str:
    ends = f" ({interval.low:+.3f} to {interval.high:+.3f})" if interval.low is not None else ""
    return f"{interval.mean:+.3f}{ends}"


def _table(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rows = [columns, ["---"] * len(columns), *lines]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    )


def _line(one: SummaryLine, *more: str) -> tuple:
    names = (getattr(one, name) for name in _LINE_COLUMNS[:8])
    return (*names, *astuple(one.interval), *more)


def _write_csv(path: Path, columns: Sequence[str], lines: Iterable[Sequence]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(lines)
