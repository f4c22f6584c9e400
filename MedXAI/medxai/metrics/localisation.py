"""How well a map points at a mask: mass inside, ranking of pixels, and its highest point.

None of these metrics says much alone: a Gaussian in the middle of the box reaches an AUROC of 0.94 and more over the
image. See `learned_gain`.
"""

import numpy as np

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
    whole, close = _Ranking(values[inside]), _Ranking(values[near])
    return tuple(
        row
        for name, mask in masks_of(case).items()
        for row in metric_rows(
            case, saliency.map_id, role, FAMILY, _metrics(whole, mask[inside], close, mask[near]), name
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
    return _metrics(_Ranking(values[inside]), mask[inside], _Ranking(values[near]), mask[near])


def _metrics(
    whole: "_Ranking", labels: np.ndarray, close: "_Ranking", labels_close: np.ndarray
) -> dict[str, float | None]:
    """The metrics of one map for one structure, over the volume's pixels and over those close to the box."""
    share = float(labels.mean())
    if share in (0.0, 1.0):
        return {}
    scores = whole.scores
    energy = _energy_inside(scores, labels)
    auroc, precision = whole.of(labels)
    auroc_near, precision_near = close.of(labels_close)
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


class _Ranking:
    """Pixels in the order of their scores, sorted once for all structures.

    The curve is that of scikit-learn's `roc_curve`, which sorts and checks anew in every call (5 ms for 12,000 pixels) and
    would hold up the first explanation by a second while it is imported.
    """

    def __init__(self, scores: np.ndarray):
        self.scores = scores
        self._order = np.argsort(scores)[::-1]
        ends = np.flatnonzero(np.diff(scores[self._order]))
        # The last pixel of each score: equal scores count together.
        self._ends = np.append(ends, scores.size - 1)

    def of(self, labels: np.ndarray) -> tuple[float | None, float | None]:
        """AUROC and average precision of the pixels where `labels` is true; neither exists for one class only."""
        if labels.all() or not labels.any():
            return None, None
        hits = np.cumsum(labels[self._order], dtype=float)[self._ends]
        misses = 1 + self._ends - hits
        true_rate, false_rate = (np.append(0.0, count / count[-1]) for count in (hits, misses))
        # By way of the rates, so that every value stays what it was to the last bit.
        found, wrong = true_rate[1:] * hits[-1], false_rate[1:] * misses[-1]
        return float(np.trapezoid(true_rate, false_rate)), float((np.diff(true_rate) * found / (found + wrong)).sum())
