"""A mask's logits as a sum: what the image's own tokens put in at each place, what each prompt token put in, and the constants.

The decoder's image tokens start as the encoder's embedding. In every layer each of them takes a message from each of the
seven prompt tokens (IoU, four masks, two corners), is normalised, and in the end it is upscaled and multiplied by the
mask's vector. With the attention weights, the messages, each LayerNorm's standard deviation, each activation's slope
f(x) / x and the mask's vector held as they are in this pass, all of that is linear, so each logit is exactly the sum of
what was put in. It is complete, but neither unique nor causal: the messages themselves were made from the image, and
another choice of what is held would book otherwise.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..models.network_type import Network
from .box_decoder import as_product, by_head, can_run, head_width, in_raster_order, prompt_tokens, self_attention

#: Prompt tokens of a box in segment-anything's order.
TOKENS = ("iou", "mask", "other-mask-1", "other-mask-2", "other-mask-3", "corner-1", "corner-2")
#: What logits are the sum of, in the order of `logit_parts`.
PARTS = ("image", *TOKENS, "constant")
_IMAGE, _CONSTANT = 0, len(PARTS) - 1
_OF_TOKENS = slice(1, _CONSTANT)
_CORNERS = slice(_CONSTANT - 2, _CONSTANT)
#: Tokens upscaled at once, for all parts.
_AT_ONCE = 256


@torch.inference_mode()
def logit_parts(
    mask_decoder: Network, embedding: Tensor, image_pe: Tensor, prompt: tuple[Tensor, Tensor], is_mask_prompt: bool
) -> Tensor:
    """The logits of mask token 0 as nine parts that add up to them, computed in double precision on the CPU.

    Args:
        mask_decoder: segment-anything's own.
        embedding: (1, C, h, w), what the encoder says of the image.
        image_pe: (1, C, h, w), the positions of its tokens.
        prompt: The sparse prompt (1, 2, C) of one box, and the dense one (1, C, h, w).
        is_mask_prompt: Whether the dense prompt was made from the box; it is then booked with the two corners, half and
            half, else (the same vector everywhere) with the constants.

    Returns:
        (9, 4h, 4w) float64, in the order of `PARTS`.

    Raises:
        InputError: For another decoder than segment-anything's own with its four mask tokens.
    """
    if not can_run(mask_decoder) or mask_decoder.num_mask_tokens != 4:
        raise InputError(
            "The ledger of the logit is made for segment-anything's own mask decoder, and this model's is another one; "
            "choose another map."
        )
    decoder = copy.deepcopy(mask_decoder).cpu().double()
    image, pe, sparse, dense = (x.detach().cpu().double() for x in (embedding, image_pe, *prompt))
    h, w = image.shape[-2:]
    tokens = prompt_tokens(decoder, sparse)
    parts = image.new_zeros(len(PARTS), h * w, image.shape[1])
    parts[_IMAGE] = _as_tokens(image)
    if is_mask_prompt:
        parts[_CORNERS] = _as_tokens(dense) / 2
    else:
        parts[_CONSTANT] = _as_tokens(dense)
    parts, keys, vector = _through_transformer(decoder, parts, _as_tokens(image + dense), _as_tokens(pe), tokens)
    chunks = [
        _upscaled(decoder.output_upscaling, part, total, vector)
        for part, total in zip(parts.split(_AT_ONCE, dim=1), keys.split(_AT_ONCE), strict=True)
    ]
    return in_raster_order(torch.cat(chunks, dim=1), (h, w))


def _as_tokens(image: Tensor) -> Tensor:
    """(1, C, h, w) → (h·w, C)."""
    return image[0].flatten(1).t()


def _through_transformer(
    decoder: Network, parts: Tensor, keys: Tensor, pe: Tensor, prompt: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The parts (9, n, C) of the image tokens (n, C) after all layers, their sum, and the mask's vector.

    pe: (n, C), the tokens' positions. prompt: (1, 7, C), the prompt tokens as they start.
    """
    transformer, queries = decoder.transformer, prompt
    for layer in transformer.layers:
        queries = self_attention(layer, queries, prompt)
        looked = layer.cross_attn_token_to_image(q=queries + prompt, k=(keys + pe)[None], v=keys[None])
        queries = layer.norm2(queries + looked)
        queries = layer.norm3(queries + layer.mlp(queries))
        messages, bias = _messages(layer.cross_attn_image_to_token, keys + pe, queries + prompt, queries)
        parts[_OF_TOKENS] += messages
        parts[_CONSTANT] += bias
        keys = keys + messages.sum(0) + bias
        parts, keys = _normalised(layer.norm4, parts, keys)
    looked = transformer.final_attn_token_to_image(q=queries + prompt, k=(keys + pe)[None], v=keys[None])
    queries = transformer.norm_final_attn(queries + looked)
    return parts, keys, decoder.output_hypernetworks_mlps[0](queries[0, 1])


def _messages(attention: Network, placed: Tensor, asked: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """What each prompt token (1, t, C) gives each image token (n, C): (t, n, C); and the biases (C,), which all get.

    placed: image tokens with their positions. asked: prompt tokens as keys. given: prompt tokens as values.
    """
    queries, keys = by_head(attention, attention.q_proj(placed)), by_head(attention, attention.k_proj(asked[0]))
    weights = (torch.einsum("nhc,thc->nht", queries, keys) / head_width(attention) ** 0.5).softmax(-1)
    values = by_head(attention, F.linear(given[0], attention.v_proj.weight))
    out = attention.out_proj.weight.unflatten(1, values.shape[1:])
    messages = torch.einsum("nht,htw->tnw", weights, torch.einsum("thc,whc->htw", values, out))
    return messages, attention.out_proj(attention.v_proj.bias)  # a head's weights sum to 1


def _normalised(norm: Network, parts: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """A LayerNorm over the channels of the parts (9, n, C) with the standard deviation of their sum (n, C)."""
    deviation = (total.var(-1, correction=0, keepdim=True) + norm.eps).sqrt()
    parts = (parts - parts.mean(-1, keepdim=True)) / deviation * norm.weight
    parts[_CONSTANT] += norm.bias
    return parts, F.layer_norm(total, norm.weight.shape, norm.weight, norm.bias, norm.eps)


def _upscaled(layers: Network, parts: Tensor, total: Tensor, vector: Tensor) -> Tensor:
    """(9, n, 16): the logits of some tokens' pixels. parts: (9, n, C), total: (n, C) their sum, vector: the mask's."""
    first, norm, activation, second, last_activation = layers
    parts, total = _product(first, parts, total)
    parts, total = _activated(activation, *_normalised(norm, parts, total))
    parts, _ = _activated(last_activation, *_product(second, parts, total))
    return (parts @ vector).unflatten(1, (-1, 16))


def _product(layer: Network, parts: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """A transposed convolution whose stride is its kernel's size: (…, n, C) → (…, 4 n, channels out)."""
    weight, bias = as_product(layer)
    parts = parts @ weight
    parts[_CONSTANT] += bias
    width = layer.out_channels
    return parts.reshape(len(parts), -1, width), torch.addmm(bias, total, weight).view(-1, width)


def _activated(activation: Network, parts: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """The parts times the slope f(x) / x of their sum x; where x is 0, f(x) is 0, and so is what is booked."""
    after = activation(total)
    slope = torch.where(total == 0, torch.zeros_like(total), after / total)
    return parts * slope, after
