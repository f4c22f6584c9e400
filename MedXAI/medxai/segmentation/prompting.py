"""A box as a model's prompt encoder takes it."""

from torch import Tensor

from ..models.convolutions import unrounded_convolutions
from ..models.family import ModelFamily
from ..models.network_type import Network


def prompt_embeddings(family: ModelFamily, sam: Network, xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """What a model's prompt encoder makes of boxes.

    Args:
        family: Whether a box also becomes a mask prompt.
        sam: The network.
        xyxy: (B, 4) corners in model pixels.

    Returns:
        The sparse prompt (B, 2, C) and the dense one (B, C, h, w).
    """
    with unrounded_convolutions():
        return sam.prompt_encoder(points=None, boxes=xyxy, masks=family.mask_prompt(sam, xyxy))
