"""The headline of every table: how much better a map is than the best map that needed nothing learned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..maps import OWN_MAP_KEYS, Role
from .direction import direction_of
from .metric_row import MetricRow


@dataclass(frozen=True)
class LearnedGain:
    """metric(map) − the best baseline's on the same case, metric and mask; above 0 is better than all of them.

    Attributes:
        case_id, patient, organ, explainer, role, map, layer, family, metric, mask: As in `MetricRow`.
        value: The map's metric as measured.
        best_baseline, best_baseline_map, best_baseline_layer: The best baseline's map; map and layer '' where it has none.
        baseline_value: Its metric as measured.
        gain: Their difference, its sign turned where lower is better (deletion).
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
    """The learned gain of every map that is not a baseline's, in the rows' order.

    A baseline that makes MedXAI's own maps (the same network with random weights) is compared with the same map at the
    same layer only, the others with every map. A metric without a direction (see `direction_of`), or without a baseline,
    has no gain.

    Args:
        rows: MetricRows, or a pandas DataFrame with their columns; of one case or of a whole cohort.
    """
    rows = tuple(_as_rows(rows))
    best: dict[tuple[str, ...], MetricRow] = {}
    for row in rows:
        direction = direction_of(row.family, row.metric) if row.role == Role.BASELINE else None
        if direction is not None:
            place = _place(row, row.map, row.layer) if row.map in OWN_MAP_KEYS else _place(row, "", "")
            best[place] = max(best.get(place, row), row, key=lambda baseline: direction * baseline.value)
    found = (_gain(row, best) for row in rows if row.role != Role.BASELINE)
    return tuple(gain for gain in found if gain is not None)


def _place(row: MetricRow, map_key: str, layer: str) -> tuple[str, ...]:
    return row.case_id, row.family, row.metric, row.mask, map_key, layer


def _gain(row: MetricRow, best_of: dict[tuple[str, ...], MetricRow]) -> LearnedGain | None:
    direction = direction_of(row.family, row.metric)
    places = (_place(row, "", ""), _place(row, row.map, row.layer))
    compared = [best_of[place] for place in places if place in best_of]
    if direction is None or not compared:
        return None
    best = max(compared, key=lambda baseline: direction * baseline.value)
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


def _as_rows(rows: Any) -> Iterator[MetricRow]:
    if hasattr(rows, "itertuples"):  # a DataFrame; pandas itself is not needed
        # Column by column as plain objects: a column of Arrow's strings takes five times as long to walk through.
        columns = (rows[name].to_numpy(object) for name in MetricRow.__dataclass_fields__)
        return (MetricRow(*values) for values in zip(*columns, strict=True))
    return iter(rows)
