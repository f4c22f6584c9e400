"""The exact backend: the model's own arithmetic in its own precision. The default everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...models.network_type import Network
from ...progress import RunControl
from .base import Backend, BackendFactory
from .registry import register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..feature_extraction import EncoderOutput


def _run(encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()) -> EncoderOutput:
    from ..feature_extraction import run_encoder

    return run_encoder(encoder, image, layers, control)


EXACT = Backend("exact", _run)


@register
class Exact(BackendFactory):
    """The encoder's mathematics in float32, in another order of work where that is faster."""

    key = EXACT.name
    title = "Exact"
    sentence = "The model's own arithmetic; the other backends are compared with it."

    def make(self, encoder: Network, device: torch.device, cache_folder: Path | None = None) -> Backend:
        return EXACT
