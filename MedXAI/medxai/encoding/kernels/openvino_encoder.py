"""An image encoder through Intel's OpenVINO, an optional package, with layers' tokens as further outputs of its graph.

The graph comes from the module itself: `torch.export` writes down its forward without computing it (at 1024 px a forward
would hold 3 GB), and OpenVINO's own PyTorch frontend translates that. `openvino.convert_model` would do the same, but it
also reports its use to a server without asking, which a tool for medical images must not do.
"""

import hashlib
import importlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import Cancelled
from ...models.network_type import Network
from ...progress import RunControl
from ..backends.base import BackendFailed
from ..feature_extraction import NECK, EncoderOutput, run_own_forward
from . import exact_tiny_vit, exact_vit
from .openvino_import import openvino_module

_POLL_MS = 50
#: Part of a kept file's name: another number where this file makes another graph of the same weights.
_GRAPH_VERSION = 1


def why_not(encoder: Network) -> str:
    """Empty where OpenVINO can encode with this module; else a sentence for the user that says why not."""
    known = exact_vit.knows(encoder) or exact_tiny_vit.knows(encoder)
    if not known or next(encoder.parameters()).dtype != torch.float32:
        return "OpenVINO is made for SAM's ViT encoders and LiteMedSAM's in float32; this model is encoded by PyTorch."
    return ""


def has_bfloat16() -> bool:
    """Whether OpenVINO finds bfloat16 instructions on this processor."""
    return "BF16" in openvino_module().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoEncoder:
    """An encoder compiled when it is first needed for an image size and a set of layers, and kept for the next slice.

    Args:
        encoder: One that `why_not` has nothing against.
        cache_folder: Where compiled models are kept on disk, a file as large as the encoder for each set of layers; None
            keeps none. A file's name tells weights, layers, image size, precision, processor and OpenVINO's version.
        precision: 'f32' or 'bf16'.
    """

    def __init__(self, encoder: Network, cache_folder: Path | None = None, precision: str = "f32"):
        self._encoder, self._folder, self._precision = encoder, cache_folder, precision
        self._compiled: tuple[object, Any] | None = None

    def run(
        self, _encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()
    ) -> EncoderOutput:
        """Like `run_encoder`; OpenVINO runs the graph in one piece, so progress comes at its end.

        Args:
            image: (1, 3, H, W).
            layers: Names such as 'block 2' and 'neck'.
            control: Hears of the end; cancellation stops the pass at once.

        Raises:
            Cancelled: Once the control says so.
            BackendFailed: Where OpenVINO cannot translate, compile or run the encoder.
        """
        control.raise_if_cancelled()
        request = self._model_for((image.shape[-2], image.shape[-1]), tuple(layers)).create_infer_request()
        control.raise_if_cancelled()
        request.start_async({0: image.numpy()})
        while not request.wait_for(_POLL_MS):
            if control.is_cancelled():
                request.cancel()
                raise Cancelled
        # Copies: the request's own memory ends with it.
        results = [torch.from_numpy(np.array(request.get_output_tensor(i).data)) for i in range(len(request.results))]
        total = len(self._encoder.blocks) + 1
        control.report(total, total)
        tokens = dict(zip((name for name in layers if name != NECK), results[1:], strict=True))
        if NECK in layers:
            tokens[NECK] = results[0][0].permute(1, 2, 0)
        return EncoderOutput(results[0], {name: tokens[name] for name in layers})

    def _model_for(self, size: tuple[int, int], layers: tuple[str, ...]) -> Any:
        if self._compiled is None or self._compiled[0] != (size, layers):
            self._compiled = None
            try:
                self._compiled = (size, layers), self._loaded_or_compiled(size, layers)
            except (RuntimeError, ImportError, AttributeError) as error:  # what either library raises, by its version
                raise BackendFailed(" ".join(str(error).split())[:120]) from error
        return self._compiled[1]

    def _loaded_or_compiled(self, size: tuple[int, int], layers: tuple[str, ...]) -> Any:
        openvino = openvino_module()
        core = openvino.Core()
        settings = {"INFERENCE_PRECISION_HINT": self._precision, "PERFORMANCE_HINT": "LATENCY"}
        if self._folder is None:
            return core.compile_model(_graph(self._encoder, size, layers), "CPU", settings)
        identity = (
            _GRAPH_VERSION,
            openvino.get_version(),
            core.get_property("CPU", "FULL_DEVICE_NAME"),
            _digest(self._encoder),
            size,
            layers,
            self._precision,
        )
        path = self._folder / f"{hashlib.blake2b(repr(identity).encode(), digest_size=16).hexdigest()}.openvino"
        if path.is_file():
            try:
                return core.import_model(path.read_bytes(), "CPU", settings)
            except RuntimeError:  # damaged, or of a build that only calls itself the same: made anew below
                pass
        compiled = core.compile_model(_graph(self._encoder, size, layers), "CPU", settings)
        _keep(compiled.export_model, path)
        return compiled


def _digest(encoder: Network) -> str:
    digest = hashlib.blake2b(repr(type(encoder)).encode(), digest_size=16)
    for name, tensor in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().contiguous().numpy())
    return digest.hexdigest()


def _keep(exported: Callable[[], Any], path: Path) -> None:
    """Writes the file whole or not at all; where the disk does not take it, the next start compiles again."""
    part = path.with_suffix(f".part{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        content = exported()
        part.write_bytes(content.getvalue() if hasattr(content, "getvalue") else content)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)


class _WithLayers(nn.Module):
    """An encoder whose forward gives a tuple: the embedding (1, C, h, w), then each asked block's tokens (h, w, d)."""

    def __init__(self, encoder: Network, layers: Sequence[str]):
        super().__init__()
        self.encoder = encoder
        self._layers = tuple(name for name in layers if name != NECK)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        output = run_own_forward(self.encoder, image, self._layers)
        return output.embedding, *output.tokens.values()


@contextmanager
def _without_notes(file: str) -> Iterator[None]:
    """Keeps the notes that both libraries have for their own developers off the user's screen.

    file: whose records on the root logger are left out. OpenVINO writes a traceback there for each operation that this
    PyTorch takes apart in another way than it expects; the graph does not need them.
    """

    def is_for_users(record: logging.LogRecord) -> bool:
        return record.pathname != file

    logging.getLogger().addFilter(is_for_users)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().removeFilter(is_for_users)


def _graph(encoder: Network, size: tuple[int, int], layers: Sequence[str]) -> Any:
    """The encoder as an OpenVINO model of a fixed size. Input: image (1, 3, H, W). Outputs: those of `_WithLayers`."""
    openvino_module()  # first, so that its parts find it without telemetry
    frontends = importlib.import_module("openvino.frontend")
    decoders = importlib.import_module("openvino.frontend.pytorch.fx_decoder")
    with torch.no_grad(), _without_notes(str(decoders.__file__)):
        program = torch.export.export(_WithLayers(encoder, layers).eval(), (torch.zeros(1, 3, *size),), strict=False)
        decoder = decoders.TorchFXPythonDecoder.from_exported_program(program)
    frontend = frontends.FrontEndManager().load_by_framework("pytorch")
    model = frontend.convert(frontend.load(decoder))
    model.reshape([1, 3, *size])
    return model
