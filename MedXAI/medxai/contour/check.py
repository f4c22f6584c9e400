"""The contour check of one box: tolerance from its logits alone, box-following from eight more decodes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ..encoding.encoding import Encoding
from ..model_input.frame import ModelFrame
from ..models.loading import LoadedModel
from ..progress import RunControl
from ..results import Segmentation
from ..segmentation.box_decoder import SliceTokens
from ..segmentation.segmenting import logits_of_corners, slice_tokens
from ..slice.slice_image import SliceImage
from .box_following import follows_box, moved_boxes
from .outline import Grid, Outline, ras_mm_of
from .result import ContourCheck
from .tolerance import tolerance_mm_per_logit


def check_tolerance(image: SliceImage, frame: ModelFrame, logits: np.ndarray) -> ContourCheck:
    """The outline with its tolerance; no model is needed.

    Args:
        image: The slice.
        frame: Where it lies in the model's square.
        logits: (4h, 4w) over the model's square, the mask's.
    """
    begin = time.perf_counter()
    outline = Outline.of(logits, Grid.of(_shape(logits), frame, image))
    return _with_tolerance(outline, logits, image, begin)


def check_contour(
    model: LoadedModel,
    encoding: Encoding,
    image: SliceImage,
    segmentation: Segmentation,
    control: RunControl = RunControl(),
    tokens: SliceTokens | None = None,
) -> ContourCheck:
    """The outline with its tolerance and with how far it follows each edge of the box.

    Args:
        model: What segmented the slice.
        encoding: Of the slice, by that model.
        image: The slice.
        segmentation: Of the box on it.
        control: Stops the work before each half of the eight boxes is decoded.
        tokens: The slice's `slice_tokens`, where they are at hand.

    Raises:
        Cancelled: The control said so.
    """
    begin = time.perf_counter()
    logits, frame = segmentation.logits, encoding.frame
    shape = _shape(logits)
    outline = Outline.of(logits, Grid.of(shape, frame, image))
    check = _with_tolerance(outline, logits, image, begin)
    control.raise_if_cancelled()
    if not len(check):
        return replace(check, follows_box=np.empty((0, 4)), seconds=time.perf_counter() - begin)
    moved = moved_boxes(model.convention.box_in_model_px(segmentation.box, frame), shape, frame)
    h, w = encoding.embedding.shape[-2:]
    blocks, logits_of_edges = outline.read_blocks(shape, (h, w)), []
    tokens = tokens or slice_tokens(model, encoding)  # once for both halves
    for corners in np.split(moved.corners_xyxy, 2):  # two edges, then the other two: it can be stopped in between
        control.raise_if_cancelled()
        logits_of_edges.append(logits_of_corners(model, encoding, corners, blocks, tokens))
    moved_logits = np.concatenate(logits_of_edges)
    followed = follows_box(outline, check.tolerance_mm_per_logit, moved, moved_logits)
    return replace(check, follows_box=followed, seconds=time.perf_counter() - begin)


def _with_tolerance(outline: Outline, logits: np.ndarray, image: SliceImage, begin: float) -> ContourCheck:
    """An outline of logits (4h, 4w) with its tolerance alone; begin: when the check began, by `time.perf_counter`."""
    points_px = outline.points_px
    return ContourCheck(
        points_px=points_px,
        points_ras_mm=ras_mm_of(points_px, image),
        outline=outline.number,
        is_closed=outline.is_closed,
        length_mm=outline.length_mm,
        tolerance_mm_per_logit=tolerance_mm_per_logit(outline, logits) if len(points_px) else np.empty(0),
        follows_box=None,
        seconds=time.perf_counter() - begin,
    )


def _shape(logits: np.ndarray) -> tuple[int, int]:
    return int(logits.shape[0]), int(logits.shape[1])
