"""A box as a model's prompt encoder takes it."""

from torch import Tensor, nn

from ..models.family import ModelFamily


def prompt_embeddings(family: ModelFamily, sam: nn.Module, xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """Sparse (B, 2, C) and dense (B, C, h, w) prompts of boxes (B, 4) in model pixels."""
    return sam.prompt_encoder(points=None, boxes=xyxy, masks=family.mask_prompt(sam, xyxy))
