"""The references that a layer's tokens are compared with, and the similarities to them, for many boxes at once."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..encoding.features import LayerFeatures

_EPSILON = 1e-6


@dataclass(frozen=True)
class Similarities:
    """Normalised dot products of every token with a box's references, each (B, n) in [-1, 1].

    global_: with the mean uncentred token g. prototype: with the organ prototype p, leaving out the token itself.
    prompt: with the prompt embedding q. context: with the baseline context b.
    prototype_prompt: with unit(λ p + (1 − λ) q), again with p leaving out the token itself.
    """

    global_: Tensor
    prototype: Tensor
    prompt: Tensor
    context: Tensor
    prototype_prompt: Tensor


def similarities(
    features: LayerFeatures, coverage: Tensor, attention: Tensor, ring: Tensor, prototype_share: float
) -> Similarities:
    """Compares one layer's tokens with the references of B boxes.

    coverage: (B, n), the share of each token that the box covers. attention: (B, n), the prompt's attention, rows
    summing to 1. ring: (B, n), the weight of each token in the baseline context. prototype_share: λ.

    Leaving a token i out of the prototype Σ w_j f̂_j needs no second pass: with P the full sum, P − w_i f̂_i has the
    product ⟨f̂_i, P⟩ − w_i‖f̂_i‖² with f̂_i and the squared norm ‖P‖² − 2 w_i ⟨f̂_i, P⟩ + w_i²‖f̂_i‖², so two matrix
    products a layer serve all boxes.
    """
    f = features.unit.float()
    own = torch.linalg.vector_norm(f, dim=1).square()  # 1, or 0 for a token outside the image
    sums = torch.stack([coverage, attention, ring]) @ f  # (3, B, d)
    prototype_sum, prompt, context = sums[0], _unit(sums[1]), _unit(sums[2])
    to_sum, to_prompt, to_context = torch.stack([prototype_sum, prompt, context]) @ f.T  # each (B, n)

    left_out = to_sum - coverage * own
    square = prototype_sum.square().sum(1, keepdim=True) - 2 * coverage * to_sum + coverage.square() * own
    # Rounding leaves about 1e-7 of a single token's own weight; relative to the box's sum that is nothing.
    norm = square.clamp_min(0).sqrt()
    empty = norm <= 1e-3 * coverage.sum(1, keepdim=True).clamp_max(1)
    inverse = torch.where(empty, 0, 1 / norm.clamp_min(_EPSILON))
    to_prototype = left_out * inverse

    between = (sums[0] * prompt).sum(1, keepdim=True)  # ⟨P, q⟩
    prototype_to_prompt = (between - coverage * to_prompt) * inverse  # ⟨p_i, q⟩
    share = prototype_share
    mixed = share * to_prototype + (1 - share) * to_prompt
    mixed_square = share**2 * (~empty) + (1 - share) ** 2 + 2 * share * (1 - share) * prototype_to_prompt
    to_mixed = mixed / mixed_square.clamp_min(0).sqrt().clamp_min(_EPSILON)
    return Similarities(
        features.global_similarity.reshape(1, -1).expand(len(coverage), -1), to_prototype, to_prompt, to_context, to_mixed
    )


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(_EPSILON)


def on_grid(attention: Tensor, grid: tuple[int, int]) -> Tensor:
    """Attention (B, h, w) on another layer's grid as (B, n), rows summing to 1 again."""
    if tuple(attention.shape[-2:]) != grid:
        attention = F.interpolate(attention[:, None], size=grid, mode="area" if grid[0] < attention.shape[-2] else "bilinear")[:, 0]
    flat = attention.flatten(1)
    return flat / flat.sum(1, keepdim=True).clamp_min(1e-12)
