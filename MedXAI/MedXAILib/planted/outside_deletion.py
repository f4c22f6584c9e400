"""Does a map find what matters outside the mask? Deletion of everything but the grown box, in the map's order."""

from collections.abc import Sequence

import numpy as np
import torch

from ..explainers.differentiable import image_of, segmenter_for
from ..explainers.scoring import MaskScore, mean_weights
from ..pipeline import SliceExplanation
from .figures import blurred, near_box
from .planted_slice import TOKEN_PX

_STEPS, _RANDOM_ORDERS = 8, 3


def gains_over_random_order(result: SliceExplanation, maps: Sequence[np.ndarray], seed: int = 0) -> tuple[float, ...]:
    """Area under the deletion curve in a random order (mean of three) less that in a map's order; above 0 the map is better.

    maps: each (h, w) on tokens, of one grid. Tokens outside the grown box are replaced by the blurred image in eight steps, the highest
    first; the curve is the mean logit inside the mask over its value before anything is deleted, cut at 0 and 1, so that a
    mask that turns into its opposite counts as gone.
    """
    score = MaskScore(segmenter_for(result), mean_weights(result))
    image = image_of(result)
    filling, grid = blurred(image), maps[0].shape
    outside = _tokens_outside(result, grid)
    rng = np.random.default_rng(seed)
    by_chance = [_area(score, image, filling, rng.permutation(outside), grid) for _ in range(_RANDOM_ORDERS)]
    orders = [outside[np.argsort(-values.ravel()[outside], kind="stable")] for values in maps]
    return tuple(float(np.mean(by_chance) - _area(score, image, filling, order, grid)) for order in orders)


def _tokens_outside(result: SliceExplanation, grid: tuple[int, int]) -> np.ndarray:
    """Flat indexes of the tokens that the grown box does not touch."""
    near = near_box(result).reshape(grid[0], TOKEN_PX, grid[1], TOKEN_PX).any(axis=(1, 3))
    return np.flatnonzero(~near.ravel())


def _area(score: MaskScore, image: torch.Tensor, filling: torch.Tensor, order: np.ndarray, grid: tuple[int, int]) -> float:
    deleted = np.zeros(grid[0] * grid[1], bool)
    curve = []
    with torch.no_grad():
        for part in [order[:0], *np.array_split(order, _STEPS)]:
            deleted[part] = True
            gone = np.kron(deleted.reshape(grid), np.ones((TOKEN_PX, TOKEN_PX), bool))
            curve.append(float(score(torch.where(torch.from_numpy(gone), filling, image))))
    return float(np.trapezoid(np.clip(np.array(curve) / curve[0], 0, 1), dx=1 / _STEPS))
