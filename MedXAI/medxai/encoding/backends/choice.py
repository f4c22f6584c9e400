"""How the image encoder is computed: exactly, fast with rounded numbers, or by OpenVINO; and what a user is told about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..feature_extraction import EncoderOutput, Progress, run_encoder
from . import bfloat16, exact_vit

#: What a user can wish for.
CHOICES = ("exact", "fast", "openvino", "openvino-fast")

Run = Callable[[nn.Module, Tensor, Sequence[str], Progress, Callable[[], bool]], EncoderOutput]
"""Like `run_encoder`: encoder, image (1, 3, S, S), layers, progress, is_cancelled → embedding and tokens."""


@dataclass(frozen=True)
class Backend:
    """name: part of an encoding's identity, since results differ in the last digits. note: for the user; empty where none."""

    name: str
    run: Run
    note: str = ""


EXACT = Backend("exact", run_encoder)


def choose_backend(wish: str, encoder: nn.Module, device: torch.device, cache_folder: Path | None = None) -> Backend:
    """The wished backend for an encoder on a device, or the exact one with a note that says why not.

    exact: the model's own precision, the default everywhere. fast: bfloat16 on a CPU that gains by it, half precision
    on CUDA and MPS, each only after a real computation worked. openvino: with Intel's runtime, where installed and on
    the CPU; cache_folder is where its compiled model is kept. openvino-fast: the same with bfloat16 instructions, where
    the CPU has them. Raises InputError for an unknown wish.
    """
    if wish not in CHOICES:
        raise InputError(f"There is no encoder '{wish}'; choose {', '.join(CHOICES[:-1])} or {CHOICES[-1]}.")
    if wish == "fast":
        return _fast_on_cpu(encoder) if device.type == "cpu" else _autocast(device)
    if wish.startswith("openvino"):
        return _openvino(encoder, device, cache_folder, fast=wish == "openvino-fast")
    return EXACT


def _exactly(note: str) -> Backend:
    return Backend(EXACT.name, EXACT.run, note)


def _fast_on_cpu(encoder: nn.Module) -> Backend:
    if not exact_vit.knows(encoder):
        return _exactly("The fast precision is made for SAM's ViT encoders; this model is encoded exactly.")
    reason = bfloat16.why_not()
    if reason:
        return _exactly(reason)
    return Backend("fast bfloat16", partial(_rounded_pass, bfloat16.Bfloat16Products(encoder)))


def _rounded_pass(
    products: bfloat16.Bfloat16Products,
    encoder: nn.Module,
    image: Tensor,
    layers: Sequence[str],
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> EncoderOutput:
    embedding, tokens = exact_vit.exact_pass(encoder, image, layers, progress, is_cancelled, products)
    return EncoderOutput(embedding, tokens)


def _autocast(device: torch.device) -> Backend:
    if device.type == "cuda" and not torch.cuda.is_available():
        return _exactly("PyTorch finds no CUDA device for the fast precision; the exact one is used.")
    dtype = torch.float16 if device.type == "mps" or not torch.cuda.is_bf16_supported() else torch.bfloat16
    reason = _failure_of_autocast(device, dtype)
    if reason:
        return _exactly(
            f"The fast precision does not work on this {device.type} device ({reason}); the exact one is used."
        )
    return Backend(f"fast {str(dtype).removeprefix('torch.')}", partial(_autocast_pass, dtype))


def _failure_of_autocast(device: torch.device, dtype: torch.dtype) -> str | None:
    """None where a product and an attention in half precision really run there and give finite numbers."""
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype):
            x = torch.nn.functional.linear(torch.ones(1, 2, 64, 64, device=device), torch.eye(64, device=device))
            result = torch.nn.functional.scaled_dot_product_attention(x, x, x)
            return None if result.isfinite().all().item() else "its numbers are not finite"
    except (RuntimeError, NotImplementedError) as error:
        return str(error).split("\n")[0][:120]


def _autocast_pass(
    dtype: torch.dtype,
    encoder: nn.Module,
    image: Tensor,
    layers: Sequence[str],
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> EncoderOutput:
    with torch.autocast(image.device.type, dtype):
        output = run_encoder(encoder, image, layers, progress, is_cancelled)
    return EncoderOutput(output.embedding.float(), {name: tokens.float() for name, tokens in output.tokens.items()})


def _openvino(encoder: nn.Module, device: torch.device, cache_folder: Path | None, fast: bool) -> Backend:
    from . import openvino_vit

    reason = openvino_vit.why_not(encoder, device)
    if reason:
        return _exactly(reason)
    if not fast:
        return Backend("openvino", openvino_vit.OpenVinoVit(encoder, cache_folder).run)
    if not openvino_vit.has_bfloat16():
        return _exactly("OpenVINO finds no bfloat16 instructions on this processor; the exact encoder is used.")
    return Backend("openvino bfloat16", openvino_vit.OpenVinoVit(encoder, cache_folder, "bf16").run)
