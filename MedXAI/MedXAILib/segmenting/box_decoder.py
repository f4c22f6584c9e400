"""segment-anything's mask decoder for many boxes on one image: the same results with a third of the work.

Two things make it cheaper than the decoder's own forward, neither an approximation:

* The decoder projects all image tokens (4096 × 256 for MedSAM) to queries, keys or values for every attention of every
  box, to compare them with seven prompt tokens. Here the projection is moved to the prompt's side:
  (K Wᵀ) q = K (Wᵀ q), and Σ a (K Wᵀ) = (Σ a K) Wᵀ.
* Only the mask that is asked for is computed, and the image's tokens are shared by the boxes as long as they are equal.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.segment_anything_import import modeling

#: Tokens upscaled at once: their 16 pixels of 32 channels (1 MB) stay near a core's cache.
_TOKENS_AT_ONCE = 512


def can_run(mask_decoder: nn.Module) -> bool:
    """Whether this is segment-anything's own decoder, without hooks, which this pass would not call."""
    parts = modeling()
    known = {
        parts.MaskDecoder: mask_decoder,
        parts.TwoWayTransformer: mask_decoder.transformer,
        parts.transformer.Attention: mask_decoder.transformer.final_attn_token_to_image,
    }
    attentions = [a for layer in mask_decoder.transformer.layers for a in (layer.cross_attn_token_to_image, layer.cross_attn_image_to_token)]
    return (
        all(type(module) is kind for kind, module in known.items())
        and all(type(attention) is parts.transformer.Attention for attention in attentions)
        and not any(module._forward_hooks or module._forward_pre_hooks for module in mask_decoder.modules())
    )


