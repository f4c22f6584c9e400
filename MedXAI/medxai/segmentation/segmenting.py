"""Box-prompted segmentation of an encoded slice."""

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..encoding.encoding import Encoding
from ..model_input.frame import ModelFrame
from ..models.convolutions import unrounded_convolutions
from ..models.loading import LoadedModel
from ..results import Segmentation
from ..slice.box import PixelBox
from . import box_decoder
from .attention import PromptAttention
from .box_decoder import Decoded, SliceTokens
from .mixture_decoder import MixtureDecoder
from .near_decoder import decode_near_boxes
from .prompting import prompt_embeddings

#: Boxes decoded together; more only grows the memory (ViT-B: about 6 MB a box).
_BATCH = 16


@torch.inference_mode()
def slice_tokens(model: LoadedModel, encoding: Encoding) -> SliceTokens | None:
    """What every box on a slice has in common for the mask decoder; kept by who asks for several boxes, one after another.

    None where boxes have mask prompts of their own, or the decoder is not segment-anything's.
    """
    if model.family.has_mask_prompt or not box_decoder.can_run(model.sam.mask_decoder):
        return None
    nowhere = torch.zeros((1, 4), device=model.device)
    _, dense = prompt_embeddings(model.family, model.sam, nowhere)  # the same for all boxes
    return SliceTokens.of(encoding.embedding, dense, model.image_positions, is_shared=True)


@torch.inference_mode()
def segment(
    model: LoadedModel, encoding: Encoding, boxes: Sequence[PixelBox], tokens: SliceTokens | None = None
) -> tuple[Segmentation, ...]:
    """One mask a box, as the model's authors make it: bilinear to the slice, above one half.

    Args:
        model: The model that encoded the slice.
        encoding: Of the slice.
        boxes: On the slice, in pixels.
        tokens: The slice's `slice_tokens`, where they are at hand.

    Returns:
        One segmentation a box.
    """
    results: list[Segmentation] = []
    for start in range(0, len(boxes), _BATCH):
        results += _segment_batch(model, encoding, boxes[start : start + _BATCH], tokens)
    return tuple(results)


def _segment_batch(
    model: LoadedModel, encoding: Encoding, boxes: Sequence[PixelBox], tokens: SliceTokens | None
) -> list[Segmentation]:
    begin = time.perf_counter()
    frame = encoding.frame
    corners = np.stack([model.convention.box_in_model_px(box, frame) for box in boxes])
    xyxy = torch.from_numpy(corners).to(model.device, torch.float32)
    decoded = _decode(model, encoding.embedding, xyxy, tokens=tokens)
    attention = decoded.attention.unflatten(-1, encoding.embedding.shape[-2:]).cpu().numpy()
    masks = _masks_on_slice(model, decoded.logits, frame)
    seconds = (time.perf_counter() - begin) / len(boxes)
    parts = zip(boxes, decoded.logits.cpu().numpy(), masks, attention, decoded.iou_estimate.tolist(), strict=True)
    return [Segmentation(box, logits, mask, a, seconds, iou) for box, logits, mask, a, iou in parts]


@torch.inference_mode()
def mask_logits(model: LoadedModel, embeddings: Tensor, frame: ModelFrame, box: PixelBox) -> Tensor:
    """The logits of one box on each of several embeddings.

    Args:
        model: Whose decoder.
        embeddings: (B, C, h, w), all of slices in one frame.
        frame: Where the slice lies in the model's square.
        box: On the slice, in pixels.

    Returns:
        (B, 4h, 4w).
    """
    xyxy = torch.from_numpy(model.convention.box_in_model_px(box, frame)[None]).to(model.device, torch.float32)
    if not box_decoder.can_run(
        model.sam.mask_decoder
    ):  # segment-anything's own would pair every box with every embedding
        return torch.cat([_decode(model, embedding, xyxy).logits for embedding in embeddings.split(1)])
    parts = [_decode(model, part, xyxy.expand(len(part), -1)).logits for part in embeddings.split(_BATCH)]
    return torch.cat(parts)


@torch.inference_mode()
def mixture_decoder(
    model: LoadedModel, embeddings: Tensor, frame: ModelFrame, box: PixelBox, asked: Tensor
) -> MixtureDecoder | None:
    """What decodes one box on mixtures of two embeddings, where this is segment-anything's own decoder; else None.

    Args:
        model: Whose decoder.
        embeddings: (2, C, h, w), of slices in one frame.
        frame: Where the slice lies in the model's square.
        box: On the slice, in pixels.
        asked: (h·w,) bool, the cells of the embedding where the logits are wanted.
    """
    if not box_decoder.can_run(model.sam.mask_decoder):
        return None
    xyxy = torch.from_numpy(model.convention.box_in_model_px(box, frame)[None]).to(model.device, torch.float32)
    prompt = prompt_embeddings(model.family, model.sam, xyxy)
    image_pe = model.image_positions
    return MixtureDecoder(model.sam.mask_decoder, embeddings, image_pe, prompt, asked.to(model.device))


