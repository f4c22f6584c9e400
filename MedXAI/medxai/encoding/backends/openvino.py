"""Two backends that use Intel's OpenVINO, where the package `openvino` is installed: in float32, and in bfloat16."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.network_type import Network
from .base import Backend, BackendFactory
from .registry import register

if TYPE_CHECKING:
    import torch


@register
class OpenVino(BackendFactory):
    """Intel's runtime in float32."""

    key = "openvino"
    title = "OpenVINO"
    sentence = "Intel's runtime. Outline and maps as with Exact. Keeps a file as large as the model on disk."
    name = "openvino"
    precision = "f32"

    def why_not(self, encoder: Network, device: torch.device) -> str:
        if importlib.util.find_spec("openvino") is None:
            return "OpenVINO is not installed (pip install openvino); the exact encoder is used."
        if device.type != "cpu":
            return f"OpenVINO is for the processor, and the model is on {device.type}; the exact encoder is used."
        from ..kernels import openvino_encoder

        return openvino_encoder.why_not(encoder)

    def make(self, encoder: Network, device: torch.device, cache_folder: Path | None = None) -> Backend:
        from ..kernels.openvino_encoder import OpenVinoEncoder

        return Backend(self.name, OpenVinoEncoder(encoder, cache_folder, self.precision).run)


@register
class OpenVinoFast(OpenVino):
    """Intel's runtime in bfloat16, where the processor has instructions for it."""

    key = "openvino-fast"
    title = "OpenVINO, rounded numbers"
    sentence = "Intel's runtime with numbers of 16 bits: changes the result as Fast does. Keeps files on disk too."
    name = "openvino bfloat16"
    precision = "bf16"

    def why_not(self, encoder: Network, device: torch.device) -> str:
        reason = super().why_not(encoder, device)
        if reason:
            return reason
        from ..kernels import openvino_encoder

        if not openvino_encoder.has_bfloat16():
            return "OpenVINO finds no bfloat16 instructions on this processor; the exact encoder is used."
        return ""
