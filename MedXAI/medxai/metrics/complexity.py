"""How spread out a map is: entropy and Gini index of its positive part, the same as Quantus's Complexity and Sparseness."""

import numpy as np

from ..explainers.base import Case
from ..maps import Role
from ..results import SaliencyMap
from .metric_row import MetricRow, metric_rows
from .slice_region import inside_of

FAMILY = "complexity"


def complexity_rows(case: Case, role: Role, saliency: SaliencyMap) -> tuple[MetricRow, ...]:
    """The figures of one map on the volume's pixels of the slice; none for a map without a positive value."""
    figures = complexity_figures(case.result.on_slice(saliency.values)[inside_of(case)])
    return metric_rows(case, saliency.map_id, role, FAMILY, figures)


def complexity_figures(values: np.ndarray) -> dict[str, float]:
    """Figures of the values (n,), of which only the positive part counts; empty where there is none.

    entropy: −Σ p ln p in nats, p the positive part as a distribution (Bhatt et al. 2020). effective_area: exp(entropy) / n,
    1 for a uniform map. gini: Σ (2i − n − 1) s_i / (n Σ s), s sorted upwards: 0 for a uniform map, near 1 for a single
    pixel (Chalasani et al. 2020).
    """
    mass = np.sort(np.maximum(values, 0).astype(np.float64))
    total, n = mass.sum(), mass.size
    if not total > 0:
        return {}
    p = mass[mass > 0] / total
    entropy = float(-(p * np.log(p)).sum())
    rank = 2 * np.arange(1, n + 1) - n - 1
    return {
        "entropy": entropy,
        "effective_area": float(np.exp(entropy) / n),
        "gini": float((rank * mass).sum() / (n * total)),
    }
