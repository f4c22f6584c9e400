"""A case with one thing changed, segmented and explained anew: its box, its image's noise, its image, or its model."""

from dataclasses import replace

import numpy as np

from ..explainers.base import Case
from ..models.loading import LoadedModel
from ..request import ExplainRequest
from ..slice.box import ClippedBox, PixelBox
from ..volume.modality import Modality

#: Standard deviation of the noise: Hounsfield units, or the share of an MR's range from black to white.
NOISE_HU = 10.0
NOISE_SHARE_MR = 0.01
#: How far each side of a jittered box moves at most, in pixels.
JITTER_PX = 2


def with_jittered_box(case: Case, rng: np.random.Generator) -> Case:
    """The case with every side of its box moved by up to `JITTER_PX` pixels, in or out; at least one side moves.

    Args:
        case: Stays as it is.
        rng: Draws the moves.
    """
    rows, columns = case.result.prepared.image.shape
    box = case.result.box.box
    moved = np.zeros(4, int)
    while not moved.any():
        moved = rng.integers(-JITTER_PX, JITTER_PX + 1, 4)
    x0, y0 = max(box.first_column + moved[0], 0), max(box.first_row + moved[1], 0)
    x1, y1 = min(box.last_column + moved[2], columns - 1), min(box.last_row + moved[3], rows - 1)
    # A small box must keep its first corner before its last.
    x0, y0 = min(x0, box.last_column), min(y0, box.last_row)
    x1, y1 = max(x1, x0), max(y1, y0)
    jittered = ClippedBox(PixelBox(int(x0), int(y0), int(x1), int(y1)), False)
    return _answered(case, case.request, jittered)


def with_noise(case: Case, rng: np.random.Generator) -> Case:
    """The case with noise on the slice, added before its values become grey values.

    The noise is normal. Its standard deviation is `NOISE_HU` where the values are Hounsfield units, and
    `NOISE_SHARE_MR` of the range from black to white for an MR, whose background of exactly 0 stays as it is.

    Args:
        case: Stays as it is.
        rng: Draws the noise.

    Raises:
        InputError: Where the noisy slice shows nothing.
    """
    prepared = case.result.prepared
    image, grey_range = prepared.image, prepared.grey_range
    has_background = grey_range.zero_is_background
    # An MR may reach from −2 to 2 (z-scores), where 10 would be no noise but the whole picture.
    is_share = has_background or image.facts.modality in (Modality.MR, Modality.OTHER)
    deviation = NOISE_SHARE_MR * (grey_range.upper - grey_range.lower) if is_share else NOISE_HU
    noise = rng.normal(0, deviation, image.shape)
    pixels = np.where(image.inside & ~((image.pixels == 0) & has_background), image.pixels + noise, image.pixels)
    noisy = replace(case.request, image=replace(image, pixels=pixels), grey_range=grey_range)
    return _answered(case, noisy, case.box)


def on_the_image_of(case: Case, other: Case) -> Case:
    """A case's box on another case's slice, at the same place in proportion.

    Args:
        case: Its box, model and parameters.
        other: Its slice.
    """
    (rows, columns), (other_rows, other_columns) = (c.result.prepared.image.shape for c in (case, other))
    x0, y0, x1, y1 = case.result.box.box.extent_xyxy * ([other_columns / columns, other_rows / rows] * 2)
    first_column, first_row = min(int(x0), other_columns - 1), min(int(y0), other_rows - 1)
    box = PixelBox(first_column, first_row, max(round(x1) - 1, first_column), max(round(y1) - 1, first_row))
    request = replace(
        other.request,
        model=case.request.model,
        parameters=case.request.parameters,
        grey_range=other.result.prepared.grey_range,
    )
    return replace(_answered(case, request, ClippedBox(box, False)), reference_mask=None)


def with_model(case: Case, model: LoadedModel) -> Case:
    """The case as another model of the same kind answers it."""
    return _answered(case, replace(case.request, model=model), case.box)


def _answered(case: Case, request: ExplainRequest, box: ClippedBox) -> Case:
    """The changed case, at the case's own layers and with what is known of its truth."""
    answered = case.engine.case(replace(request, layers=case.result.encoding.layers), box)
    return replace(
        answered, case_id=case.case_id, patient=case.patient, organ=case.organ, reference_mask=case.reference_mask
    )
