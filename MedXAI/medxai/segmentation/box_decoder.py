"""segment-anything's mask decoder for many boxes on one image: the same results with a fraction of the work.

Four things make it cheaper than the decoder's own forward, none an approximation:

* The decoder projects all image tokens (4096 × 256 for MedSAM) to queries, keys or values for every attention of every
  box, to compare them with seven prompt tokens. Here the projection is moved to the prompt's side:
  (K Wᵀ) q = K (Wᵀ q), and Σ a (K Wᵀ) = (Σ a K) Wᵀ.
* As long as all boxes share the image's tokens (the first layer, where no box has a mask prompt), it is the other way
  round: projected once for the slice (`SliceTokens`), each box then costs a sixteenth.
* Only the mask that is asked for is computed.
* What concerns image tokens is done box by box, so that one box's tokens (4 MB) stay in the cache from one step to the
  next; what concerns prompt tokens is done for all boxes at once. Eight boxes' tokens at once took twice the time.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.network_type import Network
from ..models.segment_anything_import import modeling

#: Tokens upscaled at once: their 16 pixels of 32 channels (1 MB) stay near a core's cache.
_TOKENS_AT_ONCE = 512


class Decoded(NamedTuple):
    """What a mask decoder says of B boxes.

    Attributes:
        logits: (B, 4h, 4w) of mask token 0.
        attention: (B, h·w), the prompt's attention to the image, rows summing to 1.
        iou_estimate: (B,), the decoder's own guess of the mask's intersection over union with the truth. Not every model
            was trained to make it.
    """

    logits: Tensor
    attention: Tensor
    iou_estimate: Tensor


def can_run(mask_decoder: Network) -> bool:
    """Whether this is segment-anything's own decoder, without hooks, which this pass would not call."""
    parts = modeling()
    known = {
        parts.MaskDecoder: mask_decoder,
        parts.TwoWayTransformer: mask_decoder.transformer,
        parts.transformer.Attention: mask_decoder.transformer.final_attn_token_to_image,
    }
    attentions = [
        a
        for layer in mask_decoder.transformer.layers
        for a in (layer.cross_attn_token_to_image, layer.cross_attn_image_to_token)
    ]
    return (
        all(type(module) is kind for kind, module in known.items())
        and all(type(attention) is parts.transformer.Attention for attention in attentions)
        and not any(module._forward_hooks or module._forward_pre_hooks for module in mask_decoder.modules())
    )


@dataclass(frozen=True, eq=False)
class SliceTokens:
    """A slice's image tokens before a box has changed them; where all boxes share them, what the first layer makes of them.

    Attributes:
        tokens: (1 or B, h·w, C).
        pe: (h·w, C), their positions.
        grid: (h, w).
        is_shared: Whether all boxes of the slice have these tokens, also those that come later. Else the decoder may
            overwrite them.
    """

    tokens: Tensor
    pe: Tensor
    grid: tuple[int, int]
    is_shared: bool
    _projected: dict[nn.Module, Tensor] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, embedding: Tensor, dense: Tensor, image_pe: Tensor, is_shared: bool) -> "SliceTokens":
        """The tokens of an embedding with its dense prompt.

        Args:
            embedding: (1, C, h, w), or (B, C, h, w), each box on an image of its own.
            dense: (1, C, h, w), or (B, C, h, w) where boxes have mask prompts of their own.
            image_pe: (1, C, h, w).
            is_shared: As in the attributes.
        """
        h, w = embedding.shape[-2:]
        tokens = (embedding + dense).flatten(2).transpose(1, 2).contiguous()
        return cls(tokens, positions(image_pe), (int(h), int(w)), is_shared)

    def projected(self, attention: Network, projection: Network, placed: bool) -> Tensor:
        """(h·w, heads, width of a head): the shared tokens, with their positions or without; kept for the next box."""
        if projection not in self._projected:
            tokens = self.tokens[0] + self.pe if placed else self.tokens[0]
            self._projected[projection] = by_head(attention, F.linear(tokens, projection.weight))
        return self._projected[projection]


