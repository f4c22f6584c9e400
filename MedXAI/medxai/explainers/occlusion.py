"""Captum's occlusion of the score of the model's own mask."""

from dataclasses import dataclass

import torch

from ..maps import Need, Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer, Package, installed_module
from .differentiable import image_of, plain_passes, segmenter_for
from .registry import register
from .scoring import BATCH, MaskScore, emptied, mean_weights

CAPTUM = Package("captum", "captum")


@register
@dataclass(frozen=True)
class Occlusion(Explainer):
    """How much the score falls where a square of the image becomes its mean grey; higher: the place matters more.

    The map is on the model's pixels, the mean over the squares that cover a pixel.

    Attributes:
        windows: How many squares along each side, half overlapping; windows² passes of the encoder.
    """

    windows: int = 12

    key = "occlusion"
    title = "occlusion"
    sentence = "How much the mask's logits fall where a part of the image is hidden."
    role = Role.COMPARISON
    needs = frozenset({Need.DECODER, Need.ENCODER_RUNS})
    package = CAPTUM
    order = 5

    def encoder_passes(self, case: Case) -> int:
        return self.windows**2 + 1

    @plain_passes()
    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        attr = installed_module(CAPTUM, self.key, "captum.attr")
        score = MaskScore(segmenter_for(case), mean_weights(case.result), control)
        image = image_of(case)
        stride = -(-image.shape[-1] // (self.windows + 1))
        with torch.no_grad():
            fall = attr.Occlusion(score).attribute(
                image,
                sliding_window_shapes=(3, 2 * stride, 2 * stride),
                strides=(3, stride, stride),
                baselines=emptied(image, case.encoding.frame),
                perturbations_per_eval=BATCH,
            )
        return (self.saliency(fall[0, 0].cpu().numpy()),)  # all channels are hidden together
