"""The fast backend: numbers of 16 bits, on a processor or device where a test showed that they work and are faster."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.network_type import Network
from .base import Backend, BackendFactory
from .registry import register

if TYPE_CHECKING:
    import torch


@register
class Fast(BackendFactory):
    """bfloat16 products on a CPU that gains by them; half precision on CUDA and MPS after a real computation worked."""

    key = "fast"
    title = "Fast, rounded numbers"
    sentence = (
        "Numbers of 16 bits, where the processor is faster with them. The outline may move by a pixel here and there; the "
        "maps hardly change."
    )

    def why_not(self, encoder: Network, device: torch.device) -> str:
        from ..kernels import autocast, bfloat16, exact_tiny_vit, exact_vit

        if device.type != "cpu":
            return autocast.why_not(device)
        if not (exact_vit.knows(encoder) or exact_tiny_vit.knows(encoder)):
            return "The fast precision is made for SAM's ViT encoders and LiteMedSAM's; this model is encoded exactly."
        return bfloat16.why_not()

    def make(self, encoder: Network, device: torch.device, cache_folder: Path | None = None) -> Backend:
        from ..kernels import autocast, bfloat16

        if device.type == "cpu":
            return Backend("fast bfloat16", partial(bfloat16.rounded_pass, bfloat16.Bfloat16Products(encoder)))
        dtype = autocast.dtype_for(device)
        return Backend(f"fast {str(dtype).removeprefix('torch.')}", partial(autocast.autocast_pass, dtype))
