"""A box as a model's prompt encoder takes it."""

from torch import Tensor

from ..models.family import ModelFamily
from ..models.network_type import Network


def prompt_embeddings(family: ModelFamily, sam: Network, xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """Sparse (B, 2, C) and dense (B, C, h, w) prompts of boxes (B, 4) in model pixels."""
    return sam.prompt_encoder(points=None, boxes=xyxy, masks=family.mask_prompt(sam, xyxy))