@torch.inference_mode()
def decode_boxes(mask_decoder: Network, image: SliceTokens, sparse: Tensor, asked: Tensor | None = None) -> Decoded:
    """The mask decoder's answer to many boxes, and the prompt's attention to the image.

    The attention is the mean over both layers' and the final token-to-image attention, their heads, and three tokens:
    mask token 0 and the two corners.

    Args:
        mask_decoder: One that `can_run` said yes to.
        image: The slice's tokens.
        sparse: (B, 2, C), the two corners of each box.
        asked: (h·w,) bool, the image tokens whose logits are wanted (the others' are 0); None for all. Upscaling is
            over half of the work, so a few tokens cost less than half.
    """
    h, w = image.grid
    outputs = torch.cat([mask_decoder.iou_token.weight, mask_decoder.mask_tokens.weight])
    prompt = torch.cat([outputs.expand(len(sparse), -1, -1), sparse], dim=1)
    first_corner = len(outputs)
    looking = [1, first_corner, first_corner + 1]
    tokens = ImageTokens(image, len(sparse))
    queries, looked_at = prompt, []
    transformer = mask_decoder.transformer
    for layer in transformer.layers:
        queries = self_attention(layer, queries, prompt)
        update, weights = tokens.looked_at(layer.cross_attn_token_to_image, queries + prompt)
        looked_at.append(weights[:, looking].mean((1, 2)))
        queries = layer.norm2(queries + update)
        queries = layer.norm3(queries + layer.mlp(queries))
        tokens.update(layer.cross_attn_image_to_token, queries + prompt, queries, layer.norm4)
    update, weights = tokens.looked_at(transformer.final_attn_token_to_image, queries + prompt)
    looked_at.append(weights[:, looking].mean((1, 2)))
    queries = transformer.norm_final_attn(queries + update)
    mask_token = mask_decoder.output_hypernetworks_mlps[0](queries[:, 1])
    upscaling = Upscaling(mask_decoder.output_upscaling)
    wanted = tokens.keys if asked is None else [keys[asked] for keys in tokens.keys]
    logits = torch.stack([upscaling.logits(keys, token) for keys, token in zip(wanted, mask_token, strict=True)])
    if asked is not None:
        logits = logits.new_zeros(len(logits), h * w, logits.shape[-1]).index_copy_(1, asked.nonzero()[:, 0], logits)
    iou_estimate = mask_decoder.iou_prediction_head(queries[:, 0])[:, 0]
    return Decoded(in_raster_order(logits, h, w), torch.stack(looked_at).mean(0), iou_estimate)


def positions(image_pe: Tensor) -> Tensor:
    """(1, C, h, w) → (h·w, C)."""
    return image_pe[0].flatten(1).t().contiguous()


def self_attention(layer: Network, queries: Tensor, prompt: Tensor) -> Tensor:
    """What the prompt's tokens (B, t, C) are after they have looked at each other."""
    if layer.skip_first_layer_pe:
        return layer.norm1(layer.self_attn(q=queries, k=queries, v=queries))
    placed = queries + prompt
    return layer.norm1(queries + layer.self_attn(q=placed, k=placed, v=queries))


