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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

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
        tokens = embedding.new_empty(max(len(embedding), len(dense)), h * w, embedding.shape[1])
        for own, prompt in zip(tokens, dense.expand(len(tokens), -1, -1, -1), strict=True):
            own.copy_(prompt.flatten(1).t())  # box by box takes half as long as all at once
        tokens += embedding.flatten(2).transpose(1, 2)
        return cls(tokens, positions(image_pe), (int(h), int(w)), is_shared)

    def mean_of_boxes(self) -> "SliceTokens":
        """Tokens that all boxes share: these, or the mean of each box's own."""
        return self if self.is_shared else SliceTokens(self.tokens.mean(0, keepdim=True), self.pe, self.grid, True)

    def part(self, cells: Tensor) -> "SliceTokens":
        """Some of the tokens: cells (m,), which of the h·w; or (m, k): each new token is the mean of k of them."""

        def of(x: Tensor, axis: int) -> Tensor:
            chosen = x.index_select(axis, cells.flatten()).unflatten(axis, cells.shape)
            return chosen if cells.dim() == 1 else chosen.mean(axis + 1)

        part = SliceTokens(of(self.tokens, 1), of(self.pe, 0), (len(cells), 1), self.is_shared)
        for projection, projected in self._projected.items():  # the mean of projections is the projection of the mean
            part._projected[projection] = of(projected, 0)
        return part

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
    transformer = mask_decoder.transformer
    prompt = prompt_tokens(mask_decoder, sparse)
    looking = [1, -2, -1]
    tokens = ImageTokens(image, len(sparse))
    queries, looked_at = through_layers(transformer, prompt, tokens)
    update, weights = tokens.looked_at(transformer.final_attn_token_to_image, queries + prompt)
    attention = torch.stack([each.transpose(1, 2)[:, looking].mean((1, 2)) for each in (*looked_at, weights)]).mean(0)
    queries = transformer.norm_final_attn(queries + update)
    mask_token = mask_decoder.output_hypernetworks_mlps[0](queries[:, 1])
    wanted = tokens.keys if asked is None else [keys[asked] for keys in tokens.keys]
    logits = Upscaling(mask_decoder.output_upscaling).logits_of_boxes(wanted, mask_token)
    iou_estimate = mask_decoder.iou_prediction_head(queries[:, 0])[:, 0]
    return Decoded(in_raster_order(logits, image.grid, asked), attention, iou_estimate)


def prompt_tokens(mask_decoder: Network, sparse: Tensor) -> Tensor:
    """(B, t, C): the decoder's own tokens (IoU, masks), and each box's two corners (B, 2, C)."""
    outputs = torch.cat([mask_decoder.iou_token.weight, mask_decoder.mask_tokens.weight])
    return torch.cat([outputs.expand(len(sparse), -1, -1), sparse], dim=1)


