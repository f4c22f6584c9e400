"""A preview of an encoding at half resolution: a fifth of the work, at once on the screen, replaced by the full one."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..feature_extraction import EncoderOutput, Progress
from . import exact_vit
from .choice import Backend

#: Below this side a full encoding is as good as immediate.
_SMALLEST_SIDE_PX = 1024


def can_draft(encoder: nn.Module) -> bool:
    """Whether a preview of this encoder's result can be made and pays: a segment-anything ViT for large images."""
    side = int(getattr(encoder, "img_size", 0))
    if side < _SMALLEST_SIDE_PX or not exact_vit.knows(encoder):
        return False
    return side % (2 * encoder.patch_embed.proj.kernel_size[0]) == 0


@torch.inference_mode()
def draft_pass(
    encoder: nn.Module,
    image: Tensor,
    layers: Sequence[str],
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> EncoderOutput:
    """Like `run_encoder` on the image at half its size; the embedding is brought to the full grid, the tokens are not.

    Absolute positions are interpolated (bicubic), relative ones as segment-anything does. Windows keep their 14 tokens,
    so they see twice as much of the image as they were trained on: a preview, not a result.
    """
    small = F.interpolate(image, scale_factor=0.5, mode="area")
    grid = tuple(side // encoder.patch_embed.proj.kernel_size[0] for side in image.shape[-2:])
    positions = encoder.pos_embed
    if positions is not None:
        half = tuple(n // 2 for n in grid)
        positions = F.interpolate(
            positions.permute(0, 3, 1, 2), size=half, mode="bicubic", align_corners=False
        ).permute(0, 2, 3, 1)
    embedding, tokens = exact_vit.exact_pass(encoder, small, layers, progress, is_cancelled, positions=positions)
    full = F.interpolate(embedding, size=grid, mode="bilinear", align_corners=False)
    return EncoderOutput(full, {name: tokens[name] for name in layers})


DRAFT = Backend("draft", draft_pass, "Preview at half resolution; the full result may differ.")
