"""The preview: the same network on the image at half its size, at once on the screen, replaced by the full result."""

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

#: Below this side a full encoding is as good as immediate.
_SMALLEST_SIDE_PX = 1024


def can_preview(encoder: Network) -> bool:
    """Whether a preview of this encoder's result can be made and pays: a segment-anything ViT for large images."""
    from ..kernels import exact_vit

    side = int(getattr(encoder, "img_size", 0))
    if side < _SMALLEST_SIDE_PX or not exact_vit.knows(encoder):
        return False
    return side % (2 * encoder.patch_embed.proj.kernel_size[0]) == 0


def _run(encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()) -> EncoderOutput:
    from ..kernels.half_size import half_size_pass

    return half_size_pass(encoder, image, layers, control)


PREVIEW = Backend("preview", _run, "Preview at half resolution; the full result may differ.")


@register
class Preview(BackendFactory):
    """A fifth of the work; marked in the warnings, never kept as a result."""

    key = PREVIEW.name
    title = "Preview"
    sentence = "The model on the slice at half its size, until the full result is there."
    is_choice = False

    def why_not(self, encoder: Network, device: torch.device) -> str:
        if can_preview(encoder):
            return ""
        return "Previews are for large ViT encoders; this model's slices take little time."

    def make(self, encoder: Network, device: torch.device, cache_folder: Path | None = None) -> Backend:
        return PREVIEW
