"""From figures by name to the rows of one map."""

import math
from collections.abc import Mapping

from ..explainers.base import Case, Kind, SaliencyMap
from .metric_row import FigureRow


def rows_of_map(
    case: Case, kind: Kind, saliency: SaliencyMap, family: str, figures: Mapping[str, float | None], mask: str = ""
) -> tuple[FigureRow, ...]:
    """One row a figure; a figure that does not exist (None or NaN) has none."""
    return rows_of_explainer(case, saliency.explainer, kind, family, figures, saliency.stage, saliency.layer, mask)


def rows_of_explainer(
    case: Case,
    explainer: str,
    kind: Kind,
    family: str,
    figures: Mapping[str, float | None],
    stage: str = "",
    layer: str = "",
    mask: str = "",
) -> tuple[FigureRow, ...]:
    """The same for figures of an explainer as a whole, such as its seconds."""
    return tuple(
        FigureRow(
            case.case_id,
            case.patient,
            case.organ,
            explainer,
            str(kind),
            stage,
            layer,
            family,
            metric,
            mask,
            float(value),
        )
        for metric, value in figures.items()
        if value is not None and not math.isnan(value)
    )
