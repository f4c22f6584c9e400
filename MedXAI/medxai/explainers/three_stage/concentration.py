"""How far a map narrows onto the organ, and how much of the narrowing is the model's and how much the construction's."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .stages import STAGES, Explanation

_EPSILON = 1e-12


@dataclass(frozen=True)
class Narrowing:
    """C(3, last) − C(1, first) = [C(1, last) − C(1, first)], the model's + [C(3, last) − C(1, last)], the construction's."""

    total: float
    by_the_model: float
    by_construction: float


@dataclass(frozen=True)
class Concentration:
    """Figures of every map, by (stage, layer); only the positive part of a map counts.

    share_inside: share of the map's mass inside the predicted mask; None where the map has no mass.
    effective_area: exp(entropy) as a share of the image: 1 for a uniform map. mask_share: the predicted mask's share of
    the image, what a uniform map would have inside it.
    """

    share_inside: dict[tuple[int, str], float | None]
    effective_area: dict[tuple[int, str], float | None]
    mask_share: float
    narrowing_share: Narrowing | None
    narrowing_area: Narrowing | None


def concentration_of(explanation: Explanation, content: dict[tuple[int, int], np.ndarray]) -> Concentration:
    """The figures of an explanation. content: for each layer's grid the share (h, w) of each token that the image covers."""
    mask = torch.from_numpy((explanation.terminal > 0).astype(np.float32))[None, None]
    share: dict[tuple[int, str], float | None] = {}
    area: dict[tuple[int, str], float | None] = {}
    mask_share = 0.0
    for maps in explanation.layers:
        covered = F.interpolate(mask, size=maps.grid, mode="area")[0, 0].numpy()
        lit = content[maps.grid]
        mask_share = float((covered * lit).sum() / lit.sum())
        for stage in STAGES:
            mass = np.maximum(maps.stages[stage], 0).astype(np.float64)
            share[stage, maps.layer] = share_inside(mass, covered)
            area[stage, maps.layer] = effective_area(mass, int((lit > 0).sum()))
    first, last = explanation.layers[0].layer, explanation.layers[-1].layer
    return Concentration(share, area, mask_share, _narrowing(share, first, last), _narrowing(area, first, last))


def share_inside(mass: np.ndarray, inside: np.ndarray) -> float | None:
    """Σ mass · inside / Σ mass; None for a map without mass."""
    total = mass.sum()
    return float((mass * inside).sum() / total) if total > _EPSILON else None


def effective_area(mass: np.ndarray, cells: int) -> float | None:
    """exp(entropy of the map as a distribution) / number of cells; None for a map without mass."""
    total = mass.sum()
    if total <= _EPSILON:
        return None
    p = mass[mass > 0] / total
    return float(np.exp(-(p * np.log(p)).sum()) / cells)


def _narrowing(figure: dict[tuple[int, str], float | None], first: str, last: str) -> Narrowing | None:
    start, by_model, end = figure[1, first], figure[1, last], figure[3, last]
    if start is None or by_model is None or end is None:
        return None
    return Narrowing(end - start, by_model - start, end - by_model)
