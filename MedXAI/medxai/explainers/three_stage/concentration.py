"""How far a map narrows onto the organ, and how much of the narrowing is the model's and how much the construction's."""

import numpy as np
import torch
import torch.nn.functional as F

from ...maps import STAGES, MapId, stage_map
from ...results import Concentration, Explanation, Narrowing

_EPSILON = 1e-12


def concentration_of(explanation: Explanation, content: dict[tuple[int, int], np.ndarray]) -> Concentration:
    """The metrics of concentration of an explanation.

    Args:
        explanation: The maps and the mask.
        content: For each layer's grid, (h, w) in [0, 1]: the share of each token that the image covers.
    """
    mask = torch.from_numpy((explanation.terminal > 0).astype(np.float32))[None, None]
    share: dict[MapId, float | None] = {}
    area: dict[MapId, float | None] = {}
    mask_share = 0.0
    coverage = {grid: F.interpolate(mask, size=grid, mode="area")[0, 0].numpy() for grid in content}
    for maps in explanation.layers:
        covered, lit = coverage[maps.grid], content[maps.grid]
        mask_share = float((covered * lit).sum() / lit.sum())
        for number in STAGES:
            mass = np.maximum(maps.stages[number], 0).astype(np.float64)
            share[stage_map(number, maps.layer)] = share_inside(mass, covered)
            area[stage_map(number, maps.layer)] = effective_area(mass, int((lit > 0).sum()))
    first, last = explanation.layers[0].layer, explanation.layers[-1].layer
    return Concentration(share, area, mask_share, _narrowing(share, first, last), _narrowing(area, first, last))


def share_inside(mass: np.ndarray, inside: np.ndarray) -> float | None:
    """Σ mass · inside / Σ mass.

    Args:
        mass: (h, w), at least 0.
        inside: (h, w) in [0, 1], the share of each cell that the mask covers.

    Returns:
        The share, in [0, 1]; None for a map without mass.
    """
    total = mass.sum()
    return float((mass * inside).sum() / total) if total > _EPSILON else None


def effective_area(mass: np.ndarray, cells: int) -> float | None:
    """exp(entropy of the map as a distribution) / number of cells (entropy as in Bhatt et al., IJCAI 2020).

    Args:
        mass: (h, w), at least 0.
        cells: How many cells lie on the image.

    Returns:
        1 for a uniform map, near 0 for one cell; None for a map without mass.
    """
    total = mass.sum()
    if total <= _EPSILON:
        return None
    p = mass[mass > 0] / total
    return float(np.exp(-(p * np.log(p)).sum()) / cells)


def _narrowing(metric: dict[MapId, float | None], first: str, last: str) -> Narrowing | None:
    start, by_model, end = metric[stage_map(1, first)], metric[stage_map(1, last)], metric[stage_map(3, last)]
    if start is None or by_model is None or end is None:
        return None
    return Narrowing(end - start, by_model - start, end - by_model)
