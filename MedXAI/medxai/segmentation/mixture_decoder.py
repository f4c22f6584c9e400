"""Masks of many mixtures of two embeddings for one box: what faithfulness asks a model hundreds of times a case.

Every image token of a mixture is the slice's own or its replacement's, so both are projected once for all mixtures as long
as they have seen nothing of the prompt (the first layer). After that each mixture has tokens of its own, and two things are
left out: the final attention serves the mask's own token alone, and only the tokens that are asked for are upscaled. What
is computed is segment-anything's own mathematics, as in `box_decoder`.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.network_type import Network
from .box_decoder import (
    ImageTokens,
    SliceTokens,
    Upscaling,
    by_head,
    head_width,
    in_raster_order,
    mask_vector,
    positions,
    prompt_tokens,
    self_attention,
    through_layers,
)


class MixtureDecoder:
    """A box's mask on mixtures of two embeddings.

    Args:
        mask_decoder: One that `box_decoder.can_run` said yes to.
        embeddings: (2, C, h, w), the slice's own and its replacement.
        image_pe: (1, C, h, w), the positions of the image's tokens.
        prompt: The sparse prompt (1, 2, C) of the box, and the dense one (1, C, h, w).
        asked: (h·w,) bool, the image tokens whose logits are wanted.
    """

    def __init__(
        self,
        mask_decoder: Network,
        embeddings: Tensor,
        image_pe: Tensor,
        prompt: tuple[Tensor, Tensor],
        asked: Tensor,
    ):
        sparse, dense = prompt
        self._decoder, self._asked = mask_decoder, asked
        self._prompt = prompt_tokens(mask_decoder, sparse)
        self._pair = (embeddings + dense).flatten(2).transpose(1, 2).contiguous()
        self._pe, self._grid = positions(image_pe), (embeddings.shape[-2], embeddings.shape[-1])
        first = mask_decoder.transformer.layers[0]
        self._queries = self_attention(first, self._prompt, self._prompt)
        self._projected = _Projected(first, self._pair, self._pe, self._queries + self._prompt)
        self._upscaling = Upscaling(mask_decoder.output_upscaling)

    @torch.inference_mode()
    def logits(self, kept: Tensor) -> Tensor:
        """The logits of mask token 0.

        Args:
            kept: (K, h·w) bool, where a mixture has the slice's own tokens.

        Returns:
            (K, 4h, 4w), 0 where no logits were asked for.
        """
        found = torch.stack([self._one(own) for own in kept])
        return in_raster_order(found, self._grid, self._asked)

    def _one(self, own: Tensor) -> Tensor:
        """(asked, 16): the 4 × 4 pixels of each asked token, for one mixture (h·w,)."""
        image = _MixedTokens(self._pair, self._pe, own, self._projected)
        queries, _ = through_layers(self._decoder.transformer, self._prompt, image, self._queries)
        vector = mask_vector(self._decoder, queries, self._prompt, image)
        return self._upscaling.logits(image.keys[0][self._asked], vector[0])


class _Projected:
    """What the first layer's attentions make of both embeddings' tokens, before they have seen anything of the prompt.

    Args:
        layer: The first.
        pair: (2, n, C), the tokens of both embeddings.
        pe: (n, C), their positions.
        looking: (1, t, C), the prompt's tokens as they look at the image, positions included.

    Attributes:
        scores: (2, heads, t, n), what the prompt's tokens think of each image token.
        values: (heads, 2 n, c), what they take from it.
        queries: (heads, 2 n, c), what the image's tokens ask the prompt's for.
    """

    def __init__(self, layer: Network, pair: Tensor, pe: Tensor, looking: Tensor):
        to_image, to_prompt = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        placed = pair + pe
        asking = by_head(to_image, to_image.q_proj(looking[0])) / math.sqrt(head_width(to_image))
        keys = by_head(to_image, F.linear(placed, to_image.k_proj.weight))
        self.scores = torch.einsum("thc,vnhc->vhtn", asking, keys).contiguous()
        self.values = _both(to_image, F.linear(pair, to_image.v_proj.weight))
        self.queries = _both(to_prompt, F.linear(placed, to_prompt.q_proj.weight))


def _both(attention: Network, projected: Tensor) -> Tensor:
    """(2, n, internal width) → (heads, 2 n, width of a head)."""
    return by_head(attention, projected).permute(2, 0, 1, 3).flatten(1, 2).contiguous()


class _MixedTokens(ImageTokens):
    """The image tokens of one mixture. pair: (2, n, C). pe: (n, C). own: (n,) bool."""

    def __init__(self, pair: Tensor, pe: Tensor, own: Tensor, projected: _Projected):
        n = len(own)
        mixed = pair.flatten(0, 1).index_select(0, torch.arange(n, device=own.device) + n * ~own)
        image = SliceTokens(mixed[None], pe, (n, 1), is_shared=False)
        super().__init__(image, 1)
        self._shared = image  # until the first update
        self._mixture, self._projected = own, projected

    def _scores(self, attention: Network, projection: nn.Linear, given: Tensor) -> Tensor | Iterator[Tensor]:
        if self._shared is None:
            return super()._scores(attention, projection, given)
        if projection is attention.k_proj:
            own, other = self._projected.scores
        else:
            of_both = given[0].transpose(0, 1) @ self._projected.queries.transpose(1, 2)
            own, other = of_both.chunk(2, dim=-1)
        return torch.where(self._mixture, own, other)[None]

    def taken(self, attention: Network, weights: Tensor) -> Tensor:
        if self._shared is None:
            return super().taken(attention, weights)
        of_both = torch.cat([weights[0] * self._mixture, weights[0] * ~self._mixture], dim=-1)
        return (of_both @ self._projected.values).transpose(0, 1)[None]
