"""Box-prompted segmentation of an encoded slice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..encoding.encoding import Encoding
from ..model_input.model_input import ModelFrame
from ..models.loading import LoadedModel
from ..slice.box import PixelBox
from . import box_decoder
from .attention import PromptAttention
from .prompting import box_in_model_px, has_mask_prompt, prompt_embeddings

#: Boxes decoded together; more only grows the memory (ViT-B: about 6 MB a box).
_BATCH = 16


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
    corners = np.stack([box_in_model_px(sam, box, frame) for box in boxes])
    xyxy = torch.from_numpy(corners).to(model.device, torch.float32)
    logits, looked_at = _decode(sam, encoding.embedding, xyxy)
    looked_at = looked_at.unflatten(-1, encoding.embedding.shape[-2:])
    probability = frame.to_slice(torch.sigmoid(logits).cpu().numpy())
    seconds = (time.perf_counter() - begin) / len(boxes)
    parts = zip(boxes, logits.cpu().numpy(), probability > 0.5, looked_at.cpu().numpy(), strict=True)
    return [Segmentation(box, lo, mask, a, seconds) for box, lo, mask, a in parts]


@torch.inference_mode()
def mask_logits(model: LoadedModel, embeddings: Tensor, frame: ModelFrame, box: PixelBox) -> Tensor:
    """(B, 4h, 4w): the logits of one box on each of B embeddings (B, C, h, w), all of slices in one frame."""
    sam = model.sam
    xyxy = torch.from_numpy(box_in_model_px(sam, box, frame)[None]).to(model.device, torch.float32)
    if not box_decoder.can_run(sam.mask_decoder):  # segment-anything's own would pair every box with every embedding
        return torch.cat([_decode(sam, embedding, xyxy)[0] for embedding in embeddings.split(1)])
    parts = [_decode(sam, part, xyxy.expand(len(part), -1))[0] for part in embeddings.split(_BATCH)]
    return torch.cat(parts)


def _decode(sam: nn.Module, embedding: Tensor, xyxy: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (B, 4h, 4w) and the prompt's attention (B, h·w) for boxes (B, 4) in model pixels."""
    sparse, dense = prompt_embeddings(sam, xyxy)
    image_pe = sam.prompt_encoder.get_dense_pe()
    if box_decoder.can_run(sam.mask_decoder):
        if not has_mask_prompt(sam):
            dense = dense[:1]  # the same for all boxes
        return box_decoder.decode_boxes(sam.mask_decoder, embedding, image_pe, sparse, dense)
    with PromptAttention(sam.mask_decoder) as attention:
        logits, _ = sam.mask_decoder(
            image_embeddings=embedding,
            image_pe=image_pe,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return logits[:, 0], attention.mean()
