"""The demo model's network: a small convolutional and attentional image encoder.

The prompt encoder, the mask decoder and the ``Sam`` container are segment-anything's own, only
narrower; the image encoder is this file's. It sees 256 x 256 pixels and gives a 32 x 32 grid of
embeddings, so a token covers 8 x 8 pixels and the decoder's logits have 128 x 128 pixels.

Three parts: a convolutional stem (strides 2, 4, 8); blocks on the token grid, each a dense 3 x 3
convolution for the neighbourhood and global attention at half the grid's resolution for the
context; and a fine path that brings the tokens back to stride 4, where the stem's edges still are.
Nothing in it depends on a table of positions, so other input sizes (multiples of 16 pixels) work.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional as F

from ..network_type import Network
from ..segment_anything_import import modeling

IMAGE_SIZE = 256
"""Side of the square model input in pixels."""

STRIDE = 8
"""Input pixels per token."""

PROMPT_DIM = 96
"""Channels of the image embedding and of every prompt token."""

BOX_PROMPT_OUTSIDE = -2.0
"""Value of the mask prompt outside the box; inside it is 1 - u^2 - v^2 (see box_mask_prompt)."""

_FREQUENCIES = (1.0, 2.0, 4.0, 8.0)


class _Attention(nn.Module):
    """Multi-head self-attention over (B, N, dim) tokens."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, n, dim = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, n, dim))


class ContextBlock(nn.Module):
    """One layer on the token grid: (B, h, w, dim) to (B, h, w, dim); h and w must be even."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int = 3) -> None:
        super().__init__()
        self.norm_local = nn.LayerNorm(dim)
        self.local = nn.Conv2d(dim, dim, 3, padding=1)
        self.norm_attn = nn.LayerNorm(dim)
        self.attn = _Attention(dim, heads)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_ratio * dim), nn.GELU(), nn.Linear(mlp_ratio * dim, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm_local(x).permute(0, 3, 1, 2)
        x = x + F.gelu(self.local(y)).permute(0, 2, 3, 1)
        # Context is smooth: at half the resolution it costs a quarter, attention a sixteenth.
        coarse = F.avg_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        b, h, w, dim = coarse.shape
        tokens = coarse.reshape(b, h * w, dim)
        update = self.attn(self.norm_attn(tokens))
        update = update + self.mlp(self.norm_mlp(tokens + update))
        update = update.view(b, h, w, dim).permute(0, 3, 1, 2)
        update = F.interpolate(update, scale_factor=2.0, mode="bilinear", align_corners=False)
        return x + update.permute(0, 2, 3, 1)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.GroupNorm(8, outputs),
        nn.GELU(),
    )


class DemoImageEncoder(nn.Module):
    """Image encoder of the demo model.

    `blocks` are the layers whose features are extracted: each gives channels-last tokens (B, S/8, S/8, dim). `neck`
    gives the embedding (B, PROMPT_DIM, S/8, S/8).
    """

    def __init__(
        self,
        img_size: int = IMAGE_SIZE,
        dim: int = 128,
        depth: int = 5,
        heads: int = 4,
        fine: int = 48,
        out_chans: int = PROMPT_DIM,
    ) -> None:
        super().__init__()
        layer_norm_2d = modeling().common.LayerNorm2d
        self.img_size = img_size
        self.stem_2 = _conv(3, 24, stride=2)
        self.stem_4 = nn.Sequential(_conv(24, fine, stride=2), _conv(fine, fine))
        self.stem_8 = nn.Conv2d(fine, dim, 3, stride=2, padding=1)
        self.position = nn.Linear(2 + 4 * len(_FREQUENCIES), dim)
        self.blocks = nn.ModuleList(ContextBlock(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, 4 * fine)
        self.refine = nn.Sequential(_conv(fine, fine), _conv(fine, fine))
        self.neck = nn.Sequential(
            nn.Conv2d(4 * fine + dim, out_chans, 1, bias=False),
            layer_norm_2d(out_chans),
            nn.Conv2d(out_chans, out_chans, 3, padding=1, bias=False),
            layer_norm_2d(out_chans),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embeds images.

        Args:
            x: (B, 3, S, S) in [0, 1], S a multiple of 16.

        Returns:
            (B, PROMPT_DIM, S/8, S/8).

        Raises:
            ValueError: Where the side is no multiple of 16.
        """
        if x.shape[-1] % 16 or x.shape[-2] % 16:
            raise ValueError(
                f"The demo encoder needs sides that are multiples of 16 pixels, not "
                f"{x.shape[-2]} x {x.shape[-1]}: resize the image to {self.img_size} pixels."
            )
        x = (x - 0.5) * 4.0
        half = self.stem_2(x.contiguous(memory_format=torch.channels_last))
        quarter = self.stem_4(half)
        tokens = self.stem_8(quarter).permute(0, 2, 3, 1)
        tokens = tokens + self.position(_coordinates(tokens))
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens).permute(0, 3, 1, 2)
        fine = F.pixel_shuffle(self.expand(tokens.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), 2)
        fine = fine.contiguous(memory_format=torch.channels_last)
        fine = fine + self.refine(fine + quarter)
        return self.neck(torch.cat([F.pixel_unshuffle(fine, 2), tokens], dim=1))


