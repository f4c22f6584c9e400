"""Is there anything here? A verdict beside the maps, since every map has a spot, also over a box with nothing in it.

Four measures are summed to a score: whether the mask's grey values differ from those around it, whether its outline lies on an
edge of the image, how steep the mask is there, and whether stage 3, without its spatial weighting, is higher in the mask than
around it; each in standard deviations of what boxes over nothing have. A model's
limits say which score 95 % of boxes over nothing stay below; they are measured on made-up slices, by
`python -m medxai_lab.presence`. The maps' values are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from .results import ModelIdentity, Presence, SliceExplanation
from .slice.box import PixelBox, grown_box

#: By a checkpoint's SHA-256, what was measured with it.
LIMITS_FILE = Path(__file__).with_name("presence_limits.json")
#: The measures, in the order of `measures`.
MEASURES = ("grey values", "edge under the outline", "steepness of the outline", "stage 3 without weighting")
_EPSILON = 1e-6
#: A Gaussian of 1 pixel is cut off at 4, and the outline is a pixel wide.
_GRADIENT_REACH_PX = 5


@dataclass(frozen=True)
class PresenceLimits:
    """What was measured with one model.

    Attributes:
        title: The model's.
        preparation: How its images were prepared; another preparation has other limits.
        centre, scale: Mean and standard deviation of each measure over boxes over nothing.
        limit: What the score has to exceed.
        false_alarms: The share of boxes over nothing that exceed it where the other half of the slices decides it.
        passed: The same of made-up structures.
    """

    title: str
    preparation: str
    centre: Sequence[float]
    scale: Sequence[float]
    limit: float
    false_alarms: float
    passed: float

    def score(self, measured: np.ndarray) -> float:
        """The sum of the standardised measures: of one result's, or of many (n, measures) as (n,)."""
        return ((np.asarray(measured) - self.centre) / self.scale).sum(-1)


@cache
def known_limits() -> dict[str, PresenceLimits]:
    """The limits of every model that has some, by its checkpoint's SHA-256."""
    found: dict[str, dict[str, Any]] = json.loads(LIMITS_FILE.read_text(encoding="utf-8"))
    return {checksum: PresenceLimits(**one) for checksum, one in found.items()}


def limits_of(model: ModelIdentity) -> PresenceLimits | None:
    """A model's limits; None where none were measured with these weights and this preparation."""
    limits = known_limits().get(model.checksum_sha256)
    return limits if limits is not None and limits.preparation == model.preparation else None


def presence_of(result: SliceExplanation) -> Presence:
    """The verdict on a result; without one where its model has no limits, and for a preview."""
    limits = None if result.is_preview else limits_of(result.model)
    if limits is None:
        return Presence(None, None)
    return Presence(float(limits.score(measures(result))), limits.limit)


def measures(result: SliceExplanation) -> np.ndarray:
    """What tells a structure from nothing.

    Grey values: how well they rank the mask's pixels above or below the others of the box grown by a quarter (AUROC, at least 0.5).
    Edge: ln of the grey values' mean gradient (Gaussian, 1 pixel) on the mask's outline, over that in the rest of the grown box.
    Steepness: −ln of the outline's middle tolerance (mm per logit), as a share of the side of a square of the box's area.
    Stage 3 without weighting, at the layer that stands for its stage: mean in the mask less mean around it, in standard deviations.

    Args:
        result: Of one box.

    Returns:
        As in `MEASURES`; those of nothing where the model segmented nothing, or all of the grown box.
    """
    shape = result.segmentation.mask.shape
    grown = grown_box(result.box.box, shape)
    part = _surroundings(grown)
    mask, grey = result.segmentation.mask[part], result.prepared.grey[part]
    near = grown.mask(shape)[part] & result.prepared.image.inside[part]
    around, own = near & ~mask, near & mask
    tolerance = result.contour.tolerance_mm_per_logit
    if not own.any() or not around.any() or not len(tolerance):
        return np.array([0.5, 0.0, _FLAT, 0.0])
    across, down = result.prepared.image.spacing_mm[:2]
    side_mm = float(np.sqrt(result.box.box.area_px * across * down))
    stage3 = result.on_slice(result.explanation.layer(result.shown_layer).stage3_unweighted)[part]
    spread = np.sqrt((stage3[own].var() + stage3[around].var()) / 2)
    return np.array(
        [
            _separation(grey[own], grey[around]),
            _edge(grey, mask, near),
            max(-np.log(np.median(tolerance) / side_mm), _FLAT),
            (stage3[own].mean() - stage3[around].mean()) / (spread + _EPSILON),
        ]
    )


def _surroundings(grown: PixelBox) -> tuple[slice, slice]:
    """Rows and columns of the grown box with all that the gradient within it reads: the whole slice takes thrice as long."""
    return (
        slice(max(grown.first_row - _GRADIENT_REACH_PX, 0), grown.last_row + _GRADIENT_REACH_PX + 1),
        slice(max(grown.first_column - _GRADIENT_REACH_PX, 0), grown.last_column + _GRADIENT_REACH_PX + 1),
    )


def _edge(grey: np.ndarray, mask: np.ndarray, near: np.ndarray) -> float:
    """Ln of the mean gradient on the mask's outline (a pixel inside and one outside) over that in the rest of the grown box."""
    gradient = ndimage.gaussian_gradient_magnitude(grey.astype(np.float32), 1.0)
    outline = near & ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask, border_value=1)
    rest = near & ~outline
    if not outline.any() or not rest.any():
        return 0.0
    return float(np.log((gradient[outline].mean() + 1) / (gradient[rest].mean() + 1)))


#: The steepness of an outline that moves by e times the box's side for one logit.
_FLAT = -1.0


def _separation(own: np.ndarray, others: np.ndarray) -> float:
    """AUROC of grey values (uint8) against others (Mann and Whitney's U), whichever are higher; 0.5 for no difference.

    Counted by grey value: `scipy.stats` would hold the first explanation up by half a second, and sorting each box's
    values took a tenth of the next box.
    """
    counts, others_counts = np.bincount(own, minlength=256), np.bincount(others, minlength=256)
    below_or_half_equal = np.cumsum(others_counts) - others_counts / 2
    area = (counts @ below_or_half_equal) / (len(own) * len(others))
    return float(max(area, 1 - area))
