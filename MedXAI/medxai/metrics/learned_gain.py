"""The headline of every table: how much better a map is than the best map that needed nothing learned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..maps import OWN_MAP_KEYS, Role
from .direction import direction_of
from .metric_row import MetricRow


@dataclass(frozen=True)
class LearnedGain:
    """figure(map) − best metric of the baselines on the same case, metric and mask; above 0 is better than all of them.

    value, baseline_value: the figures as measured. gain: their difference, its sign turned where lower is better (deletion).
    best_baseline, best_baseline_map, best_baseline_layer: which null was the best; stage and layer '' where it has none.
    """

    case_id: str
    patient: str
    organ: str
    explainer: str
    role: str
    map: str
    layer: str
    family: str
    metric: str
    mask: str
    value: float
    best_baseline: str
    best_baseline_map: str
    best_baseline_layer: str
    baseline_value: float
    gain: float


def learned_gains(rows: "Iterable[MetricRow] | Any") -> tuple[LearnedGain, ...]:
    """The learned gain of every map that is not a null, in the rows' order.

    rows: MetricRows, or a pandas DataFrame with their columns; of one case or of a whole cohort. A null with a stage (the
    same architecture with random weights) is compared with the maps of that stage and layer only, the others with every map.
    A figure without a direction (see `direction_of`), or without a null, has no gain.
    """
    rows = tuple(_as_rows(rows))
    best: dict[tuple, MetricRow] = {}
    for row in rows:
        direction = direction_of(row.family, row.metric) if row.role == Role.BASELINE else None
        if direction is not None:
            is_staged = row.map in OWN_MAP_KEYS
            place = _place(row, row.map if is_staged else "", row.layer if is_staged else "")
            best[place] = max(best.get(place, row), row, key=lambda null: direction * null.value)
    found = (_gain(row, best) for row in rows if row.role != Role.BASELINE)
    return tuple(gain for gain in found if gain is not None)


def _place(row: MetricRow, stage: str, layer: str) -> tuple:
    return row.case_id, row.family, row.metric, row.mask, stage, layer


def _gain(row: MetricRow, best_of: dict[tuple, MetricRow]) -> LearnedGain | None:
    direction = direction_of(row.family, row.metric)
    compared = [
        null for null in (best_of.get(_place(row, "", "")), best_of.get(_place(row, row.map, row.layer))) if null
    ]
    if direction is None or not compared:
        return None
    best = max(compared, key=lambda null: direction * null.value)
    return LearnedGain(
        row.case_id,
        row.patient,
        row.organ,
        row.explainer,
        row.role,
        row.map,
        row.layer,
        row.family,
        row.metric,
        row.mask,
        row.value,
        best.explainer,
        best.map,
        best.layer,
        best.value,
        int(direction) * (row.value - best.value),
    )


def _as_rows(rows: "Iterable[MetricRow] | Any") -> Iterator[MetricRow]:
    if hasattr(rows, "itertuples"):  # a DataFrame; pandas itself is not needed
        # Column by column as plain objects: a column of Arrow's strings takes five times as long to walk through.
        columns = (rows[name].to_numpy(object) for name in MetricRow.__dataclass_fields__)
        return (MetricRow(*values) for values in zip(*columns, strict=True))
    return iter(rows)
