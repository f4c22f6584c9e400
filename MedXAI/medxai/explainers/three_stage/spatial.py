"""Where a box lies on a layer's grid: coverage, the ring around it, and the spatial weighting of stage 3."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...model_input.frame import ModelFrame, box_coverage
from ...slice.box import PixelBox
from .parameters import ExplainerParameters, Preset

if TYPE_CHECKING:
    from ...results import SliceExplanation


def coverage_of(box: PixelBox, frame: ModelFrame, grid: tuple[int, int]) -> np.ndarray:
    """The share of each token that a box covers; never a hard 0 or 1, so that a one-pixel box still counts.

    Args:
        box: On the slice, in pixels.
        frame: Where the slice lies in the model's square.
        grid: (h, w) of the tokens over the square.

    Returns:
        (h, w) in [0, 1].
    """
    return box_coverage(frame.scale_xyxy(box.extent_xyxy), grid, frame.size_px)


def ring_of(box: PixelBox, frame: ModelFrame, grid: tuple[int, int], growth: float) -> np.ndarray:
    """The ring around the box, on the image only and without the box; at least one token wide.

    Args:
        box: On the slice, in pixels.
        frame: Where the slice lies in the model's square.
        grid: (h, w) of the tokens over the square.
        growth: Width of the ring, as a share of the box's size on each side.

    Returns:
        (h, w) in [0, 1].
    """
    x0, y0, x1, y1 = frame.scale_xyxy(box.extent_xyxy)
    token = frame.size_px / grid[1], frame.size_px / grid[0]
    dx, dy = max(growth * (x1 - x0), token[0]), max(growth * (y1 - y0), token[1])
    grown = box_coverage(np.array([x0 - dx, y0 - dy, x1 + dx, y1 + dy]), grid, frame.size_px)
    inner = box_coverage(np.array([x0, y0, x1, y1]), grid, frame.size_px)
    return np.minimum(np.clip(grown - inner, 0, 1), frame.content_coverage(grid))


def spatial_weight(
    box: PixelBox, frame: ModelFrame, grid: tuple[int, int], parameters: ExplainerParameters
) -> np.ndarray:
    """W = ρ + (1 − ρ) exp(−m²/2), m as the preset measures it, in units of the box's half-size.

    The paper (section 2) describes it in words: regions near the box's centre count most, distant context stays
    visible. A box smaller than a token counts as one token, else no token's centre would lie near it.

    Args:
        box: On the slice, in pixels.
        frame: Where the slice lies in the model's square.
        grid: (h, w) of the tokens over the square.
        parameters: ρ and the preset.

    Returns:
        (h, w) in [ρ, 1].
    """
    x0, y0, x1, y1 = frame.scale_xyxy(box.extent_xyxy)
    h, w = grid
    half_x, half_y = max((x1 - x0) / 2, frame.size_px / w / 2), max((y1 - y0) / 2, frame.size_px / h / 2)
    from_x = np.abs((np.arange(w) + 0.5) * frame.size_px / w - (x0 + x1) / 2) / half_x
    from_y = np.abs((np.arange(h) + 0.5) * frame.size_px / h - (y0 + y1) / 2) / half_y
    if parameters.preset is Preset.CONTOUR:
        from_x, from_y = np.maximum(from_x - 1, 0), np.maximum(from_y - 1, 0)
    m_squared = from_y[:, None] ** 2 + from_x[None] ** 2
    return parameters.distant_floor + (1 - parameters.distant_floor) * np.exp(-0.5 * m_squared)


def weight_of_case(result: SliceExplanation, preset: Preset) -> np.ndarray:
    """The spatial weighting W of a result's box on the embedding's grid.

    Args:
        result: Its box, and every parameter but the preset.
        preset: How distance is measured.

    Returns:
        (h, w) in [ρ, 1]; 0 where the image is not.
    """
    grid, frame = result.encoding.grid, result.encoding.frame
    parameters = replace(result.explanation.parameters, preset=preset)
    weight = spatial_weight(result.segmentation.box, frame, grid, parameters)
    return np.where(frame.content_coverage(grid) > 0, weight, 0)
