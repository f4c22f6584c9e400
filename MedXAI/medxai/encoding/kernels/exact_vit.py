"""The exact forward pass of segment-anything's ViT encoder, faster and in a fraction of its memory, on the CPU.

Same weights, same mathematics, float32; only the order of work differs:

* attention in chunks of queries (`chunked_attention`): plain segment-anything writes, reads and frees the whole score
  matrix three times (0.8 GB each for a global block of ViT-B), and spends half its time in the kernel mapping it;
* window blocks without their padding (`window_order`);
* linear layers into memory that is used again, residuals added inside the matrix product (`matrix_product`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...models.network_type import Network
from ...models.segment_anything_import import modeling
from ...progress import RunControl
from .chunked_attention import Attending, RelativePositions, attend, relative_positions
from .matrix_product import Products, fastest_products
from .window_order import WindowOrder, window_order

#: Bytes of MLP hidden layer held at once; ViT-B's whole hidden layer at 1024 px is 48 MiB, so it goes in one product.
_HIDDEN_BYTES = 64 << 20


def knows(encoder: Network) -> bool:
    """Whether this is an unchanged segment-anything ViT on the CPU.

    Modules with hooks are left to torch, because this pass does not call them.
    """
    if type(encoder) is not modeling().ImageEncoderViT or encoder.training:
        return False
    if next(encoder.parameters()).device.type != "cpu":
        return False
    return not any(module._forward_hooks or module._forward_pre_hooks for module in encoder.modules())


def can_run(encoder: Network, image: Tensor) -> bool:
    """Whether `exact_pass` gives what the encoder's own forward would.

    Args:
        encoder: Must be a ViT that `knows` accepts.
        image: Must be one image (1, 3, H, W) of the encoder's type.
    """
    return (
        knows(encoder)
        and image.device.type == "cpu"
        and len(image) == 1
        and image.dtype == next(encoder.parameters()).dtype
    )


@torch.inference_mode()
def exact_pass(
    encoder: Network,
    image: Tensor,
    layers: Sequence[str],
    control: RunControl = RunControl(),
    products: Products | None = None,
    positions: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The embedding (1, C, h, w) of an image (1, 3, H, W), and the tokens (h, w, d) of the asked layers.

    Args:
        encoder: One that `can_run` said yes to.
        image: (1, 3, H, W).
        layers: Names such as 'block 2' and 'neck'.
        control: Hears of every block and of the neck, and can stop the pass between two of them.
        products: How linear layers are computed; by default the fastest here.
        positions: (1, h, w, d) in the place of the encoder's own `pos_embed`, for an image of another size.

    Raises:
        Cancelled: Between two blocks.
    """
    total = len(encoder.blocks) + 1
    control.raise_if_cancelled()
    _keep_small_memory()
    positions = encoder.pos_embed if positions is None else positions
    state = _Tokens(encoder, image, positions, products or fastest_products())
    tokens = {}
    for index, block in enumerate(encoder.blocks):
        state.run(block)
        if f"block {index}" in layers:
            tokens[f"block {index}"] = state.grid().clone()
        control.report(index + 1, total)
        control.raise_if_cancelled()
    embedding = encoder.neck(state.grid()[None].permute(0, 3, 1, 2))
    if "neck" in layers:
        tokens["neck"] = embedding[0].permute(1, 2, 0)
    control.report(total, total)
    return embedding, tokens


def _keep_small_memory() -> None:
    """Has the C library keep what is freed, up to 24 MB a piece, for the next allocation.

    glibc gives pieces above a limit back to the system, and the limit grows to the largest piece freed so far. Without
    this the pass maps up to 290,000 pages (0.7 s of processor time for ViT-B), with it 21,000. Elsewhere it does nothing.
    """
    torch.empty(24 << 20, dtype=torch.uint8)  # freed at once


