"""The image encoder of LiteMedSAM: TinyViT at 256 px with a 64 × 64 embedding, layers named as in its checkpoint.

Architecture after Wu et al., "TinyViT: Fast Pretraining Distillation for Small Vision Transformers" (ECCV 2022), in
LiteMedSAM's variant: no stride in the patch embedding, and two of the three mergings halve the grid.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..network_type import Network
from ..segment_anything_import import modeling

_WIDTHS = (64, 128, 160, 320)
_DEPTHS = (2, 2, 6, 2)
_HEADS = (2, 4, 5, 10)
_WINDOWS = (7, 7, 14, 7)
_MERGING_STRIDES = (2, 2, 1)
_MLP_RATIO = 4


class ConvBatchNorm(nn.Sequential):
    """A convolution without bias and its batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__()
        self.add_module("c", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", nn.BatchNorm2d(outputs))


class PatchEmbed(nn.Module):
    """(B, 3, S, S) to (B, 64, S, S): pointwise, every pixel its own token."""

    def __init__(self, width: int):
        super().__init__()
        self.seq = nn.Sequential(ConvBatchNorm(3, width // 2), nn.GELU(), ConvBatchNorm(width // 2, width))

    def forward(self, image: Tensor) -> Tensor:
        return self.seq(image)


class MBConv(nn.Module):
    """An inverted bottleneck: widen, depthwise 3 × 3, narrow, residual; (B, h, w, d) to the same."""

    def __init__(self, width: int):
        super().__init__()
        hidden = width * _MLP_RATIO
        self.conv1 = ConvBatchNorm(width, hidden)
        self.conv2 = ConvBatchNorm(hidden, hidden, kernel=3, groups=hidden)
        self.conv3 = ConvBatchNorm(hidden, width)

    def forward(self, grid: Tensor) -> Tensor:
        x = grid.permute(0, 3, 1, 2)
        y = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(y)).permute(0, 2, 3, 1)


class PatchMerging(nn.Module):
    """A wider, and where the stride is 2 a coarser, grid; (B, h, w, d) to (B, h', w', d')."""

    def __init__(self, width: int, next_width: int, stride: int):
        super().__init__()
        self.conv1 = ConvBatchNorm(width, next_width)
        self.conv2 = ConvBatchNorm(next_width, next_width, kernel=3, stride=stride, groups=next_width)
        self.conv3 = ConvBatchNorm(next_width, next_width)

    def forward(self, grid: Tensor) -> Tensor:
        x = grid.permute(0, 3, 1, 2)
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x))))).permute(0, 2, 3, 1)


class WindowAttention(nn.Module):
    """Self-attention within a window, with a learned bias for each distance; (n, window², d) to the same."""

    bias_index: Tensor

    def __init__(self, width: int, heads: int, window: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        place = torch.cartesian_prod(torch.arange(window), torch.arange(window))
        distance = (place[:, None] - place[None]).abs()
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        # Distances are numbered in the order in which the first token meets them, which is row by row.
        self.register_buffer("bias_index", distance[..., 0] * window + distance[..., 1], persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        n, count, width = tokens.shape
        qkv = self.qkv(self.norm(tokens)).view(n, count, self.heads, -1)
        q, k, v = (part.transpose(1, 2) for part in qkv.chunk(3, dim=-1))
        bias = self.attention_biases[:, self.bias_index]
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None].expand(n, -1, -1, -1))
        return self.proj(out.transpose(1, 2).reshape(n, count, width))


class Mlp(nn.Module):
    """Norm, widen fourfold, GELU, narrow; (…, d) to the same."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width * _MLP_RATIO)
        self.fc2 = nn.Linear(width * _MLP_RATIO, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViTBlock(nn.Module):
    """Window attention, depthwise convolution and MLP; (B, h, w, d) to the same."""

    def __init__(self, width: int, heads: int, window: int):
        super().__init__()
        self.window = window
        self.attn = WindowAttention(width, heads, window)
        self.mlp = Mlp(width)
        self.local_conv = ConvBatchNorm(width, width, kernel=3, groups=width)

    def forward(self, grid: Tensor) -> Tensor:
        grid = grid + self._attend(grid)
        grid = self.local_conv(grid.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return grid + self.mlp(grid)

    def _attend(self, grid: Tensor) -> Tensor:
        b, h, w, d = grid.shape
        n = self.window
        padded = F.pad(grid, (0, 0, 0, -w % n, 0, -h % n))
        rows, columns = padded.shape[1] // n, padded.shape[2] // n
        windows = padded.view(b, rows, n, columns, n, d).transpose(2, 3).reshape(-1, n * n, d)
        out = self.attn(windows).view(b, rows, columns, n, n, d).transpose(2, 3)
        return out.reshape(b, rows * n, columns * n, d)[:, :h, :w]


class Stage(nn.Module):
    """Blocks at one width, then the merging into the next."""

    def __init__(self, blocks: list[Network], merging: Network | None):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        if merging is not None:
            self.downsample = merging

    def forward(self, grid: Tensor) -> Tensor:
        for block in self.blocks:
            grid = block(grid)
        return self.downsample(grid) if hasattr(self, "downsample") else grid


class TinyViT(nn.Module):
    """LiteMedSAM's encoder, (B, 3, 256, 256) in [0, 1] to (B, 256, 64, 64).

    `blocks` lists all twelve blocks in order, for feature extraction (not registered twice in the state dict).
    """

    def __init__(self, img_size: int = 256, out_channels: int = 256):
        super().__init__()
        self.img_size = img_size
        self.patch_embed = PatchEmbed(_WIDTHS[0])
        mergings = [PatchMerging(a, b, s) for (a, b), s in zip(pairwise(_WIDTHS), _MERGING_STRIDES, strict=True)]
        self.layers = nn.ModuleList()
        for index, (width, depth) in enumerate(zip(_WIDTHS, _DEPTHS, strict=True)):
            blocks: list[Network] = [
                MBConv(width) if index == 0 else TinyViTBlock(width, _HEADS[index], _WINDOWS[index])
                for _ in range(depth)
            ]
            self.layers.append(Stage(blocks, mergings[index] if index < len(mergings) else None))
        norm = modeling().image_encoder.LayerNorm2d
        self.neck = nn.Sequential(
            nn.Conv2d(_WIDTHS[-1], out_channels, 1, bias=False),
            norm(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            norm(out_channels),
        )

    @property
    def blocks(self) -> list[Network]:
        stages: list[Network] = list(self.layers)
        return [block for stage in stages for block in stage.blocks]

    def forward(self, image: Tensor) -> Tensor:
        grid = self.patch_embed(image).permute(0, 2, 3, 1)
        for layer in self.layers:
            grid = layer(grid)
        return self.neck(grid.permute(0, 3, 1, 2))
