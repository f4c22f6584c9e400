"""One metric of one map of one case: the line of every table, and of the Parquet file of a cohort."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..explainers.base import Case
from ..maps import MapId, Role


@dataclass(frozen=True)
class MetricRow:
    """Long format: one value a row, so that a further metric or explainer changes no schema.

    Attributes:
        case_id, patient, organ: As in `Case`.
        explainer, map, layer: The map's `MapId`; map and layer '' for a metric of an explainer as a whole.
        role: 'method', 'baseline' or 'comparison'.
        family: 'localisation', 'faithfulness', 'stability', 'sanity', 'complexity' or 'cost'.
        metric: For example 'auroc_grown_box'.
        mask: 'predicted' or 'reference' where it was taken against a mask, else ''.
        value: A number; a metric that does not exist for a map (no mass, one class only) has no row.
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

    @property
    def map_id(self) -> MapId:
        """The map's identity."""
        return MapId(self.explainer, self.map, self.layer)


def metric_rows(
    case: Case, map_id: MapId, role: Role, family: str, metrics: Mapping[str, float | None], mask: str = ""
) -> tuple[MetricRow, ...]:
    """One row a metric; one that does not exist (None or NaN) has none.

    Args:
        case: What was measured.
        map_id: The map; one with an explainer alone for a metric of the explainer as a whole, such as its seconds.
        role: The explainer's.
        family: Of the metrics.
        metrics: Values by name.
        mask: 'predicted' or 'reference', '' for a metric without a mask.
    """
    about_case = (case.case_id, case.patient, case.organ)
    about_map = (map_id.explainer, str(role), map_id.map, map_id.layer)
    return tuple(
        MetricRow(*about_case, *about_map, family, metric, mask, float(value))
        for metric, value in metrics.items()
        if value is not None and not math.isnan(value)
    )
