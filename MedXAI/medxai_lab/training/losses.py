"""The loss: Dice and cross-entropy of the masks, the IoU head's error, the auxiliary heads."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .batches import Batch
from .configuration import Configuration


def losses(
    outputs: dict[str, torch.Tensor],
    batch: Batch,
    scale: torch.Tensor,
    configuration: Configuration,
) -> dict[str, torch.Tensor]:
    """The parts of the loss.

    Args:
        outputs: what `Learner` gives for the batch.
        batch: images, boxes and what is true of them.
        scale: (2,) factor and offset of the likeness head's cosines.
        configuration: the parts' weights.

    Returns:
        The weighted parts by name, each a scalar, and their sum "total".
    """
    logits, truth = outputs["logits"], batch.masks
    probability = logits.sigmoid()
    overlap = (probability * truth).sum((-1, -2))
    dice = 1 - (2 * overlap + 1) / (probability.sum((-1, -2)) + truth.sum((-1, -2)) + 1)

    # Summed and divided by the box's area: small structures count as much as large ones.
    size = batch.images.shape[-1]
    sides = (batch.boxes[..., 2:] - batch.boxes[..., :2]) * (logits.shape[-1] / size)
    area = sides.prod(-1).clamp_min(16.0)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").sum((-1, -2)) / area

    with torch.no_grad():
        guess, actual = logits > 0, truth > 0.5
        union = (guess | actual).sum((-1, -2)).clamp_min(1)
        iou = (guess & actual).sum((-1, -2)) / union

    parts = {
        "dice": configuration.dice_weight * dice.mean(),
        "cross_entropy": configuration.cross_entropy_weight * entropy.mean(),
        "iou": configuration.iou_weight * F.mse_loss(outputs["iou"], iou),
        "boundary": configuration.boundary_weight * _boundary(outputs["boundary"], batch),
        "extent": configuration.extent_weight * _extent(outputs["extent"], batch),
        "similarity": configuration.similarity_weight * _similarity(outputs["likeness"], batch, scale),
    }
    parts["total"] = sum(parts.values())
    return parts


def _boundary(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    regions = batch.regions[:, ::2, ::2]
    edge = torch.zeros_like(logits)
    down = (regions[:, 1:] != regions[:, :-1]).float()
    right = (regions[:, :, 1:] != regions[:, :, :-1]).float()
    edge[:, 1:] = down
    edge[:, :, 1:] = torch.maximum(edge[:, :, 1:], right)
    return F.binary_cross_entropy_with_logits(logits, edge, pos_weight=logits.new_tensor(2.0))


def _extent(predicted: torch.Tensor, batch: Batch) -> torch.Tensor:
    step = batch.regions.shape[-1] // predicted.shape[-1]
    regions = batch.regions[:, step // 2 :: step, step // 2 :: step]
    truth = torch.stack([table[index] for table, index in zip(batch.extents, regions, strict=True)])
    known = (regions > 0).float()
    error = (predicted.permute(0, 2, 3, 1) - truth).abs().mean(-1)
    return (error * known).sum() / known.sum().clamp_min(1.0)


def _similarity(features: torch.Tensor, batch: Batch, scale: torch.Tensor) -> torch.Tensor:
    """Tokens of a structure should resemble its mean more than the rest of its box does."""
    _, _, h, w = features.shape
    unit = F.normalize(features, dim=1).flatten(2)
    share = F.adaptive_avg_pool2d(batch.masks, (h, w)).flatten(2)
    prototype = torch.einsum("bcn,bkn->bkc", unit, share)
    cosine = torch.einsum("bkc,bcn->bkn", F.normalize(prototype, dim=-1), unit)
    logits = cosine * scale[0] + scale[1]

    cells = batch.boxes * (w / batch.images.shape[-1])
    margin = 0.25 * (cells[..., 2:] - cells[..., :2]) + 1.0
    low, high = (cells[..., :2] - margin)[..., None], (cells[..., 2:] + margin)[..., None]
    x = torch.arange(w, device=logits.device) + 0.5
    y = torch.arange(h, device=logits.device) + 0.5
    in_x = ((x > low[:, :, 0]) & (x < high[:, :, 0])).float()
    in_y = ((y > low[:, :, 1]) & (y < high[:, :, 1])).float()
    near = (in_y[..., :, None] * in_x[..., None, :]).flatten(2)
    error = F.binary_cross_entropy_with_logits(logits, share, reduction="none") * near
    return (error.sum(-1) / near.sum(-1).clamp_min(1.0)).mean()
