"""Small ViT encoders of segment-anything, and their own forward pass to compare with."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from medxai.models.segment_anything_import import modeling

SHAPES = {
    "cut windows, as in ViT-B": dict(img_size=128, patch_size=8, window_size=7, global_attn_indexes=(1, 3)),
    "windows that fit": dict(img_size=128, patch_size=8, window_size=4, global_attn_indexes=(2,)),
    "window larger than the grid": dict(img_size=40, patch_size=8, window_size=14, global_attn_indexes=(0, 3)),
    "global only": dict(img_size=64, patch_size=8, window_size=0),
    "windows only": dict(img_size=72, patch_size=8, window_size=5),
    "no relative positions": dict(
        img_size=64, patch_size=8, window_size=3, global_attn_indexes=(1,), use_rel_pos=False
    ),
    "no absolute positions": dict(
        img_size=64, patch_size=8, window_size=3, global_attn_indexes=(1,), use_abs_pos=False
    ),
    "no qkv bias": dict(img_size=64, patch_size=8, window_size=5, global_attn_indexes=(1,), qkv_bias=False),
    "one head, odd widths": dict(img_size=64, patch_size=8, window_size=3, embed_dim=36, num_heads=1, mlp_ratio=2.5),
    "another activation": dict(img_size=64, patch_size=8, window_size=3, act_layer=nn.ReLU),
    "tanh GELU": dict(img_size=64, patch_size=8, window_size=3, act_layer=partial(nn.GELU, approximate="tanh")),
}


def vit(seed: int = 3, **changes: object) -> nn.Module:
    """A small ImageEncoderViT whose every parameter matters: none is zero as after segment-anything's own start."""
    shape = dict(
        embed_dim=48, depth=4, num_heads=3, out_chans=24, use_rel_pos=True, norm_layer=partial(nn.LayerNorm, eps=1e-6)
    )
    generator = torch.Generator().manual_seed(seed)
    encoder = modeling().ImageEncoderViT(**{**shape, **changes}).eval().requires_grad_(False)
    for name, parameter in encoder.named_parameters():
        spread = 0.5 if "pos" in name else parameter.shape[-1] ** -0.5
        parameter.copy_(
            torch.randn(parameter.shape, generator=generator) * spread + ("norm" in name and "weight" in name)
        )
    return encoder


def image_for(encoder: nn.Module, seed: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, encoder.img_size, encoder.img_size, generator=generator)


def own_forward(encoder: nn.Module, image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """segment-anything's forward, with every block's output."""
    captured: dict[str, Tensor] = {}
    hooks = [
        block.register_forward_hook(
            lambda _m, _i, output, name=f"block {i}": captured.__setitem__(name, output[0].clone())
        )
        for i, block in enumerate(encoder.blocks)
    ]
    with torch.inference_mode():
        embedding = encoder(image)
    for hook in hooks:
        hook.remove()
    captured["neck"] = embedding[0].permute(1, 2, 0)
    return embedding, captured


def relative_error(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).norm() / expected.norm())


def rounds_convolutions() -> bool:
    """Whether a graphics processor would round the factors of convolutions now."""
    cudnn: Any = torch.backends.cudnn
    return cudnn.conv.fp32_precision == "tf32" if hasattr(cudnn, "conv") else cudnn.allow_tf32
