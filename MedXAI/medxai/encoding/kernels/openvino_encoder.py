"""segment-anything's ViT encoder through Intel's OpenVINO, an optional package, with layers' tokens as graph outputs.

The graph is written down from the module's own weights: tracing the module would run its forward, at 1024 px with 3 GB.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import Cancelled
from ...models.network_type import Network
from ...progress import RunControl
from ..feature_extraction import NECK, EncoderOutput
from . import exact_vit
from .chunked_attention import RelativePositions, relative_positions
from .openvino_import import openvino_module

#: Query rows of a global block that share one score matrix: ViT-B then holds 100 MB of scores instead of 800.
_ROWS_AT_ONCE = 8
_POLL_MS = 50


def why_not(encoder: Network) -> str:
    """Empty where OpenVINO can encode with this module; else a sentence for the user that says why not."""
    if not (
        exact_vit.knows(encoder)
        and next(encoder.parameters()).dtype == torch.float32
        and _activations(encoder) <= {nn.GELU}
    ):
        return "OpenVINO is made for SAM's ViT encoders in float32; this model is encoded by PyTorch."
    return ""


def has_bfloat16() -> bool:
    """Whether OpenVINO finds bfloat16 instructions on this processor."""
    return "BF16" in openvino_module().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoEncoder:
    """An encoder compiled when it is first needed for an image size and a set of layers, and kept for the next slice.

    Args:
        encoder: segment-anything's ViT, in evaluation mode.
        cache_folder: Where the compiled model is kept on disk (ViT-B: 350 MB a set of layers); None keeps none.
        precision: 'f32' or 'bf16'.
    """

    def __init__(self, encoder: Network, cache_folder: Path | None = None, precision: str = "f32"):
        self._encoder = encoder
        self._settings: dict[str, object] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if cache_folder is not None:
            self._settings["CACHE_DIR"] = str(cache_folder)
        self._compiled: tuple[object, Any] | None = None

    @torch.inference_mode()
    def run(
        self,
        _encoder: Network,
        image: Tensor,
        layers: Sequence[str],
        control: RunControl = RunControl(),
    ) -> EncoderOutput:
        """Like `run_encoder`; OpenVINO runs the graph in one piece, so progress comes at its end.

        Args:
            image: (1, 3, H, W).
            layers: Names such as 'block 2' and 'neck'.
            control: Hears of the end; cancellation stops the pass at once.

        Raises:
            Cancelled: Once the control says so.
            InputError: For an unknown layer, or none.
        """
        control.raise_if_cancelled()
        request = self._model_for((image.shape[-2], image.shape[-1]), tuple(layers)).create_infer_request()
        request.start_async({0: image.numpy()})
        while not request.wait_for(_POLL_MS):
            if control.is_cancelled():
                request.cancel()
                raise Cancelled
        results = [torch.from_numpy(np.array(request.get_output_tensor(i).data)) for i in range(len(request.results))]
        total = len(self._encoder.blocks) + 1
        control.report(total, total)
        tokens = dict(
            zip((name for name in layers if name != NECK), (tapped[0] for tapped in results[1:]), strict=True)
        )
        if NECK in layers:
            tokens[NECK] = results[0][0].permute(1, 2, 0)
        return EncoderOutput(results[0], {name: tokens[name] for name in layers})

    def _model_for(self, size: tuple[int, int], layers: tuple[str, ...]) -> Any:
        if self._compiled is None or self._compiled[0] != (size, layers):
            self._compiled = None
            graph = _Graph(self._encoder, size, layers).model()
            self._compiled = (size, layers), openvino_module().Core().compile_model(graph, "CPU", self._settings)
        return self._compiled[1]


def _activations(encoder: Network) -> set[type]:
    return {type(block.mlp.act) for block in encoder.blocks}


class _Graph:
    """The encoder's forward as an OpenVINO graph of fixed size. Inputs: image (1, 3, H, W). Outputs: embedding, then layers."""

    def __init__(self, encoder: Network, size: tuple[int, int], layers: tuple[str, ...]):
        self._ov: ModuleType = openvino_module()
        self._op: ModuleType = importlib.import_module("openvino.opset13")
        self._encoder, self._size, self._layers = encoder, size, layers

    def model(self) -> Any:
        encoder, op = self._encoder, self._op
        image = op.parameter([1, 3, *self._size], np.float32, name="image")
        x = op.transpose(self._convolution(image, encoder.patch_embed.proj), self._integers(0, 2, 3, 1))
        if encoder.pos_embed is not None:
            x = op.add(x, self._constant(encoder.pos_embed))
        outputs = []
        for index, block in enumerate(encoder.blocks):
            x = self._block(x, block)
            if f"block {index}" in self._layers:
                outputs.append(x)
        x = op.transpose(x, self._integers(0, 3, 1, 2))
        for part in encoder.neck:
            x = self._convolution(x, part) if isinstance(part, nn.Conv2d) else self._channel_norm(x, part)
        return self._ov.Model([x, *outputs], [image])

    def _block(self, x: Any, block: Network) -> Any:
        op, window = self._op, block.window_size
        _, height, width, _ = x.get_output_shape(0)
        normed = self._norm(x, block.norm1)
        if window:
            attended = self._unwindowed(
                self._attention(self._windowed(normed, window), block.attn), window, height, width
            )
        else:
            attended = self._attention(normed, block.attn)
        x = op.add(x, attended)
        hidden = self._linear(self._norm(x, block.norm2), block.mlp.lin1)
        hidden = op.gelu(hidden, {"none": "erf", "tanh": "tanh"}[block.mlp.act.approximate])
        return op.add(x, self._linear(hidden, block.mlp.lin2))

    def _attention(self, x: Any, attention: Network) -> Any:
        """The attention of a block; x and the result are (windows, rows, columns, width)."""
        op = self._op
        windows, rows, columns, width = x.get_output_shape(0)
        heads = attention.num_heads
        joint = op.reshape(
            self._linear(x, attention.qkv), self._integers(windows, rows * columns, 3, heads, width // heads), False
        )
        parts = op.split(op.transpose(joint, self._integers(2, 0, 3, 1, 4)), self._scalar(0), 3)
        query, key, value = (op.squeeze(parts.output(i), self._integers(0)) for i in range(3))
        positions = None
        if attention.use_rel_pos:
            positions = relative_positions(attention.rel_pos_h, attention.rel_pos_w, rows, columns)
        step = min(rows, max(_ROWS_AT_ONCE, _ROWS_AT_ONCE * 4096 // (rows * columns)))
        chunks = [
            self._attend(
                query, key, value, (first, min(first + step, rows)), (rows, columns), positions, attention.scale
            )
            for first in range(0, rows, step)
        ]
        result = chunks[0] if len(chunks) == 1 else op.concat(chunks, 2)
        merged = op.reshape(
            op.transpose(result, self._integers(0, 2, 1, 3)), self._integers(windows, rows, columns, width), False
        )
        return self._linear(merged, attention.proj)

    def _attend(
        self,
        query: Any,
        key: Any,
        value: Any,
        part: tuple[int, int],
        grid: tuple[int, int],
        positions: RelativePositions | None,
        scale: float,
    ) -> Any:
        """Attention of the query rows `part` of (windows, heads, tokens, d) to all keys."""
        op, (first, last), (rows, columns) = self._op, part, grid
        windows, heads, _, d = query.get_output_shape(0)
        if (first, last) != (0, rows):
            query = op.slice(query, *(self._integers(n) for n in (first * columns, last * columns, 1, 2)))
        if positions is None:
            return op.scaled_dot_product_attention(query, key, value, scale=self._float(scale))
        squares = op.reshape(query, self._integers(windows, heads, last - first, columns, d), False)
        by_rows = op.matmul(squares, self._constant(positions.rows[first:last]), False, False)
        turned = op.transpose(squares, self._integers(0, 1, 3, 2, 4))
        by_columns = op.transpose(
            op.matmul(turned, self._constant(positions.columns), False, False), self._integers(0, 1, 3, 2, 4)
        )
        bias = op.add(op.unsqueeze(by_rows, self._integers(5)), op.unsqueeze(by_columns, self._integers(4)))
        bias = op.reshape(bias, self._integers(windows, heads, (last - first) * columns, rows * columns), False)
        return op.scaled_dot_product_attention(query, key, value, bias, self._float(scale))

    def _windowed(self, x: Any, side: int) -> Any:
        op = self._op
        _, height, width, channels = x.get_output_shape(0)
        down, across = -(-height // side), -(-width // side)
        margin = self._integers(0, down * side - height, across * side - width, 0)
        x = op.pad(x, self._integers(0, 0, 0, 0), margin, "constant", self._float(0))
        x = op.reshape(x, self._integers(down, side, across, side, channels), False)
        return op.reshape(
            op.transpose(x, self._integers(0, 2, 1, 3, 4)), self._integers(down * across, side, side, channels), False
        )

    def _unwindowed(self, x: Any, side: int, height: int, width: int) -> Any:
        op, channels = self._op, x.get_output_shape(0)[-1]
        down, across = -(-height // side), -(-width // side)
        x = op.reshape(x, self._integers(down, across, side, side, channels), False)
        x = op.reshape(
            op.transpose(x, self._integers(0, 2, 1, 3, 4)),
            self._integers(1, down * side, across * side, channels),
            False,
        )
        return op.slice(
            x, self._integers(0, 0), self._integers(height, width), self._integers(1, 1), self._integers(1, 2)
        )

    def _linear(self, x: Any, layer: nn.Linear) -> Any:
        product = self._op.matmul(x, self._constant(layer.weight), False, True)
        return product if layer.bias is None else self._op.add(product, self._constant(layer.bias))

    def _norm(self, x: Any, norm: nn.LayerNorm) -> Any:
        normed = self._op.mvn(x, self._integers(-1), True, norm.eps, "inside_sqrt")
        return self._op.add(self._op.multiply(normed, self._constant(norm.weight)), self._constant(norm.bias))

    def _channel_norm(self, x: Any, norm: Network) -> Any:
        normed = self._op.mvn(x, self._integers(1), True, norm.eps, "inside_sqrt")
        weight, bias = (self._constant(part[:, None, None]) for part in (norm.weight, norm.bias))
        return self._op.add(self._op.multiply(normed, weight), bias)

    def _convolution(self, x: Any, layer: nn.Conv2d) -> Any:
        pads = list(layer.padding)
        result = self._op.convolution(
            x, self._constant(layer.weight), list(layer.stride), pads, pads, list(layer.dilation)
        )
        return result if layer.bias is None else self._op.add(result, self._constant(layer.bias[None, :, None, None]))

    def _constant(self, tensor: Tensor) -> Any:
        """The tensor's own memory where it lies in one piece, not a copy."""
        return self._ov.op.Constant(tensor.detach().contiguous().numpy(), shared_memory=True)

    def _integers(self, *values: int) -> Any:
        return self._op.constant(np.array(values, np.int64))

    def _scalar(self, value: int) -> Any:
        return self._op.constant(np.int64(value))

    def _float(self, value: float) -> Any:
        return self._op.constant(np.float32(value))
