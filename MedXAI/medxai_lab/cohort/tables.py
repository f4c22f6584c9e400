"""The cohort's tables, from the finished cases: one line a metric, in an order that nothing but the data set decides.

figures.parquet: every metric (`metric_row.MetricRow`) but those of cost. cost.parquet: seconds and memory, apart
because no second run finds the same. cases.csv: every case with its box and the Dice of the model's mask. checks.csv: the
verdicts of the sanity checks. contour_points.parquet: every point of every outline, where the contour check was
measured. organs.csv: on how many scans each organ had a slice to take. failures.csv: what could not
be done, and why.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from medxai.metrics.contour_errors import ContourPoint
from medxai.report.folder import whole_or_nothing

from ..datasets.scan import Scan
from .store import CohortStore, KeptCase, empty_rows
from .summary import Failure

_CASE_COLUMNS = (
    "case_id",
    "patient",
    "scan",
    "organ",
    "plane",
    "index",
    "first_column",
    "first_row",
    "last_column",
    "last_row",
    "dice",
    "box_dice",
    "resolution_width_mm",
    "resolution_height_mm",
    "layers",
)
#: What is told of a point of an outline besides itself; cases on one slice are alike.
_POINT_OF = ("case_id", "patient", "scan", "organ", "modality", "slice")
_CHECK_COLUMNS = (
    "case_id",
    "patient",
    "organ",
    "check",
    "explainer",
    "map",
    "layer",
    "measured",
    "limit",
    "passed",
    "sentence",
)


def write_tables(store: CohortStore, scans: Sequence[Scan], failures: Sequence[Failure]) -> None:
    """Writes all of them, whole or not at all.

    Args:
        store: with the finished cases.
        scans: of the data set.
        failures: of the scans and cases that were tried.

    Raises:
        OutputError: Where the folder cannot be written.
    """
    kept = [case for scan in scans for case in _kept(store, scan)]
    rows = pa.concat_tables([case.rows for case in kept] or [empty_rows()]).combine_chunks()
    cost = pc.equal(rows["family"], "cost")
    with whole_or_nothing(store.folder) as scratch:
        pq.write_table(rows.filter(pc.invert(cost)), scratch / "figures.parquet")
        pq.write_table(rows.filter(cost), scratch / "cost.parquet")
        if any(case.outcome.contour for case in kept):
            pq.write_table(_contour_points(kept), scratch / "contour_points.parquet")
        _write_csv(scratch / "cases.csv", _CASE_COLUMNS, map(_case_line, kept))
        _write_csv(scratch / "checks.csv", _CHECK_COLUMNS, (line for case in kept for line in _check_lines(case)))
        _write_csv(
            scratch / "organs.csv",
            ("organ", "scans_labelled", "scans_with_cases", "cases"),
            _organ_lines(store, scans, kept),
        )
        _write_csv(
            scratch / "failures.csv", ("scan", "case_id", "explainer", "reason"), _failure_lines(scans, kept, failures)
        )


def _kept(store: CohortStore, scan: Scan) -> Iterable[KeptCase]:
    found = (store.kept(scan, case) for case in store.chosen(scan) or ())
    return (case for case in found if case is not None)


def _case_line(kept: KeptCase) -> tuple:
    one, case = kept.outcome, kept.outcome.case
    box = case.box
    return (
        case.case_id,
        one.patient,
        one.scan,
        case.organ,
        case.plane,
        case.index,
        box.first_column,
        box.first_row,
        box.last_column,
        box.last_row,
        one.dice,
        one.box_dice,
        *one.resolution_mm,
        "; ".join(one.layers),
    )


def _contour_points(kept: Sequence[KeptCase]) -> pa.Table:
    """One line a point: the case, its slice and modality, and the columns of `ContourPoint`."""
    columns: dict[str, list] = {name: [] for name in (*_POINT_OF, *ContourPoint._fields)}
    for one in (case.outcome for case in kept):
        chosen = one.case
        about = (chosen.case_id, one.patient, one.scan, chosen.organ, one.modality, f"{one.scan} {chosen.index}")
        for point in one.contour:
            for name, value in zip(columns, (*about, *point), strict=True):
                columns[name].append(value)
    return pa.table(columns)


def _check_lines(kept: KeptCase) -> Iterable[tuple]:
    case = kept.outcome.case
    for one in kept.outcome.verdicts:
        yield (
            case.case_id,
            kept.outcome.patient,
            case.organ,
            one.check,
            one.map_id.explainer,
            one.map_id.map,
            one.map_id.layer,
            one.measured,
            one.limit,
            one.passed,
            one.sentence,
        )


def _organ_lines(store: CohortStore, scans: Sequence[Scan], kept: Sequence[KeptCase]) -> Iterable[tuple]:
    """Lines of the organs that were asked for, also of one whose slices were all too small."""
    asked = store.settings.choice.organs
    for organ in sorted({organ for scan in scans for organ in scan.organs.values() if not asked or organ in asked}):
        found = [case.outcome.scan for case in kept if case.outcome.case.organ == organ]
        yield organ, sum(organ in scan.organs.values() for scan in scans), len(set(found)), len(found)


def _failure_lines(scans: Sequence[Scan], kept: Sequence[KeptCase], failures: Sequence[Failure]) -> list[tuple]:
    of_explainers = [
        Failure(case.outcome.scan, case.outcome.case.case_id, explainer, reason)
        for case in kept
        for explainer, reason in case.outcome.failed_explainers
    ]
    place = {scan.name: n for n, scan in enumerate(scans)}
    ordered = sorted(
        (*failures, *of_explainers), key=lambda one: (place[one.scan], one.case_id, one.explainer, one.reason)
    )
    return [(one.scan, one.case_id, one.explainer, one.reason) for one in ordered]


def _write_csv(path: Path, columns: Sequence[str], lines: Iterable[Sequence]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(lines)
