"""How spread out a map is: entropy and Gini index of its positive part, the same as Quantus's Complexity and Sparseness."""

import numpy as np

from ..explainers.base import Case
from ..maps import Role
from ..results import SaliencyMap
from .metric_row import MetricRow, metric_rows
from .slice_region import inside_of

FAMILY = "complexity"


def complexity_rows(case: Case, role: Role, saliency: SaliencyMap) -> tuple[MetricRow, ...]:
    """The metrics of one map on the volume's pixels of the slice; none for a map without a positive value."""
    metrics = complexity_metrics(case.result.on_slice(saliency.values)[inside_of(case)])
    return metric_rows(case, saliency.map_id, role, FAMILY, metrics)


def complexity_metrics(values: np.ndarray) -> dict[str, float]:
    """How spread out values are; only their positive part s counts.

    entropy: −Σ p ln p in nats, p = s / Σ s (Bhatt et al., "Evaluating and Aggregating Feature-based Model
    Explanations", IJCAI 2020). effective_area: exp(entropy) / n, 1 for a uniform map. gini: Σ (2i − n − 1) s_i / (n Σ
    s), s sorted upwards: 0 for a uniform map, near 1 for a single pixel (Chalasani et al., "Concise Explanations of
    Neural Networks using Adversarial Training", ICML 2020).

    Args:
        values: (n,), the map on n pixels.

    Returns:
        The three metrics by name; empty where no value is positive.
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
