"""Box-prompted Dice of a loaded model on a volume with a reference mask (`medxai dice` prints it)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..encoding.encoding import Encoding
from ..engine import prepare_slice
from ..errors import InputError
from ..model_input.grey import Window, grey_range_of
from ..models.loading import LoadedModel
from ..segmentation.segmenting import segment
from ..slice.box import PixelBox
from ..slice.slice_image import PLANE_AXES, slice_of
from ..volume.labelled_volume import labelled
from ..volume.volume import Volume
from .box_dice import OrganDice, Segment, box_dice


def segmenter(model: LoadedModel, volume: Volume, plane: str = "axial", window: Window | None = None) -> Segment:
    """The model's answers on a volume's slices, prepared exactly as MedXAI prepares them."""
    grey_range = grey_range_of(volume, window)

    @torch.inference_mode()
    def answer(index: int, boxes: np.ndarray) -> np.ndarray:
        image = slice_of(volume, plane, index)
        prepared = prepare_slice(volume, image, model.convention, grey_range=grey_range)
        tensor = torch.from_numpy(prepared.model_input.tensor_chw)[None].to(model.device)
        encoding = Encoding(model.sam.image_encoder(tensor), (), prepared.model_input.frame, seconds=0.0)
        asked = [PixelBox(int(x0), int(y0), int(x1) - 1, int(y1) - 1) for x0, y0, x1, y1 in boxes]
        return np.stack([one.mask for one in segment(model, encoding, asked)])

    return answer


def volume_dice(
    model: LoadedModel,
    volume: Volume,
    reference: Volume,
    organs: Mapping[int, str],
    plane: str = "axial",
    window: Window | None = None,
    smallest: int = 100,
    jitter: float = 0.05,
    seed: int = 0,
) -> list[OrganDice]:
    """Mean Dice per organ over the plane's slices, beside filled box and ellipse.

    reference: labels on the volume's own grid. Raises InputError where the grids differ, the plane
    is unknown, or no organ is found on any slice.
    """
    checked = labelled(volume, reference)
    if plane not in PLANE_AXES:
        raise InputError(f"There is no plane '{plane}'; choose axial, coronal or sagittal.")
    answer = segmenter(model, volume, plane, window)
    return box_dice(answer, checked.slices(plane), organs, smallest, jitter, seed)