class _Tokens:
    """The residual stream of one image, (tokens, width), and the memory that every block uses again.

    The tokens lie in raster order or sorted by windows; they are moved only between blocks of different kinds.
    """

    def __init__(self, encoder: Network, image: Tensor, positions: Tensor | None, products: Products):
        # Channels last: the patches come out as rows of tokens (0.06 instead of 0.12 s of processor time for ViT-B).
        patches = encoder.patch_embed(image.contiguous(memory_format=torch.channels_last))
        self._height, self._width, width = patches.shape[1:]
        if positions is not None:
            patches = patches + positions
        self._x = patches.contiguous().view(-1, width)
        self._other = torch.empty_like(self._x)
        self._wide = image.new_empty(0)
        self._order: WindowOrder | None = None
        self._orders: dict[int, WindowOrder] = {}
        self._products = products

    def grid(self) -> Tensor:
        """(h, w, d) in raster order, over the stream's own memory."""
        self._arrange(0)
        return self._x.view(self._height, self._width, -1)

    def run(self, block: Network) -> None:
        """Computes x ← x + attention(norm1(x)), x ← x + mlp(norm2(x))."""
        self._arrange(block.window_size)
        self._attention(block.attn, block.norm1(self._x))
        self._mlp(block)

    def _arrange(self, window: int) -> None:
        """Sorts the tokens by windows of that side; 0 is raster order."""
        side = self._order.side if self._order else 0
        if side == window:
            return
        if self._order:
            self._pick(self._order.to_raster)
            self._order = None
        if window:
            self._order = self._orders.setdefault(window, window_order(self._height, self._width, window))
            self._pick(self._order.from_raster)

    def _pick(self, index: Tensor) -> None:
        torch.index_select(self._x, 0, index, out=self._other)
        self._x, self._other = self._other, self._x

    def _rows(self, count: int, width: int) -> Tensor:
        """A (count, width) piece of the one wide buffer, which attention and MLP use in turn."""
        if self._wide.numel() < count * width:
            self._wide = self._x.new_empty(count * width)
        return self._wide[: count * width].view(count, width)

    def _attention(self, attention: Network, normed: Tensor) -> None:
        count, width = normed.shape
        heads = attention.num_heads
        joint = self._rows(count, 3 * width)
        self._products.write(attention.qkv, normed, joint)
        joint, out = joint.view(count, 3, heads, -1), normed.view(count, heads, -1)  # normed is not needed any more
        if self._order is None:
            self._attend_globally(attention, joint, out)
        else:
            self._attend_in_windows(attention, joint, out, self._order)
        self._products.add(attention.proj, normed, self._x)

    def _attend_globally(self, attention: Network, joint: Tensor, out: Tensor) -> None:
        grid = (self._height, self._width)
        query, key, value = joint[None].unbind(2)
        form = Attending(grid, grid, _positions(attention, *grid), attention.scale, self._products.attention_dtype)
        attend(query, key, value, form, out[None])

    def _attend_in_windows(self, attention: Network, joint: Tensor, out: Tensor, order: WindowOrder) -> None:
        window = (order.side, order.side)
        positions = _positions(attention, *window)
        start = 0
        for group in order.groups:
            part, shape = slice(start, start + group.tokens), (group.count, group.rows * group.columns)
            start += group.tokens
            query, key, value = joint[part].unflatten(0, shape).unbind(2)
            if (group.rows, group.columns) != window:
                key, value = _padded(attention.qkv, joint[part, 1:], group.count, group.rows, group.columns, order.side)
            cut = positions and positions.for_queries(group.rows, group.columns)
            real, part_out = (group.rows, group.columns), out[part].unflatten(0, shape)
            form = Attending(real, window, cut, attention.scale, self._products.attention_dtype)
            attend(query, key, value, form, part_out)

    def _mlp(self, block: Network) -> None:
        mlp = block.mlp
        count, width = self._x.shape[0], mlp.lin1.out_features
        at_once = max(1, min(count, _HIDDEN_BYTES // (width * self._x.element_size())))
        hidden = self._rows(at_once, width)
        for start in range(0, count, at_once):
            x = self._x[start : start + at_once]
            part = hidden[: x.shape[0]]
            self._products.write(mlp.lin1, block.norm2(x), part)
            self._products.add(mlp.lin2, _activated(mlp.act, part), x)


def _positions(attention: Network, height: int, width: int) -> RelativePositions | None:
    if not attention.use_rel_pos:
        return None
    return relative_positions(attention.rel_pos_h, attention.rel_pos_w, height, width)


def _padded(qkv: nn.Linear, joint: Tensor, count: int, rows: int, columns: int, side: int) -> tuple[Tensor, Tensor]:
    """Keys and values (windows, side², heads, d) of windows cut by the grid's edge.

    joint: (tokens, 2, heads, d). segment-anything pads with zeros after the norm, so a padded token's key and value
    are the layer's bias, and real queries do attend to it.
    """
    _, _, heads, d = joint.shape
    whole = joint.new_zeros(count, side, side, 2, heads, d)
    if qkv.bias is not None:
        whole += qkv.bias.view(3, heads, d)[1:]
    whole[:, :rows, :columns] = joint.unflatten(0, (count, rows, columns))
    keys, values = whole.flatten(1, 2).unbind(2)
    return keys, values


def _activated(activation: Network, hidden: Tensor) -> Tensor:
    """The activation in place where torch can: a fresh result of 48 MiB costs four times the activation itself."""
    if type(activation) is nn.GELU:
        return torch.ops.aten.gelu.out(hidden, approximate=activation.approximate, out=hidden)
    return activation(hidden)
