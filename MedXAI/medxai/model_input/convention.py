"""How models want their images; only words and numbers, so that models can be listed before any library is installed."""

from dataclasses import dataclass
from enum import Enum


class Preparation(str, Enum):
    """How a family of models was shown its images."""

    #: MedSAM (MedSAM_Inference.py): stretched to the square, cubic, min-max to [0, 1].
    MEDSAM = "medsam"
    #: LiteMedSAM: longest side to the square, min-max to [0, 1], zeros right and below.
    LITE_MEDSAM = "litemedsam"
    #: SAM: longest side to the square, ImageNet mean and deviation, zeros right and below.
    SAM = "sam"


@dataclass(frozen=True)
class InputConvention:
    """What a model expects: how the image is prepared, and the side of its square input in pixels."""

    preparation: Preparation
    size_px: int
