"""The contour check of one box: tolerance from its logits alone, box-following from eight moved boxes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ..encoding.encoding import Encoding
from ..model_input.frame import ModelFrame
from ..models.loading import LoadedModel
from ..progress import RunControl
from ..results import SliceExplanation
from ..segmentation.box_decoder import SliceTokens
from ..segmentation.segmenting import logits_of_near_corners
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


def check_contour(
    model: LoadedModel,
    encoding: Encoding,
    result: SliceExplanation,
    control: RunControl = RunControl(),
    tokens: SliceTokens | None = None,
) -> ContourCheck:
    """The outline with its tolerance, as the result has it, and with how far it follows each edge of the box.

    Args:
        model: What segmented the slice.
        encoding: Of the slice, by that model.
        result: Of the box on it.
        control: Stops the work before the eight boxes are decoded.
        tokens: The slice's `slice_tokens`, where they are at hand.

    Raises:
        Cancelled: The control said so.
    """
    begin = time.perf_counter()
    check, segmentation, frame = result.contour, result.segmentation, encoding.frame
    control.raise_if_cancelled()
    followed = np.empty((0, 4))
    if len(check):
        shape = _shape(segmentation.logits)
        outline = Outline.of_check(check, Grid.of(shape, frame, result.prepared.image))
        moved = moved_boxes(model.convention.box_in_model_px(segmentation.box, frame), shape, frame)
        grid = encoding.embedding.shape[-2], encoding.embedding.shape[-1]
        cells = moved.near_cells(frame, grid), outline.read_blocks(shape, grid)
        moved_logits = logits_of_near_corners(model, encoding, moved.corners_xyxy, cells, tokens)
        followed = follows_box(outline, check.tolerance_mm_per_logit, moved, moved_logits)
    return replace(check, follows_box=followed, seconds=check.seconds + time.perf_counter() - begin)


def _shape(logits: np.ndarray) -> tuple[int, int]:
    return int(logits.shape[0]), int(logits.shape[1])
