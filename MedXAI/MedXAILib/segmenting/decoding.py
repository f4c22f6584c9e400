"""Box-prompted segmentation of an encoded slice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..encoding.encoding import Encoding
from ..imaging.box import PixelBox
from ..models.demo_encoder import box_mask_prompt
from ..models.loading import LoadedModel
from .attention import PromptAttention

#: Boxes decoded together; more only grows the memory (ViT-B: about 25 MB a box).
_BATCH = 8


@dataclass(frozen=True)
class Segmentation:
    """What the model made of one box.

    logits: (4h, 4w) float32 on the model's square, the mask decoder's own output.
    mask: (rows, columns) bool on the slice.
    attention: (h, w) float32 on the embedding's grid, what the prompt looked at; sums to 1.
    """

    box: PixelBox
    logits: np.ndarray
    mask: np.ndarray
    attention: np.ndarray
    seconds: float


@torch.inference_mode()
def segment(model: LoadedModel, encoding: Encoding, boxes: Sequence[PixelBox]) -> tuple[Segmentation, ...]:
    """One mask a box, as MedSAM_Inference.py makes it: sigmoid, bilinear to the slice, above one half."""
    results: list[Segmentation] = []
    for start in range(0, len(boxes), _BATCH):
        results += _segment_batch(model, encoding, boxes[start : start + _BATCH])
    return tuple(results)


def _segment_batch(model: LoadedModel, encoding: Encoding, boxes: Sequence[PixelBox]) -> list[Segmentation]:
    begin = time.perf_counter()
    sam, frame = model.sam, encoding.frame
    xyxy = torch.from_numpy(np.stack([frame.scale_xyxy(box.xyxy) for box in boxes])).to(model.device, torch.float32)
    sparse, dense = _prompt(sam, xyxy)
    with PromptAttention(sam.mask_decoder) as attention:
        logits, _ = sam.mask_decoder(
            image_embeddings=encoding.embedding,
            image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        looked_at = attention.mean().unflatten(-1, encoding.embedding.shape[-2:])
    logits = logits[:, 0]
    probability = frame.to_slice(torch.sigmoid(logits).cpu().numpy())
    seconds = (time.perf_counter() - begin) / len(boxes)
    parts = zip(boxes, logits.cpu().numpy(), probability > 0.5, looked_at.cpu().numpy(), strict=True)
    return [Segmentation(box, lo, mask, a, seconds) for box, lo, mask, a in parts]


def _prompt(sam: nn.Module, xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """Sparse (B, 2, C) and dense (B, C, h, w) prompt embeddings of boxes (B, 4) in model pixels.

    The demo model was trained with the box as SAM's mask prompt as well; its dense embedding then carries the box into
    the image tokens, and so into the attention that the explainer reads.
    """
    masks = box_mask_prompt(xyxy, sam) if getattr(sam, "box_as_mask_prompt", False) else None
    return sam.prompt_encoder(points=None, boxes=xyxy, masks=masks)
