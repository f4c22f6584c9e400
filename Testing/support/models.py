"""Small models with segment-anything's own code, fast enough for tests."""

import torch

from medxai.models.convention import InputConvention
from medxai.models.families.sam import MedSam
from medxai.models.family import ModelFamily
from medxai.models.loading import LoadedModel
from medxai.models.networks.sam_vit import SamVitShape, build_sam_vit

#: A SAM of segment-anything's own code, small enough to encode in milliseconds.
SMALL_SHAPE = SamVitShape(
    image_size_px=128,
    width=48,
    depth=4,
    heads=2,
    global_blocks=(1, 3),
    window_tokens=5,
    embedding_channels=32,
    decoder_mlp_width=64,
    iou_head_width=32,
)


def small_model(family: ModelFamily | None = None, seed: int = 0, shape: SamVitShape = SMALL_SHAPE) -> LoadedModel:
    """A small SAM with random weights, its position tables filled too (they start as zeros); images as `family`, MedSAM's without."""
    torch.manual_seed(seed)
    sam = build_sam_vit(shape)
    with torch.no_grad():
        for name, parameter in sam.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(std=0.1)
    return LoadedModel(
        "small",
        "small SAM",
        "SAM ViT",
        sam,
        InputConvention(family or MedSam(), shape.image_size_px),
        f"seed-{seed}",
        torch.device("cpu"),
    )
