"""How much a map changed: by rank and by size, on the tokens that lie on the slice."""

import numpy as np

from ..model_input.frame import ModelFrame


def rank_correlation(before: np.ndarray, after: np.ndarray) -> float:
    """Spearman's ρ of two maps.

    Args:
        before: Values, any shape.
        after: Values, the same shape.

    Returns:
        In [-1, 1]; of constant maps 1 where they are equal and 0 where not.
    """
    a, b = (_ranks(values) - (values.size + 1) / 2 for values in (before, after))
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    if scale == 0:
        return 1.0 if np.array_equal(before, after) else 0.0
    return float((a * b).sum() / scale)


def _ranks(values: np.ndarray) -> np.ndarray:
    """(n,) ranks from 1, equal values having their middle rank.

    As `scipy.stats.rankdata`, whose import would hold up the first explanation by half a second.
    """
    _, which, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]


def relative_change(before: np.ndarray, after: np.ndarray) -> float | None:
    """‖after − before‖ / ‖before‖; its largest over trials is captum's sensitivity_max (Yeh et al., NeurIPS 2019).

    Args:
        before: Values, any shape.
        after: Values, the same shape.

    Returns:
        None where every value was zero before.
    """
    size = np.linalg.norm(before.astype(np.float64))
    return float(np.linalg.norm(after.astype(np.float64) - before) / size) if size > 0 else None


def on_content(values: np.ndarray, frame: ModelFrame) -> np.ndarray:
    """The values of a map on the cells that the slice covers.

    Args:
        values: (h, w) over the model's square.
        frame: Where the slice lies in the square.

    Returns:
        (n,).
    """
    return values[frame.content_coverage(values.shape) > 0]
