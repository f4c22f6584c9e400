"""How far an outline moves if the model is a little less sure: needs the mask's logits alone.

With ℓ(x) the mask's logit at a place x, the outline is where ℓ = 0. Where ℓ changes by one everywhere, the outline moves by
1 / ‖∇ℓ(x)‖ along its normal (first order): the tolerance, in mm per logit. A reader looks at stretches, not at points, so
each point gets the geometric mean over its neighbours along the outline, weighted by a Gaussian of `STRETCH_MM`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .outline import Outline

#: Standard deviation of the Gaussian along the outline, in mm.
STRETCH_MM = 5.0


def slope_per_mm(outline: Outline, logits: np.ndarray) -> np.ndarray:
    """(n,): ‖∇ℓ‖ at the outline's points in logits per mm, ℓ smoothed by `SMOOTHING_CELLS`; logits: (4h, 4w).

    It is at least what moves the outline across the whole slice for one logit, so that a flat ℓ gives no infinity.
    """
    width_mm, height_mm = outline.grid.cell_mm
    across = outline.smoothed(logits, (0, 1)) / width_mm
    down = outline.smoothed(logits, (1, 0)) / height_mm
    return np.maximum(np.hypot(across, down), _least_slope_per_mm(outline))


def tolerance_mm_per_logit(outline: Outline, logits: np.ndarray) -> np.ndarray:
    """(n,): how far the outline moves if the logit changes by one, the mean of a stretch; logits: (4h, 4w)."""
    return np.exp(-along_stretches(outline, np.log(slope_per_mm(outline, logits))))


def along_stretches(outline: Outline, values: np.ndarray) -> np.ndarray:
    """(n,): values at the outline's points averaged along each outline, by a Gaussian of `STRETCH_MM`."""
    step_mm = min(outline.grid.cell_mm) / 2
    averaged, to_next_mm = np.empty_like(values), outline.to_next_mm()
    for own, is_closed in outline.parts:
        gaps = to_next_mm[own]
        at_mm = np.concatenate([[0.0], np.cumsum(gaps[:-1])])
        whole_mm = float(gaps.sum() if is_closed else gaps[:-1].sum())
        count = max(int(np.ceil(whole_mm / step_mm)), 1)
        even_mm = (np.arange(count) + 0.5) * whole_mm / count
        evenly = np.interp(even_mm, at_mm, values[own], period=whole_mm if is_closed and whole_mm else None)
        width = STRETCH_MM / (whole_mm / count) if whole_mm else 1.0
        smooth = ndimage.gaussian_filter1d(evenly, width, mode="wrap" if is_closed else "nearest")
        averaged[own] = np.interp(at_mm, even_mm, smooth, period=whole_mm if is_closed and whole_mm else None)
    return averaged


def _least_slope_per_mm(outline: Outline) -> float:
    (rows, columns), (width_mm, height_mm) = outline.grid.shape, outline.grid.cell_mm
    return 1 / float(np.hypot(columns * width_mm, rows * height_mm))