def _coordinates(tokens: torch.Tensor) -> torch.Tensor:
    """Normalised coordinates of a token grid (B, h, w, d) as smooth features (h, w, 18)."""
    h, w = tokens.shape[1:3]
    y = (torch.arange(h, device=tokens.device, dtype=tokens.dtype) + 0.5) * (2.0 / h) - 1.0
    x = (torch.arange(w, device=tokens.device, dtype=tokens.dtype) + 0.5) * (2.0 / w) - 1.0
    grid = torch.stack([x.expand(h, w), y[:, None].expand(h, w)], dim=-1)
    waves = [f(grid * (math.pi / 2 * k)) for k in _FREQUENCIES for f in (torch.sin, torch.cos)]
    return torch.cat([grid, *waves], dim=-1)


def box_mask_prompt(boxes_xyxy: torch.Tensor, sam: Network) -> torch.Tensor:
    """The box as SAM's mask prompt.

    Inside the box the value is 1 - u^2 - v^2, u and v the distance from the box's centre in units of its half-sides, so
    the zero line is the inscribed ellipse; outside it is BOX_PROMPT_OUTSIDE. Pixels that the box covers in part get the
    mean of both, weighted by the covered fraction: a one-pixel box is still seen.

    Args:
        boxes_xyxy: (B, 4) in model pixels, x0, y0, x1, y1.
        sam: The network, which knows its input and grid.

    Returns:
        (B, 1, 4h, 4w) for the prompt encoder's `masks`, h × w the embedding's grid.
    """
    rows, columns = sam.prompt_encoder.mask_input_size
    height, width = sam.prompt_encoder.input_image_size
    boxes = boxes_xyxy.to(torch.float32)

    def axis(low: torch.Tensor, high: torch.Tensor, cells: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        step = size / cells
        edge = torch.arange(cells, device=boxes.device, dtype=torch.float32) * step
        low, high = low[:, None], torch.maximum(high, low + 1e-3)[:, None]
        covered = (torch.minimum(high, edge + step) - torch.maximum(low, edge)) / step
        offset = (edge + step / 2 - (low + high) / 2) / ((high - low) / 2)
        return covered.clamp(0, 1), offset.clamp(-1, 1).square()

    cover_x, u2 = axis(boxes[:, 0], boxes[:, 2], columns, width)
    cover_y, v2 = axis(boxes[:, 1], boxes[:, 3], rows, height)
    cover = cover_y[:, :, None] * cover_x[:, None, :]
    inside = 1.0 - v2[:, :, None] - u2[:, None, :]
    return (cover * inside + (1.0 - cover) * BOX_PROMPT_OUTSIDE)[:, None]


def build_demo_sam() -> Network:
    """The demo model with untrained weights: segment-anything's `Sam`, input 256 × 256.

    It takes images in [0, 1] (no mean or deviation is removed) and, for each box, the two corners and
    `box_mask_prompt`. With `multimask_output=False` mask 0 is the answer; masks 1 to 3 were never trained.

    Raises:
        ModelError: Without the package segment-anything.
    """
    parts = modeling()
    grid = IMAGE_SIZE // STRIDE
    sam = parts.Sam(
        image_encoder=DemoImageEncoder(),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=PROMPT_DIM,
            image_embedding_size=(grid, grid),
            input_image_size=(IMAGE_SIZE, IMAGE_SIZE),
            mask_in_chans=32,
        ),
        mask_decoder=parts.MaskDecoder(
            transformer_dim=PROMPT_DIM,
            transformer=parts.TwoWayTransformer(depth=2, embedding_dim=PROMPT_DIM, num_heads=4, mlp_dim=512),
            activation=nn.ReLU,
            iou_head_hidden_dim=PROMPT_DIM,
        ),
        pixel_mean=[0.0, 0.0, 0.0],
        pixel_std=[1.0, 1.0, 1.0],
    )
    return sam.eval()


def load_demo_sam(state: Mapping[str, torch.Tensor]) -> Network:
    """The demo model with the weights of a state dict.

    Args:
        state: Tensors by name.

    Raises:
        RuntimeError: Where they do not fit.
    """
    sam = build_demo_sam()
    sam.load_state_dict(dict(state), strict=True)
    return sam
