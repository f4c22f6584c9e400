"""The references that a layer's tokens are compared with, and the similarities to them, for many boxes at once."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...encoding.features import LayerFeatures

_EPSILON = 1e-6


@dataclass(frozen=True)
class TokenWeights:
    """How much each of n tokens counts in the references of B boxes, each (B, n) and at least 0.

    Attributes:
        coverage: The share of each token that the box covers, for the organ prototype p.
        organ: The same times the model's own probability of the organ there, for the organ-specific prototype o.
        attention: The prompt's attention, rows summing to 1, for the prompt embedding q.
        ring: The ring around the box, for the baseline context b.
    """

    coverage: Tensor
    organ: Tensor
    attention: Tensor
    ring: Tensor


@dataclass(frozen=True)
class Similarities:
    """Normalised dot products of every token with a box's references, each (B, n) in [-1, 1].

    Attributes:
        global_: With the mean uncentred token g.
        prototype: With the organ prototype p, leaving out the token itself.
        organ: With the organ-specific prototype o, leaving out the token itself.
        prompt: With the prompt embedding q.
        context: With the baseline context b.
        prototype_prompt: With unit(λ p + (1 − λ) q), p again leaving out the token itself.
    """

    global_: Tensor
    prototype: Tensor
    organ: Tensor
    prompt: Tensor
    context: Tensor
    prototype_prompt: Tensor


def similarities(features: LayerFeatures, weights: TokenWeights, prototype_share: float) -> Similarities:
    """Compares one layer's tokens with the references of B boxes; two matrix products serve all of them.

    Args:
        features: Of the layer, with n tokens.
        weights: Of the boxes, each (B, n).
        prototype_share: λ of stage 2.
    """
    f = features.unit.float()
    own = features.square_norms
    coverage, organ = weights.coverage, weights.organ
    sums = torch.stack([coverage, organ, weights.attention, weights.ring]) @ f  # (4, B, d)
    prompt, context = _unit(sums[2]), _unit(sums[3])
    to_box, to_organ, to_prompt, to_context = torch.stack([sums[0], sums[1], prompt, context]) @ f.T  # each (B, n)

    box_scale = _inverse_norm_without_itself(coverage, sums[0], to_box, own)
    to_prototype = (to_box - coverage * own) * box_scale
    organ_scale = _inverse_norm_without_itself(organ, sums[1], to_organ, own)

    between = (sums[0] * prompt).sum(1, keepdim=True)  # ⟨P, q⟩
    prototype_to_prompt = (between - coverage * to_prompt) * box_scale  # ⟨p_i, q⟩
    share = prototype_share
    mixed = share * to_prototype + (1 - share) * to_prompt
    mixed_square = share**2 * (box_scale > 0) + (1 - share) ** 2 + 2 * share * (1 - share) * prototype_to_prompt
    return Similarities(
        global_=features.global_similarity.reshape(1, -1).expand(len(coverage), -1),
        prototype=to_prototype,
        organ=(to_organ - organ * own) * organ_scale,
        prompt=to_prompt,
        context=to_context,
        prototype_prompt=mixed / mixed_square.clamp_min(0).sqrt().clamp_min(_EPSILON),
    )


def _inverse_norm_without_itself(weight: Tensor, total: Tensor, to_total: Tensor, own: Tensor) -> Tensor:
    """1 / ‖P − w_i f̂_i‖ for every token i (B, n), P = Σ w_j f̂_j; 0 where nothing is left of the prototype.

    weight: w (B, n). total: P (B, d). to_total: ⟨f̂_i, P⟩ (B, n). own: ‖f̂_i‖² (n,). Leaving a token out needs no second
    pass: its product with what is left is ⟨f̂_i, P⟩ − w_i‖f̂_i‖², and the square is ‖P‖² − 2 w_i ⟨f̂_i, P⟩ + w_i²‖f̂_i‖².
    """
    square = total.square().sum(1, keepdim=True) - 2 * weight * to_total + weight.square() * own
    norm = square.clamp_min(0).sqrt()
    # Rounding leaves about 1e-7 of a single token's own weight; relative to the box's sum that is nothing.
    empty = norm <= 1e-3 * weight.sum(1, keepdim=True).clamp_max(1)
    return torch.where(empty, 0, 1 / norm.clamp_min(_EPSILON))


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(_EPSILON)


def on_grid(attention: Tensor, grid: tuple[int, int]) -> Tensor:
    """Attention on another layer's grid.

    Args:
        attention: (B, h, w) on the embedding's grid.
        grid: Rows and columns of the layer's grid, n tokens in all.

    Returns:
        (B, n), rows summing to 1 again.
    """
    if tuple(attention.shape[-2:]) != grid:
        attention = F.interpolate(
            attention[:, None], size=grid, mode="area" if grid[0] < attention.shape[-2] else "bilinear"
        )[:, 0]
    flat = attention.flatten(1)
    return flat / flat.sum(1, keepdim=True).clamp_min(1e-12)
