"""Box-prompted Dice of a model on a volume with a reference mask (`medxai dice` prints it)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..engine import Engine
from ..errors import InputError
from ..model_input.grey import Window
from ..models.loading import LoadedModel
from ..request import ExplainRequest, ModelChoice
from ..slice.box import ClippedBox, PixelBox
from ..slice.slice_image import slice_of
from ..volume.labelled_volume import LabelledVolume
from ..volume.volume import PLANE_AXES
from .box_dice import BoxRules, OrganDice, Segment, box_dice


@dataclass(frozen=True)
class DiceRequest:
    """What is measured, and with which boxes.

    Attributes:
        scan: A volume with its reference labels.
        organs: Names by label.
        model: Which model, or one in memory.
        plane: 'axial', 'coronal' or 'sagittal'.
        window: Level and width; None for the modality's own.
        rules: Which slices count, and how boxes are drawn around the reference.
    """

    scan: LabelledVolume
    organs: Mapping[int, str]
    model: ModelChoice | LoadedModel = ModelChoice()
    plane: str = "axial"
    window: Window | None = None
    rules: BoxRules = BoxRules()


def volume_dice(request: DiceRequest, engine: Engine) -> list[OrganDice]:
    """Mean Dice per organ over the plane's slices, beside the filled box and the filled ellipse.

    Args:
        request: The scan, the organs, the plane and the model.
        engine: Answers.

    Raises:
        InputError: The plane is unknown, or no organ is found on any slice.
    """
    if request.plane not in PLANE_AXES:
        raise InputError(f"There is no plane '{request.plane}'; choose axial, coronal or sagittal.")
    return box_dice(segmenter(request, engine), request.scan.slices(request.plane), request.organs, request.rules)


def segmenter(request: DiceRequest, engine: Engine) -> Segment:
    """The model's answers on a volume's slices.

    Args:
        request: The scan, the plane and the model.
        engine: Answers.

    Returns:
        A function of slice index and boxes (B, 4) in pixel edges that gives masks (B, rows, columns) bool.
    """
    volume = request.scan.volume
    first = ExplainRequest.of_slice(volume, request.plane, 0, model=request.model, window=request.window)

    def answer(index: int, boxes: np.ndarray) -> np.ndarray:
        asked = [ClippedBox(PixelBox(int(x0), int(y0), int(x1) - 1, int(y1) - 1), False) for x0, y0, x1, y1 in boxes]
        on_slice = replace(first, image=slice_of(volume, request.plane, index))
        return np.stack([one.mask for one in engine.segment(on_slice, asked)])

    return answer
