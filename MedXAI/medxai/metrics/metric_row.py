"""One figure of one map of one case: the line of every table, and of the Parquet file of a cohort."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureRow:
    """Long format: one value a row, so that a further metric or explainer changes no schema.

    kind: see `explainers.interface.Kind`. stage, layer: '' where the explainer has none. family: 'localisation',
    'faithfulness', 'stability', 'sanity', 'complexity' or 'cost'. metric: for example 'auroc_grown_box'.
    mask: 'predicted' or 'reference' where the figure was taken against a mask, else ''. value: NaN is not allowed; a
    figure that does not exist for a map (no mass, one class only) has no row.
    """

    case_id: str
    patient: str
    organ: str
    explainer: str
    kind: str
    stage: str
    layer: str
    family: str
    metric: str
    mask: str
    value: float
