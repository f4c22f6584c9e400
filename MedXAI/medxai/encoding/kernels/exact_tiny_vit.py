"""The exact forward pass of LiteMedSAM's TinyViT, faster than the module's own, on the CPU.

Same weights, same mathematics, float32; only the order of work differs:

* batch norms are folded into their convolutions: w' = w · γ / √(σ² + ε), b' = β − μ · γ / √(σ² + ε);
* pointwise convolutions are matrix products over rows of tokens;
* an inverted bottleneck goes over the grid in strips, so that its wide hidden layer (67 MB at 256 × 256) stays near the
  cache from one step to the next;
* window attention without its padding (`window_order`): padded tokens are only keys and values, the same in every block
  of padding, because they are zeros before the norm;
* results are written into memory that is used again, residuals are added inside the matrix product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.network_type import Network
from ...models.networks.tiny_vit import MBConv, TinyViT, TinyViTBlock, WindowAttention
from ...progress import RunControl
from .matrix_product import Products, fastest_products
from .window_order import WindowOrder, window_order

#: Bytes of a hidden layer held at once. Measured with 1, 2, 4, 8 and 16 MB on two cores: see Resources/docs/encoder.md.
_HIDDEN_BYTES = 2 << 20


def knows(encoder: Network) -> bool:
    """Whether this is an unchanged TinyViT on the CPU; modules with hooks are left to torch, because hooks are not called."""
    if type(encoder) is not TinyViT or encoder.training or next(encoder.parameters()).device.type != "cpu":
        return False
    return not any(module._forward_hooks or module._forward_pre_hooks for module in encoder.modules())


def can_run(encoder: Network, image: Tensor) -> bool:
    """Whether `exact_pass` gives what the encoder's own forward would.

    Args:
        encoder: Must be a TinyViT that `knows` accepts.
        image: Must be one image (1, 3, S, S) of the encoder's type.
    """
    return (
        knows(encoder)
        and image.device.type == "cpu"
        and len(image) == 1
        and image.dtype == next(encoder.parameters()).dtype
    )


@torch.inference_mode()
def exact_pass(
    encoder: TinyViT,
    image: Tensor,
    layers: Sequence[str],
    control: RunControl = RunControl(),
    products: Products | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The embedding (1, C, h, w) of an image (1, 3, S, S), and the tokens (h, w, d) of the asked layers.

    Args:
        encoder: One that `can_run` said yes to.
        image: (1, 3, S, S).
        layers: Names such as 'block 2' and 'neck'.
        control: Hears of every block and of the neck, and can stop the pass between two of them.
        products: How products are computed; by default the fastest here.

    Raises:
        Cancelled: Between two blocks.
    """
    control.raise_if_cancelled()
    torch.empty(24 << 20, dtype=torch.uint8)  # see exact_vit: has the C library keep small pieces
    total = len(encoder.blocks) + 1
    state = _Tokens(encoder, image, products or fastest_products())
    tokens: dict[str, Tensor] = {}
    done = 0
    stages: list[Network] = list(encoder.layers)
    for stage in stages:
        for block in stage.blocks:
            state.run(block)
            if f"block {done}" in layers:
                tokens[f"block {done}"] = state.grid().clone()
            done += 1
            control.report(done, total)
            control.raise_if_cancelled()
        if hasattr(stage, "downsample"):
            state.merge(stage.downsample)
    embedding = encoder.neck(state.grid()[None].permute(0, 3, 1, 2))
    if "neck" in layers:
        tokens["neck"] = embedding[0].permute(1, 2, 0)
    control.report(total, total)
    return embedding, tokens


@dataclass(frozen=True, eq=False)
class _Affine:
    """A convolution with its batch norm folded in; weight (out, in) where it is pointwise, else (out, 1, 3, 3)."""

    weight: Tensor
    bias: Tensor


def _folded(layer: Network) -> _Affine:
    """A `ConvBatchNorm` as one product."""
    scale = layer.bn.weight * torch.rsqrt(layer.bn.running_var + layer.bn.eps)
    weight = layer.c.weight * scale[:, None, None, None]
    bias = layer.bn.bias - layer.bn.running_mean * scale
    return _Affine(weight.flatten(1) if layer.c.kernel_size == (1, 1) else weight, bias)


