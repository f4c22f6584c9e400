"""How well a map points at a mask: mass inside, ranking of pixels, and its highest point.

The curve behind AUROC and average precision is scikit-learn's. None of these metrics says much alone: a Gaussian in the
middle of the box reaches an AUROC of 0.94 and more over the image. See `learned_gain`.
"""

import numpy as np
from sklearn import config_context
from sklearn.metrics import auc, roc_curve

from ..explainers.base import Case
from ..maps import Role
from ..results import SaliencyMap
from ..slice.box import grown_box
from .metric_row import MetricRow, metric_rows
from .slice_region import inside_of, masks_of

FAMILY = "localisation"
HEADLINE = "auroc_grown_box"


def localisation_rows(case: Case, role: Role, saliency: SaliencyMap) -> tuple[MetricRow, ...]:
    """The metrics of one map against the predicted mask, and against the reference mask where there is one."""
    values = case.result.on_slice(saliency.values)
    inside = inside_of(case)
    near = inside & grown_box(case.result.box.box, inside.shape).mask(inside.shape)
    return tuple(
        row
        for name, mask in masks_of(case).items()
        for row in metric_rows(
            case, saliency.map_id, role, FAMILY, localisation_metrics(values, mask, inside, near), name
        )
    )


def localisation_metrics(
    values: np.ndarray, mask: np.ndarray, inside: np.ndarray, near: np.ndarray
) -> dict[str, float | None]:
    """How well a map on a slice points at a structure.

    energy_inside = Σ_M S⁺ / Σ S⁺ over the volume's pixels, M the structure and S⁺ the positive part (the energy-based
    pointing game of Wang et al., "Score-CAM", CVPR Workshops 2020); energy_ratio = that divided by the structure's
    share of the area (1 for a uniform map). AUROC and average precision rank the pixels, over the image and over the
    grown box B⁺. pointing_over_chance = the share of the map's highest pixels that lie in the structure (the pointing
    game of Zhang et al., ECCV 2016), less the structure's share of the area.

    Args:
        values: (rows, columns), higher is more.
        mask: (rows, columns) bool, the structure.
        inside: (rows, columns) bool, the volume's pixels.
        near: (rows, columns) bool, those of them in the grown box B⁺.

    Returns:
        Metrics by name; None for one that does not exist; empty where the structure is nowhere or everywhere.
    """
    scores, labels = values[inside], mask[inside]
    share = float(labels.mean())
    if share in (0.0, 1.0):
        return {}
    energy = _energy_inside(scores, labels)
    auroc, precision = _ranking(scores, labels)
    auroc_near, precision_near = _ranking(values[near], mask[near])
    return {
        "energy_inside": energy,
        "energy_ratio": None if energy is None else energy / share,
        "auroc_image": auroc,
        "average_precision_image": precision,
        "auroc_grown_box": auroc_near,
        "average_precision_grown_box": precision_near,
        "pointing_over_chance": float(labels[scores == scores.max()].mean()) - share,
    }


def _energy_inside(scores: np.ndarray, labels: np.ndarray) -> float | None:
    mass = np.maximum(scores, 0).astype(np.float64)
    total = mass.sum()
    return float(mass[labels].sum() / total) if total > 0 else None


def _ranking(scores: np.ndarray, labels: np.ndarray) -> tuple[float | None, float | None]:
    """AUROC and average precision; neither exists for one class only.

    Both from one curve: scikit-learn sorts and checks its input anew in every call, 5 ms each for 12,000 pixels.
    """
    if labels.all() or not labels.any():
        return None, None
    with config_context(assume_finite=True):
        false_rate, true_rate, _ = roc_curve(labels, scores, drop_intermediate=False)
        area = auc(false_rate, true_rate)
    positive = np.count_nonzero(labels)
    hits, misses = true_rate[1:] * positive, false_rate[1:] * (labels.size - positive)
    return float(area), float((np.diff(true_rate) * hits / (hits + misses)).sum())