class ImageTokens:
    """The image's tokens as every box sees them: shared by all boxes until `update` gives each its own.

    Args:
        image: The slice's tokens.
        boxes: How many there are.
    """

    def __init__(self, image: SliceTokens, boxes: int):
        self.keys: list[Tensor] = list(image.tokens.expand(boxes, -1, -1))
        self._pe = image.pe
        self._shared = image if image.is_shared else None
        self._own = not image.is_shared and len(image.tokens) == boxes
        self._placed = torch.empty_like(self._pe)
        self._placed_keys: Tensor | None = None

    def looked_at(self, attention: Network, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What prompt tokens (B, t, C) take from the image, and their attention (B, t, heads, n) to it."""
        queries = by_head(attention, attention.q_proj(tokens)) / math.sqrt(head_width(attention))
        if self._shared is not None:
            taken, weights = self._taken_from_shared(attention, queries, self._shared)
        else:
            # The keys' bias adds the same to all scores of a token, which softmax does not see.
            moved = torch.einsum("bthc,hcw->bthw", queries, _weight(attention, attention.k_proj)).flatten(1, 2)
            each = [
                (product @ self._with_positions(keys).t()).softmax(-1)
                for product, keys in zip(moved, self.keys, strict=True)
            ]
            taken = torch.stack([weights @ keys for weights, keys in zip(each, self.keys, strict=True)])
            taken = taken.unflatten(1, (*tokens.shape[1:2], attention.num_heads))
            taken = torch.einsum("bthw,hcw->bthc", taken, _weight(attention, attention.v_proj))
            weights = torch.stack(each).unflatten(1, taken.shape[1:3])
        return attention.out_proj(taken.flatten(2) + attention.v_proj.bias), weights  # the weights sum to 1

    def update(self, attention: Network, tokens: Tensor, values: Tensor, norm: Network) -> None:
        """Computes keys ← norm(keys + what they take from the prompt's tokens (B, t, C))."""
        offered = by_head(attention, attention.k_proj(tokens)) / math.sqrt(head_width(attention))
        bias = torch.einsum("bthc,hc->bht", offered, attention.q_proj.bias.unflatten(0, offered.shape[2:]))
        given = by_head(attention, attention.v_proj(values))
        out = attention.out_proj.weight.unflatten(1, given.shape[2:])
        # A head's weights sum to 1, so a share of the bias in each of its rows adds up to the bias.
        given = (
            torch.einsum("bthc,whc->bhtw", given, out).add_(attention.out_proj.bias / attention.num_heads).flatten(1, 2)
        )
        if self._shared is not None:
            scores = self._scores_of_shared(attention, offered, self._shared)
        else:
            moved = torch.einsum("bthc,hcw->bhtw", offered, _weight(attention, attention.q_proj)).flatten(1, 2)
            scores = (
                (m @ self._with_positions(keys).t()).view(*bias.shape[1:], -1)
                for m, keys in zip(moved, self.keys, strict=True)
            )
        updated = []
        for keys, score, shift, gift in zip(self.keys, scores, bias, given, strict=True):
            # Image tokens last: softmax over seven neighbours in memory would take longer than the products.
            weights = score.add_(shift[..., None]).softmax(1).flatten(0, 1)
            total = keys.addmm_(weights.t(), gift) if self._own else torch.addmm(keys, weights.t(), gift)
            updated.append(norm(total))
        self.keys, self._shared, self._own = updated, None, True

    def _taken_from_shared(self, attention: Network, queries: Tensor, shared: SliceTokens) -> tuple[Tensor, Tensor]:
        """What queries (B, t, heads, c) take from the tokens that all boxes share, and their attention."""
        keys = shared.projected(attention, attention.k_proj, placed=True)
        values = shared.projected(attention, attention.v_proj, placed=False)
        weights = torch.einsum("bthc,nhc->bhtn", queries, keys).softmax(-1)
        return torch.einsum("bhtn,nhc->bthc", weights, values), weights.transpose(1, 2)

    def _scores_of_shared(self, attention: Network, offered: Tensor, shared: SliceTokens) -> Iterator[Tensor]:
        """For each box the scores (heads, t, n) of the shared tokens for what the prompt's tokens offer."""
        queries = shared.projected(attention, attention.q_proj, placed=True)
        return iter(torch.einsum("bthc,nhc->bhtn", offered, queries))

    def _with_positions(self, keys: Tensor) -> Tensor:
        """The keys plus their positions, in memory that the next box uses again; a single box uses it twice a layer."""
        if self._placed_keys is not keys:
            torch.add(keys, self._pe, out=self._placed)
            self._placed_keys = keys
        return self._placed


def head_width(attention: Network) -> int:
    """Channels of one head."""
    return attention.internal_dim // attention.num_heads


def by_head(attention: Network, x: Tensor) -> Tensor:
    """(…, internal width) → (…, heads, width of a head)."""
    return x.unflatten(-1, (attention.num_heads, head_width(attention)))


def _weight(attention: Network, projection: nn.Linear) -> Tensor:
    """(heads, width of a head, C)."""
    return projection.weight.unflatten(0, (attention.num_heads, head_width(attention)))


class Upscaling:
    """The decoder's two transposed convolutions. One whose stride is its kernel's size is a product for each token."""

    def __init__(self, layers: Network):
        self._first, self._norm, self._activation, self._second, self._last_activation = layers
        self._products = [as_product(layer) for layer in (self._first, self._second)]

    def logits(self, tokens: Tensor, mask_token: Tensor) -> Tensor:
        """Tokens (n, C) and the mask's token (channels,) → (n, 16) logits, some tokens at a time."""
        return torch.cat([self._children(part) @ mask_token for part in tokens.split(_TOKENS_AT_ONCE)]).view(
            len(tokens), -1
        )

    def _children(self, tokens: Tensor) -> Tensor:
        """Tokens (n, C) → their 16 upscaled pixels (16 n, channels)."""
        (first, first_bias), (second, second_bias) = self._products
        x = torch.addmm(first_bias, tokens, first).view(-1, self._first.out_channels)
        x = F.layer_norm(x, self._norm.weight.shape, self._norm.weight, self._norm.bias, self._norm.eps)
        x = torch.addmm(second_bias, _activated(self._activation, x), second).view(-1, self._second.out_channels)
        return _activated(self._last_activation, x)


def as_product(layer: Network) -> tuple[Tensor, Tensor]:
    """(channels in, rows · columns · channels out) and its bias: a token's children one after the other."""
    inputs, _, rows, columns = layer.weight.shape
    return layer.weight.permute(0, 2, 3, 1).reshape(inputs, -1), layer.bias.repeat(rows * columns)


def in_raster_order(logits: Tensor, h: int, w: int) -> Tensor:
    """(B, h · w, 16) → (B, 4h, 4w): each token has 2 × 2 children, each child 2 × 2."""
    return logits.view(-1, h, w, 2, 2, 2, 2).permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, 4 * h, 4 * w)


def _activated(activation: Network, x: Tensor) -> Tensor:
    """In place where torch can: fresh memory costs more than the activation."""
    if type(activation) is nn.GELU:
        return torch.ops.aten.gelu.out(x, approximate=activation.approximate, out=x)
    return activation(x)