class _Tokens:
    """The tokens of one image as rows (h · w, d) in raster order, and the memory that every block uses again."""

    def __init__(self, encoder: TinyViT, image: Tensor, products: Products):
        self._height, self._width = image.shape[-2:]
        self._products = products
        self._memory = image.new_empty(0)
        self._orders: dict[tuple[int, int, int], WindowOrder] = {}
        widen, _, merge = encoder.patch_embed.seq
        first, second = _folded(widen), _folded(merge)
        pixels = image[0].flatten(1).t().contiguous()
        self._x = image.new_empty(len(pixels), len(second.bias))
        for part in self._pieces(len(pixels), len(second.bias)):
            hidden = self._piece(part, len(first.bias))
            products.write(first, pixels[part], hidden)
            products.write(second, _gelu(hidden), self._x[part])

    def grid(self) -> Tensor:
        """(h, w, d), over the tokens' own memory."""
        return self._x.view(self._height, self._width, -1)

    def run(self, block: Network) -> None:
        """The tokens after a block."""
        if isinstance(block, MBConv):
            self._bottleneck(block)
        else:
            self._transform(block)

    def merge(self, merging: Network) -> None:
        """The tokens of a wider, and where its stride is 2 a coarser, grid: after a `PatchMerging`."""
        last = _folded(merging.conv3)
        stride = merging.conv2.c.stride[0]
        height, width = -(-self._height // stride), -(-self._width // stride)
        merged = self._x.new_empty(height * width, len(last.bias))
        for part, hidden in self._widened(merging.conv1, merging.conv2):
            self._products.write(last, hidden, merged[part])
        self._x, self._height, self._width = merged, height, width

    def _bottleneck(self, block: Network) -> None:
        """Computes x ← gelu(x + narrow(gelu(depthwise(gelu(widen(x))))))."""
        last = _folded(block.conv3)
        result = self._x.clone()  # a strip also needs its neighbours' tokens as they were
        for part, hidden in self._widened(block.conv1, block.conv2):
            self._products.add(last, hidden, result[part])
            _gelu(result[part])
        self._x = result

    def _widened(self, widen: Network, depthwise: Network) -> Iterator[tuple[slice, Tensor]]:
        """gelu(depthwise(gelu(widen(x)))), strip by strip: the slice of its rows in the result's raster, and the rows."""
        first, second = _folded(widen), _folded(depthwise)
        channels, width, stride = len(first.bias), self._width, depthwise.c.stride[0]
        row_bytes = width * channels * self._x.element_size()
        rows_out = max(1, _HIDDEN_BYTES // (row_bytes * stride))
        height_out, width_out = -(-self._height // stride), -(-width // stride)
        for top in range(0, height_out, rows_out):
            bottom = min(top + rows_out, height_out)
            # The result's row r is made of the rows r · stride − 1 to r · stride + 1; outside the grid they are zeros.
            start, stop = top * stride - 1, (bottom - 1) * stride + 2
            inside = slice(max(start, 0), min(stop, self._height))
            strip = self._rows((stop - start) * width, channels).view(stop - start, width, channels)
            strip[: inside.start - start] = 0
            strip[inside.stop - start :] = 0
            held = strip[inside.start - start : inside.stop - start].view(-1, channels)
            self._products.write(first, self._x[inside.start * width : inside.stop * width], held)
            _gelu(held)
            image = strip[None].permute(0, 3, 1, 2)
            found = F.conv2d(image, second.weight, second.bias, stride, (0, 1), groups=channels)
            rows = found.permute(0, 2, 3, 1).reshape(-1, channels)
            yield slice(top * width_out, bottom * width_out), _gelu(rows)

    def _transform(self, block: TinyViTBlock) -> None:
        """Computes x ← x + attention(x), x ← depthwise(x), x ← x + mlp(x)."""
        self._attend(block.attn, block.window)
        local = _folded(block.local_conv)
        grid = F.conv2d(
            self.grid()[None].permute(0, 3, 1, 2), local.weight, local.bias, padding=1, groups=len(local.bias)
        )
        self._x = grid.permute(0, 2, 3, 1).reshape(self._x.shape)
        mlp = block.mlp
        for part in self._pieces(len(self._x), mlp.fc1.out_features):
            x = self._x[part]
            hidden = self._piece(part, mlp.fc1.out_features)
            self._products.write(mlp.fc1, mlp.norm(x), hidden)
            self._products.add(mlp.fc2, _gelu(hidden), x)

    def _attend(self, attention: WindowAttention, side: int) -> None:
        place = self._height, self._width, side
        order = self._orders.setdefault(place, window_order(*place))
        tokens = self._x.index_select(0, order.from_raster)
        normed = attention.norm(tokens)
        count, width = tokens.shape
        joint = self._rows(count, 3 * width)
        self._products.write(attention.qkv, normed, joint)
        joint = joint.view(count, attention.heads, -1)
        # A padded token is zero before the norm, so after it it is the norm's bias.
        padding = F.linear(attention.norm.bias, attention.qkv.weight, attention.qkv.bias).view(attention.heads, -1)
        bias = attention.attention_biases[:, attention.bias_index].unflatten(1, (side, side))
        start = 0
        for group in order.groups:
            part, shape = slice(start, start + group.tokens), (group.count, group.rows * group.columns)
            start += group.tokens
            query, key, value = joint[part].unflatten(0, shape).chunk(3, dim=-1)
            if (group.rows, group.columns) != (side, side):
                whole = padding.repeat(group.count, side, side, 1, 1)
                whole[:, : group.rows, : group.columns] = joint[part].view(
                    group.count, group.rows, group.columns, *padding.shape
                )
                _, key, value = whole.flatten(1, 2).chunk(3, dim=-1)
            seen = bias[:, : group.rows, : group.columns].flatten(1, 2)
            found = _attended(query, key, value, seen, self._products.attention_dtype)
            normed[part] = found.reshape(group.tokens, width)
        self._products.add(attention.proj, normed, tokens)
        torch.index_select(tokens, 0, order.to_raster, out=self._x)

    def _pieces(self, count: int, width: int) -> Iterator[slice]:
        at_once = max(1, _HIDDEN_BYTES // (width * self._memory.element_size()))
        return (slice(start, min(start + at_once, count)) for start in range(0, count, at_once))

    def _piece(self, part: slice, width: int) -> Tensor:
        return self._rows(part.stop - part.start, width)

    def _rows(self, count: int, width: int) -> Tensor:
        """A (count, width) piece of the one memory for wide layers."""
        if self._memory.numel() < count * width:
            self._memory = self._memory.new_empty(count * width)
        return self._memory[: count * width].view(count, width)


def _attended(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Attention of query (B, q, heads, d) to key and value (B, k, heads, d) with bias (heads, q, k) → (B, q, heads, d)."""
    q, k, v = (part.transpose(1, 2) for part in (query, key, value))
    if dtype is not None:
        q, k, v = q.to(dtype), k.to(dtype), v.to(dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None].expand(len(q), -1, -1, -1)).transpose(1, 2)


def _gelu(x: Tensor) -> Tensor:
    """In place: fresh memory costs more than the activation."""
    return torch.ops.aten.gelu.out(x, out=x)
