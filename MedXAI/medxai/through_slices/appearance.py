"""What an organ looks like on a slice, in the model's features and in grey values, and how much another slice resembles it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..model_input.frame import ModelFrame
from ..results import Segmentation

#: Grey values 0 to 255 are counted in so many bins, smoothed over one bin.
GREY_BINS = 32
#: In features, the surroundings are the tokens from 2 to so many tokens outside the mask.
_RING_TOKENS = 4
#: In pixels, the surroundings reach half the organ's radius out, but at least so far.
_LEAST_RING_PX = 3
#: Likeness is smoothed over pixels by a Gaussian of this standard deviation, against the scan's noise.
_SMOOTHING_PX = 0.7
_EPSILON = 1e-6


@dataclass(frozen=True, eq=False)
class Appearance:
    """What is remembered of an organ on one slice; a few kilobytes.

    Attributes:
        organ: (C,) mean feature of the mask, less the slice's mean feature: the organ's prototype.
        surroundings: (C,) the same of the ring around it.
        grey: (32,) shares of the mask's grey values; sums to 1.
        grey_around: (32,) those of the ring around it.
        beside: Organ-like area that touches the mask from outside, as a share of the mask (see `area_beside`).
        soft_share: The share of the outline that the contour check calls soft.
        area_px: Of the mask.
    """

    organ: np.ndarray
    surroundings: np.ndarray
    grey: np.ndarray
    grey_around: np.ndarray
    beside: float
    soft_share: float
    area_px: int


@dataclass(frozen=True, eq=False)
class SeenSlice:
    """What one slice gives to the comparison; no box has a part in it.

    Attributes:
        grey: (rows, columns) uint8, what the model input was made of.
        tokens: (h, w, C) float32, the encoder's embedding.
        frame: Where the slice lies in the model's square.
    """

    grey: np.ndarray
    tokens: np.ndarray
    frame: ModelFrame


def appearance_of(
    seen: SeenSlice, segmentation: Segmentation, soft_share: float, known: Appearance | None = None
) -> Appearance:
    """What the mask of a slice holds.

    Args:
        seen: The slice.
        segmentation: Its mask, not empty.
        soft_share: Of its outline.
        known: The organ on the slice where the user drew the box; None for that slice itself.
    """
    height, width, channels = seen.tokens.shape
    covered = seen.frame.content_coverage((height, width)).ravel()
    flat = seen.tokens.reshape(-1, channels)
    centred = flat - covered @ flat / covered.sum()
    inside = _probability(segmentation.logits, (height, width)).ravel() * covered
    ring = _ring((inside > 0.5).reshape(height, width), 2, _RING_TOKENS).ravel() * covered * (1 - inside)
    mask = segmentation.mask
    around = _ring(mask, 2, ring_px(mask))
    grey, grey_around = _shares(seen.grey[mask]), _shares(seen.grey[around])
    like = known or Appearance(np.empty(0), np.empty(0), grey, grey_around, 0.0, 0.0, 0)
    return Appearance(
        organ=inside @ centred / max(inside.sum(), _EPSILON),
        surroundings=ring @ centred / max(ring.sum(), _EPSILON),
        grey=grey,
        grey_around=grey_around,
        beside=area_beside(mask, organ_like(seen.grey, like)),
        soft_share=soft_share,
        area_px=int(mask.sum()),
    )


def organ_like(grey: np.ndarray, known: Appearance) -> np.ndarray:
    """(rows, columns) bool: pixels whose grey values are likelier in the organ than around it.

    The logarithm of the two likelihoods' ratio, by histograms of the slice where the user drew the box, smoothed.

    Args:
        grey: (rows, columns) uint8.
        known: The organ on that slice.
    """
    ratio = np.log(known.grey / known.grey_around)
    return ndimage.gaussian_filter(ratio[_bins(grey)], _SMOOTHING_PX) > 0


def area_beside(mask: np.ndarray, like: np.ndarray) -> float:
    """Organ-like pixels that touch the mask from outside, within the ring around it, as a share of the mask's area.

    Args:
        mask: (rows, columns) bool.
        like: (rows, columns) bool, organ-like pixels.
    """
    near = ndimage.binary_dilation(mask, iterations=ring_px(mask))
    numbers, _ = ndimage.label((like | mask) & near)
    touching = np.isin(numbers, np.unique(numbers[mask]))
    outside = touching & ~ndimage.binary_dilation(mask)
    return float(outside.sum() / max(mask.sum(), 1))


def ring_px(mask: np.ndarray) -> int:
    """How far the surroundings of a mask reach: half the radius of a disc of its area."""
    return max(_LEAST_RING_PX, round(0.5 * float(np.sqrt(mask.sum() / np.pi))))


def prototype_likeness(here: Appearance, known: Sequence[Appearance]) -> float:
    """In [-1, 1]: the cosine of (organ − surroundings) here with the mean of the known ones."""
    mean = np.mean([one.organ - one.surroundings for one in known], axis=0)
    own = here.organ - here.surroundings
    return float(own @ mean / max(np.linalg.norm(own) * np.linalg.norm(mean), _EPSILON))


def grey_likeness(here: Appearance, known: Sequence[Appearance]) -> float:
    """In [0, 1]: the Bhattacharyya coefficient of the grey values here and those of the known slices together."""
    return float(np.sqrt(here.grey * np.mean([one.grey for one in known], axis=0)).sum())


def _bins(grey: np.ndarray) -> np.ndarray:
    return grey // (256 // GREY_BINS)


def _shares(grey: np.ndarray) -> np.ndarray:
    counts = np.bincount(_bins(grey), minlength=GREY_BINS).astype(float)
    smooth = ndimage.gaussian_filter1d(counts, 1.0) + 1e-3
    return smooth / smooth.sum()


def _probability(logits: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """(h, w): the mask's mean probability in each cell of the embedding's grid; logits: (4h, 4w)."""
    h, w = grid
    probability = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return probability.reshape(h, logits.shape[0] // h, w, logits.shape[1] // w).mean(axis=(1, 3))


def _ring(mask: np.ndarray, first: int, last: int) -> np.ndarray:
    """The cells from `first` to `last` cells outside a mask."""
    inner = ndimage.binary_dilation(mask, iterations=first - 1)
    return ndimage.binary_dilation(inner, iterations=last - first + 1) & ~inner
