"""The fast precision on a CPU: products of bfloat16 numbers, everything between them in float32.

Only for CPUs with bfloat16 instructions, and only where a probe on this very machine shows a gain: without them torch
computes bfloat16 correctly and ten times slower.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...models.network_type import Network
from ...progress import RunControl
from ..feature_extraction import EncoderOutput
from . import exact_tiny_vit, exact_vit
from .matrix_product import Affine, fastest_products, seconds_of

#: The probe's product must be this much faster; a smaller gain is not worth the rounding.
CLEAR_GAIN = 1.5
_PROBE_SECONDS = 1.0
_PROBE_ROUNDS = 8
#: As `torch.cpu.get_capabilities` names them: x86 with AVX-512 or AMX, and Arm.
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16", "sve_bf16")


class Bfloat16Products:
    """Linear layers of one encoder with rounded weights, kept beside the model's own (ViT-B: 170 MB more)."""

    attention_dtype = torch.bfloat16

    def __init__(self, encoder: Network):
        self._rounded: dict[Affine, tuple[Tensor, Tensor | None]] = {
            layer: _rounded(layer) for layer in encoder.modules() if isinstance(layer, nn.Linear)
        }

    def write(self, layer: Affine, x: Tensor, out: Tensor) -> None:
        out.copy_(F.linear(x.bfloat16(), *self._weights(layer)))

    def add(self, layer: Affine, x: Tensor, residual: Tensor) -> None:
        residual += F.linear(x.bfloat16(), *self._weights(layer))

    def _weights(self, layer: Affine) -> tuple[Tensor, Tensor | None]:
        """Those of a layer that is not the encoder's own, such as a folded convolution (small), are rounded now."""
        return self._rounded.get(layer) or _rounded(layer)


def _rounded(layer: Affine) -> tuple[Tensor, Tensor | None]:
    return layer.weight.bfloat16(), layer.bias.bfloat16() if layer.bias is not None else None


def rounded_pass(
    products: Bfloat16Products,
    encoder: Network,
    image: Tensor,
    layers: Sequence[str],
    control: RunControl = RunControl(),
) -> EncoderOutput:
    """`run_encoder` on the CPU with the given rounded products, for an encoder that one of the exact passes knows.

    Other arguments and errors are those of `run_encoder`.
    """
    kernel = exact_vit if exact_vit.knows(encoder) else exact_tiny_vit
    return EncoderOutput(*kernel.exact_pass(encoder, image, layers, control, products))


def why_not(
    capabilities: Callable[[], Mapping[str, object]] | None = None, gain: Callable[[], float] | None = None
) -> str:
    """Empty where bfloat16 is faster here; else a sentence for the user that says why it is not used.

    Args:
        capabilities: Reads the CPU's instructions; None asks the machine.
        gain: Measures how many times faster bfloat16 is; None measures it on this machine.
    """
    found = (capabilities or _capabilities)()
    if not any(found.get(name) for name in _INSTRUCTIONS):
        return "This processor has no bfloat16 instructions, so the fast precision would be slower here; the exact one is used."
    measured = (gain or measured_gain)()
    if measured < CLEAR_GAIN:
        return f"The fast precision was tried on this processor and is only {measured:.1f} times as fast as the exact one; the exact one is used."
    return ""


def _capabilities() -> Mapping[str, object]:
    if hasattr(torch.cpu, "get_capabilities"):
        return torch.cpu.get_capabilities()
    older = {"avx512_bf16": "_is_avx512_bf16_supported", "amx_bf16": "_is_amx_tile_supported"}
    return {name: getattr(torch.cpu, probe)() for name, probe in older.items() if hasattr(torch.cpu, probe)}


@torch.inference_mode()
def measured_gain(seconds_of: Callable[[Callable[[], None]], float] = seconds_of) -> float:
    """How many times faster one of ViT-B's linear layers is in bfloat16 than in float32, in about a second at most."""
    layer = nn.Linear(768, 3072)
    x, out = torch.rand(1024, 768), torch.empty(1024, 3072)
    exact, rounded = fastest_products(), Bfloat16Products(layer)
    best_exact = best_rounded = float("inf")
    spent = 0.0
    for round_ in range(_PROBE_ROUNDS):  # in turn, so that another program's load hits both
        exactly = seconds_of(lambda: exact.write(layer, x, out))
        roundedly = seconds_of(lambda: rounded.write(layer, x, out))
        spent += exactly + roundedly
        if round_ == 0:  # for warming up
            continue
        best_exact, best_rounded = min(best_exact, exactly), min(best_rounded, roundedly)
        if spent > _PROBE_SECONDS:
            break
    return best_exact / best_rounded
