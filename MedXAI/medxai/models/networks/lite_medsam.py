"""LiteMedSAM: TinyViT with SAM's own prompt encoder and mask decoder at 256 px."""

from collections.abc import Mapping

from torch import Tensor

from ..network_type import Network
from ..segment_anything_import import modeling
from .sam_vit import mask_decoder_for, prompt_encoder_for
from .tiny_vit import TinyViT


def build_lite_medsam() -> Network:
    """LiteMedSAM with random weights, in evaluation mode."""
    return (
        modeling()
        .Sam(
            image_encoder=TinyViT(),
            prompt_encoder=prompt_encoder_for(256, 64, 256),
            mask_decoder=mask_decoder_for(256),
            pixel_mean=[0.0] * 3,
            pixel_std=[1.0] * 3,
        )
        .eval()
    )


def load_lite_medsam(state: Mapping[str, Tensor]) -> Network:
    """LiteMedSAM with the weights of a state dict.

    Args:
        state: Tensors by name.

    Raises:
        RuntimeError: Where they do not fit.
    """
    sam = build_lite_medsam()
    sam.load_state_dict(dict(state), strict=True)
    return sam
