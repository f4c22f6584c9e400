"""A segment-anything ViT on the image at half its size: a fifth of the work."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...models.network_type import Network
from ...progress import RunControl
from ..feature_extraction import EncoderOutput
from . import exact_vit


@torch.inference_mode()
def half_size_pass(
    encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()
) -> EncoderOutput:
    """Like `run_encoder` on the image at half its size; the embedding is brought to the full grid, the tokens are not.

    Absolute positions are interpolated (bicubic), relative ones as segment-anything does. Windows keep their 14 tokens,
    so they see twice as much of the image as they were trained on: a preview, not a result.

    Args:
        encoder: segment-anything's ViT, in evaluation mode.
        image: (1, 3, S, S), at its full size.
        layers: Names such as 'block 2' and 'neck'.
        control: Hears of every block and of the neck, and can stop the pass between two of them.

    Raises:
        Cancelled: Between two blocks.
        InputError: For an unknown layer, or none.
    """
    small = F.interpolate(image, scale_factor=0.5, mode="area")
    grid = tuple(side // encoder.patch_embed.proj.kernel_size[0] for side in image.shape[-2:])
    positions = encoder.pos_embed
    if positions is not None:
        half = tuple(n // 2 for n in grid)
        positions = F.interpolate(
            positions.permute(0, 3, 1, 2), size=half, mode="bicubic", align_corners=False
        ).permute(0, 2, 3, 1)
    embedding, tokens = exact_vit.exact_pass(encoder, small, layers, control, positions=positions)
    full = F.interpolate(embedding, size=grid, mode="bilinear", align_corners=False)
    return EncoderOutput(full, {name: tokens[name] for name in layers})
