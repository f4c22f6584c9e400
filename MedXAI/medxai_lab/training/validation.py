"""Box-prompted Dice on held-out made-up slices, beside the answers that the box alone gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from medxai.metrics.box_dice import box_mask, dice, ellipse_mask
from medxai.models.networks.demo_encoder import box_mask_prompt

from ..synthetic.samples import Sample, make_sample
from ..synthetic.storage import SceneStore
from .learner import set_input_size


@dataclass(frozen=True)
class Validation:
    """Mean Dice over all boxes.

    Attributes:
        model: The model's.
        box: That of the filled box.
        ellipse: That of the filled ellipse.
    """

    model: float
    box: float
    ellipse: float


def validation_samples(store: SceneStore, slices: int, size: int, boxes: int = 6) -> list[Sample]:
    """The same held-out slices every time.

    Args:
        store: The held-out scenes.
        slices: How many.
        size: Pixels a side.
        boxes: On each slice.
    """
    samples = []
    for index in range(min(slices, len(store))):
        sample = make_sample(np.random.default_rng((77, index)), store[index], size, boxes)
        if sample is not None:
            samples.append(sample)
    return samples


@torch.no_grad()
def validate(sam: nn.Module, samples: list[Sample]) -> Validation:
    """Measures a demo Sam on samples, all of one size."""
    device = next(sam.parameters()).device
    size = samples[0].image.shape[-1]
    set_input_size(sam, size)
    rows = []
    for sample in samples:
        image = torch.from_numpy(sample.image).to(device).expand(1, 3, -1, -1)
        boxes = torch.from_numpy(sample.boxes).to(device)
        sparse, dense = sam.prompt_encoder(points=None, boxes=boxes, masks=box_mask_prompt(boxes, sam))
        logits, _ = sam.mask_decoder(
            image_embeddings=sam.image_encoder(image),
            image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        logits = F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
        for answer, box, truth in zip((logits[:, 0] > 0).cpu().numpy(), sample.boxes, sample.masks, strict=True):
            rows.append(
                (
                    dice(answer, truth),
                    dice(box_mask(box, truth.shape), truth),
                    dice(ellipse_mask(box, truth.shape), truth),
                )
            )
    return Validation(*(float(value) for value in np.mean(rows, axis=0)))
