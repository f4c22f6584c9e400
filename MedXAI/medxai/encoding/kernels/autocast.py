"""The fast precision on a graphics processor: torch's own mixed precision, after a real computation worked there."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ...models.network_type import Network
from ...progress import RunControl
from ..feature_extraction import EncoderOutput, run_encoder


def why_not(device: torch.device) -> str:
    """Empty where the device computes in half precision; else a sentence for the user that says why not."""
    if device.type == "cuda" and not torch.cuda.is_available():
        return "PyTorch finds no CUDA device for the fast precision; the exact one is used."
    reason = _failure_on(device, dtype_for(device))
    if reason:
        return f"The fast precision does not work on this {device.type} device ({reason}); the exact one is used."
    return ""


def dtype_for(device: torch.device) -> torch.dtype:
    """bfloat16 on CUDA where the card has it, else float16."""
    return torch.float16 if device.type == "mps" or not torch.cuda.is_bf16_supported() else torch.bfloat16


def _failure_on(device: torch.device, dtype: torch.dtype) -> str:
    """Empty where a product and an attention in half precision really run there and give finite numbers."""
    try:
        with torch.inference_mode(), torch.autocast(device.type, dtype):
            x = torch.nn.functional.linear(torch.ones(1, 2, 64, 64, device=device), torch.eye(64, device=device))
            result = torch.nn.functional.scaled_dot_product_attention(x, x, x)
            return "" if result.isfinite().all().item() else "its numbers are not finite"
    except (RuntimeError, NotImplementedError) as error:
        return str(error).split("\n")[0][:120]


def autocast_pass(
    dtype: torch.dtype, encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()
) -> EncoderOutput:
    """`run_encoder` on a graphics processor with products of `dtype` (torch.bfloat16 or torch.float16).

    Other arguments and errors are those of `run_encoder`. Embedding and tokens are float32.
    """
    with torch.autocast(image.device.type, dtype):
        output = run_encoder(encoder, image, layers, control)
    return EncoderOutput(output.embedding.float(), {name: tokens.float() for name, tokens in output.tokens.items()})