def through_layers(
    transformer: Network, prompt: Tensor, tokens: "LookedAt", first: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """The layers of the two-way transformer, before its final attention.

    Args:
        transformer: The mask decoder's.
        prompt: (B, t, C) `prompt_tokens`.
        tokens: The image's, which the layers change.
        first: (B, t, C) what the first layer's `self_attention` makes of the prompt, where it is at hand.

    Returns:
        The prompt's tokens after the layers (B, t, C), and each layer's attention (B, heads, t, n) to the image.
    """
    queries, looked_at = prompt, []
    for index, layer in enumerate(transformer.layers):
        queries = first if first is not None and index == 0 else self_attention(layer, queries, prompt)
        update, weights = tokens.looked_at(layer.cross_attn_token_to_image, queries + prompt)
        looked_at.append(weights)
        queries = layer.norm2(queries + update)
        queries = layer.norm3(queries + layer.mlp(queries))
        tokens.update(layer.cross_attn_image_to_token, queries + prompt, queries, layer.norm4)
    return queries, looked_at


def mask_vector(mask_decoder: Network, queries: Tensor, prompt: Tensor, tokens: "LookedAt") -> Tensor:
    """(B, channels): what upscaled tokens are multiplied by for mask token 0; the final attention for that token alone.

    queries: (B, t, C) of `through_layers`, with the same prompt and tokens.
    """
    transformer, mask = mask_decoder.transformer, slice(1, 2)
    update, _ = tokens.looked_at(transformer.final_attn_token_to_image, (queries + prompt)[:, mask])
    token = transformer.norm_final_attn(queries[:, mask] + update)
    return mask_decoder.output_hypernetworks_mlps[0](token[:, 0])


def positions(image_pe: Tensor) -> Tensor:
    """(1, C, h, w) → (h·w, C)."""
    return image_pe[0].flatten(1).t().contiguous()


def self_attention(layer: Network, queries: Tensor, prompt: Tensor) -> Tensor:
    """What the prompt's tokens (B, t, C) are after they have looked at each other."""
    if layer.skip_first_layer_pe:
        return layer.norm1(layer.self_attn(q=queries, k=queries, v=queries))
    placed = queries + prompt
    return layer.norm1(queries + layer.self_attn(q=placed, k=placed, v=queries))


class LookedAt(Protocol):
    """Image tokens that the prompt's tokens look at, and that change by what those give them."""

    def looked_at(self, attention: Network, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What prompt tokens (B, t, C) take from the image, and their attention (B, heads, t, n) to it."""

    def update(self, attention: Network, tokens: Tensor, values: Tensor, norm: Network) -> None:
        """The image's tokens take from the prompt's: tokens and values (B, t, C)."""


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
        """What prompt tokens (B, t, C) take from the image, and their attention (B, heads, t, n) to it."""
        weights = self.scores(attention, tokens).softmax(-1)
        return taken_out(attention, self.taken(attention, weights)), weights

    def scores(self, attention: Network, tokens: Tensor) -> Tensor:
        """(B, heads, t, n): what prompt tokens (B, t, C) think of each image token, before the softmax."""
        queries = by_head(attention, attention.q_proj(tokens)) / math.sqrt(head_width(attention))
        # The keys' bias adds the same to all scores of a token, which softmax does not see.
        scores = self._scores(attention, attention.k_proj, queries)
        return scores if isinstance(scores, Tensor) else torch.stack(list(scores))

    def taken(self, attention: Network, weights: Tensor) -> Tensor:
        """(B, t, heads, c): the sum of the image tokens' values with weights (B, heads, t, n), without their bias."""
        if self._shared is not None:
            values = self._shared.projected(attention, attention.v_proj, placed=False)
            return torch.einsum("bhtn,nhc->bthc", weights, values)
        each = [own @ keys for own, keys in zip(weights.flatten(1, 2), self.keys, strict=True)]
        sums = torch.stack(each).unflatten(1, weights.shape[1:3])
        return torch.einsum("bhtw,hcw->bthc", sums, _weight(attention, attention.v_proj))

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
        updated = []
        scores = self._scores(attention, attention.q_proj, offered)
        for keys, score, shift, gift in zip(self.keys, scores, bias, given, strict=True):
            # Image tokens last: softmax over seven neighbours in memory would take longer than the products.
            weights = score.add_(shift[..., None]).softmax(1).flatten(0, 1)
            total = keys.addmm_(weights.t(), gift) if self._own else torch.addmm(keys, weights.t(), gift)
            updated.append(norm(total))
        self.keys, self._shared, self._own = updated, None, True

    def _scores(self, attention: Network, projection: nn.Linear, given: Tensor) -> Tensor | Iterator[Tensor]:
        """For each box (heads, t, n): given (B, t, heads, c), times the projection, without its bias, of the image's tokens."""
        if self._shared is not None:
            return torch.einsum("bthc,nhc->bhtn", given, self._shared.projected(attention, projection, placed=True))
        moved = torch.einsum("bthc,hcw->bhtw", given, _weight(attention, projection))
        return (
            (m.flatten(0, 1) @ self._with_positions(keys).t()).unflatten(0, m.shape[:2])
            for m, keys in zip(moved, self.keys, strict=True)
        )

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


def taken_out(attention: Network, taken: Tensor) -> Tensor:
    """(B, t, C): what prompt tokens took from the image, (B, t, heads, c), after the attention's last projection."""
    return attention.out_proj(taken.flatten(2) + attention.v_proj.bias)  # the weights sum to 1


def _weight(attention: Network, projection: nn.Linear) -> Tensor:
    """(heads, width of a head, C)."""
    return projection.weight.unflatten(0, (attention.num_heads, head_width(attention)))


class Upscaling:
    """The decoder's two transposed convolutions. One whose stride is its kernel's size is a product for each token."""

    def __init__(self, layers: Network):
        self._first, self._norm, self._activation, self._second, self._last_activation = layers
        self._products = [as_product(layer) for layer in (self._first, self._second)]

    def logits_of_boxes(self, tokens: Iterable[Tensor], mask_vectors: Tensor) -> Tensor:
        """(B, n, 16): as `logits`, for each box with tokens (n, C) and a vector of mask_vectors (B, channels)."""
        return torch.stack([self.logits(own, vector) for own, vector in zip(tokens, mask_vectors, strict=True)])

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


def in_raster_order(logits: Tensor, grid: tuple[int, int], asked: Tensor | None = None) -> Tensor:
    """(B, n, 16) → (B, 4h, 4w): each token of the grid (h, w) has 2 × 2 children, each child 2 × 2.

    asked: (h·w,) bool, which tokens the logits are of, 0 elsewhere; None for all.
    """
    h, w = grid
    cells = logits.view(len(logits), -1, 2, 2, 2, 2).transpose(3, 4)
    if asked is None:
        return cells.unflatten(1, (h, w)).permute(0, 1, 3, 4, 2, 5, 6).reshape(-1, 4 * h, 4 * w)
    raster = logits.new_zeros(len(logits), h, 4, w, 4)
    own = asked.nonzero()[:, 0]
    raster.transpose(2, 3)[:, own // w, own % w] = cells.reshape(len(logits), -1, 4, 4)
    return raster.view(-1, 4 * h, 4 * w)


def _activated(activation: Network, x: Tensor) -> Tensor:
    """In place where torch can: fresh memory costs more than the activation."""
    if type(activation) is nn.GELU:
        return torch.ops.aten.gelu.out(x, approximate=activation.approximate, out=x)
    return activation(x)