@torch.inference_mode()
def decode_boxes(mask_decoder: nn.Module, embedding: Tensor, image_pe: Tensor, sparse: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
    """The logits (B, 4h, 4w) of mask token 0, and the prompt's attention (B, h·w) to the image, rows summing to 1.

    embedding, image_pe: (1, C, h, w). sparse: (B, 2, C), the two corners of each box. dense: (B, C, h, w), or
    (1, C, h, w) where all boxes have the same. The attention is the mean over both layers' and the final
    token-to-image attention, their heads, and three tokens: mask token 0 and the corners.
    """
    _, _, h, w = embedding.shape
    outputs = torch.cat([mask_decoder.iou_token.weight, mask_decoder.mask_tokens.weight])
    prompt = torch.cat([outputs.expand(len(sparse), -1, -1), sparse], dim=1)
    first_corner = len(outputs)
    looking = [1, first_corner, first_corner + 1]
    keys = (embedding + dense).flatten(2).transpose(1, 2).contiguous()  # (1 or B, n, C)
    pe = image_pe.flatten(2).transpose(1, 2)
    queries, looked_at = prompt, []
    transformer = mask_decoder.transformer
    for layer in transformer.layers:
        queries = _self_attention(layer, queries, prompt)
        keyed = keys + pe
        update, weights = _tokens_to_image(layer.cross_attn_token_to_image, queries + prompt, keyed, keys)
        looked_at.append(weights[:, looking].mean((1, 2)))
        queries = layer.norm2(queries + update)
        queries = layer.norm3(queries + layer.mlp(queries))
        keys = layer.norm4(_image_to_tokens(layer.cross_attn_image_to_token, keyed, queries + prompt, queries, keys))
    update, weights = _tokens_to_image(transformer.final_attn_token_to_image, queries + prompt, keys + pe, keys)
    looked_at.append(weights[:, looking].mean((1, 2)))
    queries = transformer.norm_final_attn(queries + update)
    mask_token = mask_decoder.output_hypernetworks_mlps[0](queries[:, 1])
    return _mask(mask_decoder.output_upscaling, keys, mask_token, (h, w)), torch.stack(looked_at).mean(0)


def _self_attention(layer: nn.Module, queries: Tensor, prompt: Tensor) -> Tensor:
    if layer.skip_first_layer_pe:
        return layer.norm1(layer.self_attn(q=queries, k=queries, v=queries))
    placed = queries + prompt
    return layer.norm1(queries + layer.self_attn(q=placed, k=placed, v=queries))


def _tokens_to_image(attention: nn.Module, tokens: Tensor, keyed: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """What tokens (B, t, C) take from the image, and their attention (B, t, heads, n) to it.

    keyed: (1 or B, n, C), the image's tokens with their positions; values: the same without.
    """
    heads, c = attention.num_heads, attention.internal_dim // attention.num_heads
    batch, count, width = tokens.shape
    queries = attention.q_proj(tokens).unflatten(-1, (heads, c)) / math.sqrt(c)
    # The keys' bias adds the same to all scores of a token, which softmax does not see.
    moved = torch.einsum("bthc,hcw->bthw", queries, attention.k_proj.weight.view(heads, c, width)).flatten(1, 2)
    weights = _times(moved, keyed.transpose(1, 2)).softmax(-1)
    taken = _times(weights, values).view(batch, count, heads, width)
    taken = torch.einsum("bthw,hcw->bthc", taken, attention.v_proj.weight.view(heads, c, width))
    taken = taken.flatten(2) + attention.v_proj.bias  # the weights sum to 1
    return attention.out_proj(taken), weights.view(batch, count, heads, -1)


def _image_to_tokens(attention: nn.Module, keyed: Tensor, tokens: Tensor, values: Tensor, keys: Tensor) -> Tensor:
    """keys + what the image's tokens take from the prompt's (B, t, C): (B, n, C)."""
    heads, c = attention.num_heads, attention.internal_dim // attention.num_heads
    batch, count, width = tokens.shape
    offered = attention.k_proj(tokens).unflatten(-1, (heads, c)) / math.sqrt(c)
    moved = torch.einsum("bthc,hcw->bhtw", offered, attention.q_proj.weight.view(heads, c, width)).flatten(1, 2)
    bias = torch.einsum("bthc,hc->bht", offered, attention.q_proj.bias.view(heads, c))
    # Image tokens last: softmax over seven neighbours in memory would take longer than the products.
    scores = _times(moved, keyed.transpose(1, 2)).unflatten(1, (heads, count)).add_(bias[..., None])
    weights = scores.softmax(2).flatten(1, 2)  # (B, heads · t, n)
    given = attention.v_proj(values).unflatten(-1, (heads, c))
    given = torch.einsum("bthc,whc->bhtw", given, attention.out_proj.weight.view(width, heads, c)).flatten(1, 2)
    total = (keys + attention.out_proj.bias).expand(batch, -1, -1).contiguous()
    return total.baddbmm_(weights.transpose(1, 2), given)


def _times(left: Tensor, right: Tensor) -> Tensor:
    """Batched product; a factor that all boxes share is multiplied once with all of them together."""
    if right.shape[0] == 1 and left.shape[0] > 1:
        return (left.flatten(0, 1) @ right[0]).unflatten(0, left.shape[:2])
    return left @ right


def _mask(upscaling: nn.Sequential, keys: Tensor, mask_token: Tensor, grid: tuple[int, int]) -> Tensor:
    """Logits (B, 4h, 4w). A transposed convolution whose stride is its kernel's size is a product for each token."""
    logits = [
        torch.cat([_children(upscaling, part) @ token for part in tokens.split(_TOKENS_AT_ONCE)])
        for tokens, token in zip(keys, mask_token, strict=True)
    ]
    h, w = grid  # each token has 2 × 2 children, each child 2 × 2
    return torch.stack(logits).unflatten(1, (h, w)).permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, 4 * h, 4 * w)


def _children(upscaling: nn.Sequential, tokens: Tensor) -> Tensor:
    """Tokens (n, C) → their 16 upscaled pixels (n, 2, 2, 2, 2, channels)."""
    first, norm, activation, second, last_activation = upscaling
    x = F.layer_norm(_upscaled(first, tokens), norm.weight.shape, norm.weight, norm.bias, norm.eps)
    return _activated(last_activation, _upscaled(second, _activated(activation, x)))


def _upscaled(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """(…, channels) → (…, 2, 2, channels): each token's four children."""
    inputs, outputs, rows, columns = layer.weight.shape
    weight = layer.weight.permute(0, 2, 3, 1).reshape(inputs, -1)
    return F.linear(x, weight.t(), layer.bias.repeat(rows * columns)).unflatten(-1, (rows, columns, outputs))


def _activated(activation: nn.Module, x: Tensor) -> Tensor:
    """In place where torch can: fresh memory costs more than the activation."""
    if type(activation) is nn.GELU:
        return torch.ops.aten.gelu.out(x, approximate=activation.approximate, out=x)
    return activation(x)
