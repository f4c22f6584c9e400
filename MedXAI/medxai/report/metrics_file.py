"""figures.csv: every metric of every map of one case, one a line."""

import csv
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

from ..limits import LIMITS_STATEMENT
from ..metrics.metric_row import MetricRow


def write_metrics(path: Path, rows: Iterable[MetricRow]) -> None:
    """Writes the metrics of a case as CSV; the first line is a comment with the limits.

    Args:
        path: Of the file.
        rows: One line each, with the columns of `MetricRow`.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {LIMITS_STATEMENT}\n")
        writer = csv.writer(file)
        names = [field.name for field in fields(MetricRow)]
        writer.writerow(names)
        writer.writerows(map(attrgetter(*names), rows))
