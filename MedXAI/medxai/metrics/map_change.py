"""How much a map changed: by rank and by size, on the tokens that lie on the slice."""

import numpy as np
from scipy.stats import rankdata

from ..model_input.frame import ModelFrame


def rank_correlation(before: np.ndarray, after: np.ndarray) -> float:
    """Spearman's ρ of two arrays of one shape; of constant ones 1 where they are equal and 0 where not."""
    a, b = (rankdata(values) - (values.size + 1) / 2 for values in (before, after))
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    if scale == 0:
        return 1.0 if np.array_equal(before, after) else 0.0
    return float((a * b).sum() / scale)


def relative_change(before: np.ndarray, after: np.ndarray) -> float | None:
    """‖after − before‖ / ‖before‖; None where there was nothing before. Its largest over trials is captum's sensitivity."""
    size = np.linalg.norm(before.astype(np.float64))
    return float(np.linalg.norm(after.astype(np.float64) - before) / size) if size > 0 else None


def on_content(values: np.ndarray, frame: ModelFrame) -> np.ndarray:
    """(n,): the values of a map (h, w) on cells that the slice covers."""
    return values[frame.content_coverage(values.shape) > 0]
