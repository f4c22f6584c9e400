"""The demo model: small, comes with MedXAI, works without a network connection."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...model_input.frame import ModelFrame, ModelInput
from ...slice.box import PixelBox
from ..checkpoint import Checkpoint
from ..family import ModelFamily, Pace
from ..network_type import Network
from ..registry import model_family

if TYPE_CHECKING:
    from torch import Tensor

_WEIGHTS = Path(__file__).parents[1] / "weights" / "medxai_demo.safetensors"


@model_family
class Demo(ModelFamily):
    """A small network of this project, trained on made-up anatomy (`medxai_lab.training`)."""

    key, title = "demo", "MedXAI demo model"
    preference = 10
    preparations: ClassVar = dict.fromkeys(
        ("default", "official"), "stretched to the square, cubic; boxes to their far edges"
    )
    most_enlargement = None  # trained on slices of 96 pixels and more
    has_mask_prompt = True
    checkpoints = (
        Checkpoint(
            "demo",
            "MedXAI demo model (small, trained on made-up anatomy)",
            "MedXAI demo encoder",
            _WEIGHTS.name,
            4_664_040,
            "Apache-2.0",
            "MedXAI/medxai/models/weights/MODEL_CARD.md",
            sha256="92ac9990612daa41c5c7f1ecef6114afcbfdf1f19471764e94a0a708e594d1cc",
            bundled=_WEIGHTS,
        ),
    )

    def recognises(self, names: Collection[str]) -> bool:
        return "image_encoder.stem_2.0.weight" in names and "image_encoder.position.weight" in names

    def build(self, state: "Mapping[str, Tensor]") -> "tuple[Network, str]":
        from ..networks.demo_encoder import load_demo_sam

        return load_demo_sam(state), "MedXAI demo encoder"

    def prepare(self, grey: np.ndarray, size_px: int, preparation: str = "default") -> ModelInput:
        from ...model_input.preparing import stretched

        return stretched(grey, size_px)

    def box_in_model_px(self, box: PixelBox, frame: ModelFrame, preparation: str = "default") -> np.ndarray:
        """The far corner is the last pixel's far edge, as in training.

        A scan's pixel may be 2.5 model pixels wide, which a small organ cannot spare: on a 3 mm scan that is a tenth of
        an aorta, whose Dice is 0.81 with indexes and 0.94 with edges.
        """
        return frame.scale_xyxy(box.extent_xyxy)

    def mask_prompt(self, sam: "Network", boxes_xyxy: "Tensor") -> "Tensor":
        """The box as an ellipse; its dense embedding carries the box into the image tokens, and so into the attention."""
        from ..networks.demo_encoder import box_mask_prompt

        return box_mask_prompt(boxes_xyxy, sam)

    def pace(self, architecture: str) -> Pace:
        return Pace.INSTANT
