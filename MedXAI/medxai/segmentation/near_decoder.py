"""The logits of boxes that lie near each other, for a third of the decoder's work: an approximation.

Boxes that differ by a grid cell or two change few of the image's tokens much: those under them and around them. Here only
these near tokens are each box's own. The others, four neighbours together, are one token that all boxes share; it changes
by what the boxes' prompts give it on average. The prompt's tokens look at both, as in the decoder itself, the four counted
as four. `Resources/docs/contour_check.md` says how far the contour check's numbers differ.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.network_type import Network
from .box_decoder import (
    ImageTokens,
    SliceTokens,
    Upscaling,
    in_raster_order,
    mask_vector,
    prompt_tokens,
    taken_out,
    through_layers,
)

#: Far tokens are taken together in squares of so many rows and columns.
_SIDE = 2


@torch.inference_mode()
def decode_near_boxes(mask_decoder: Network, image: SliceTokens, sparse: Tensor, near: Tensor, asked: Tensor) -> Tensor:
    """The logits of mask token 0 for boxes that lie near each other.

    Args:
        mask_decoder: One that `box_decoder.can_run` said yes to.
        image: The slice's tokens; each box's own where it has a mask prompt.
        sparse: (B, 2, C), the two corners of each box.
        near: (h, w) bool, the cells whose tokens are each box's own. Where it is all of them, the logits are exact.
        asked: (h, w) bool, the cells whose logits are wanted; they are near as well.

    Returns:
        (B, 4h, 4w), 0 where no logits were asked for.
    """
    near = _in_whole_squares(near | asked)
    tokens = _NearTokens(image, near, len(sparse))
    prompt = prompt_tokens(mask_decoder, sparse)
    queries, _ = through_layers(mask_decoder.transformer, prompt, tokens)
    vectors = mask_vector(mask_decoder, queries, prompt, tokens)
    wanted = asked[near].nonzero()[:, 0]
    upscaled = Upscaling(mask_decoder.output_upscaling).logits_of_boxes(
        (keys.index_select(0, wanted) for keys in tokens.near.keys), vectors
    )
    return in_raster_order(upscaled, image.grid, asked.flatten())


class _NearTokens:
    """The image's tokens: near ones, each box's own, and far ones, which all boxes share.

    Args:
        image: The slice's.
        near: (h, w) bool, in whole squares.
        boxes: How many there are.

    Attributes:
        near: The near tokens of each box.
    """

    def __init__(self, image: SliceTokens, near: Tensor, boxes: int):
        self.near = ImageTokens(image.part(near.flatten().nonzero()[:, 0]), boxes)
        cells = torch.arange(near.numel(), device=near.device).view(near.shape)
        squares = cells.unfold(0, _SIDE, _SIDE).unfold(1, _SIDE, _SIDE).flatten(2)
        far = squares[~near[::_SIDE, ::_SIDE][: len(squares), : squares.shape[1]]]
        self._far = image.mean_of_boxes().part(far)

    def looked_at(self, attention: Network, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """As `LookedAt`; the attention is to the near tokens, then to the far ones."""
        parts = self.near, ImageTokens(self._far, len(tokens))
        near, far = (part.scores(attention, tokens) for part in parts)
        weights = torch.cat([near, far + 2 * math.log(_SIDE)], dim=-1).softmax(-1)
        of_parts = weights.split([near.shape[-1], far.shape[-1]], dim=-1)
        taken = [part.taken(attention, own) for part, own in zip(parts, of_parts, strict=True)]
        return taken_out(attention, taken[0] + taken[1]), weights

    def update(self, attention: Network, tokens: Tensor, values: Tensor, norm: Network) -> None:
        """As `LookedAt`."""
        self.near.update(attention, tokens, values, norm)
        far = ImageTokens(self._far, 1)
        far.update(attention, tokens.mean(0, keepdim=True), values.mean(0, keepdim=True), norm)
        self._far = SliceTokens(far.keys[0][None], self._far.pe, self._far.grid, is_shared=True)


def _in_whole_squares(near: Tensor) -> Tensor:
    """(h, w) bool, with the whole of every square that has a near cell, and of every square that the grid cuts."""
    h, w = near.shape
    squares = F.max_pool2d(near[None].float(), _SIDE, ceil_mode=True)[0] > 0
    whole = squares.repeat_interleave(_SIDE, 0).repeat_interleave(_SIDE, 1)[:h, :w]
    whole[h - h % _SIDE :] = True
    whole[:, w - w % _SIDE :] = True
    return whole