@torch.inference_mode()
def logits_of_corners(
    model: LoadedModel,
    encoding: Encoding,
    corners_xyxy: np.ndarray,
    asked: np.ndarray | None = None,
    tokens: SliceTokens | None = None,
) -> np.ndarray:
    """(B, 4h, 4w) float32: the logits of boxes that need not lie on whole pixels, in one batch.

    Args:
        model: The model.
        encoding: Of the slice.
        corners_xyxy: (B, 4) x0, y0, x1, y1 in model pixels, as `box_in_model_px` gives them.
        asked: (h, w) bool, the cells of the embedding where the logits are wanted; what they are elsewhere is then not
            said. None for all.
        tokens: The slice's `slice_tokens`, where they are at hand.
    """
    xyxy = torch.from_numpy(corners_xyxy).to(model.device, torch.float32)
    wanted = None if asked is None else torch.from_numpy(asked.ravel()).to(model.device)
    return _decode(model, encoding.embedding, xyxy, wanted, tokens).logits.cpu().numpy()


@torch.inference_mode()
def logits_of_near_corners(
    model: LoadedModel,
    encoding: Encoding,
    corners_xyxy: np.ndarray,
    cells: tuple[np.ndarray, np.ndarray],
    tokens: SliceTokens | None = None,
) -> np.ndarray:
    """As `logits_of_corners`, for boxes that lie near each other: quicker, and a little off (`near_decoder`).

    It is exact where the decoder is another one than segment-anything's.

    Args:
        model: The model.
        encoding: Of the slice.
        corners_xyxy: (B, 4) x0, y0, x1, y1 in model pixels.
        cells: Two (h, w) bool: the cells of the embedding that change from box to box, and those where the logits are
            wanted.
        tokens: The slice's `slice_tokens`, where they are at hand.
    """
    near, asked = cells
    decoder = model.sam.mask_decoder
    if not box_decoder.can_run(decoder):
        return logits_of_corners(model, encoding, corners_xyxy, asked)
    xyxy = torch.from_numpy(corners_xyxy).to(model.device, torch.float32)
    sparse, dense = prompt_embeddings(model.family, model.sam, xyxy)
    image = tokens or _tokens(model, encoding.embedding, dense)
    own, wanted = (torch.from_numpy(chosen).to(model.device) for chosen in (near, asked))
    return decode_near_boxes(decoder, image, sparse, own, wanted).cpu().numpy()


def _masks_on_slice(model: LoadedModel, logits: Tensor, frame: ModelFrame) -> np.ndarray:
    """(B, rows, columns) bool: where the mask's probability is above one half."""
    if model.family.interpolates_logits:
        return torch.sigmoid(torch.from_numpy(frame.to_slice(logits.cpu().numpy()))).numpy() > 0.5
    return frame.to_slice(torch.sigmoid(logits).cpu().numpy()) > 0.5


def _decode(
    model: LoadedModel,
    embedding: Tensor,
    xyxy: Tensor,
    asked: Tensor | None = None,
    tokens: SliceTokens | None = None,
) -> Decoded:
    """The decoder's answer to boxes (B, 4) in model pixels.

    asked: (h·w,) bool, the image tokens whose logits are wanted at least; None for all. tokens: of the slice, where they
    are at hand.
    """
    sam = model.sam
    sparse, dense = prompt_embeddings(model.family, sam, xyxy)
    if box_decoder.can_run(sam.mask_decoder):
        return box_decoder.decode_boxes(sam.mask_decoder, tokens or _tokens(model, embedding, dense), sparse, asked)
    with PromptAttention(sam.mask_decoder) as attention, unrounded_convolutions():
        logits, iou_estimate = sam.mask_decoder(
            image_embeddings=embedding,
            image_pe=model.image_positions,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return Decoded(logits[:, 0], attention.mean(), iou_estimate[:, 0])


def _tokens(model: LoadedModel, embedding: Tensor, dense: Tensor) -> SliceTokens:
    """The image's tokens, shared by all boxes where their dense prompts (B, C, h, w) are one and the same."""
    is_shared = not model.family.has_mask_prompt and len(embedding) == 1
    return SliceTokens.of(embedding, dense[:1] if is_shared else dense, model.image_positions, is_shared)
