"""Captum's integrated gradients of a layer, on the score of the model's own mask."""

from dataclasses import dataclass

import torch

from ..encoding.feature_extraction import NECK
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
class LayerIntegratedGradients(Explainer):
    """Integrated gradients of the score with respect to a layer's tokens, from the emptied image's to the image's.

    The method is that of Sundararajan et al. ("Axiomatic Attribution for Deep Networks", ICML 2017). Values are summed
    over the channels, which are a block's last axis and the neck's first; negative where a token speaks against the
    mask. The image itself stays: where an encoder has a path around its blocks, as the demo model's fine path, what
    takes that path is attributed to no token.

    Attributes:
        steps: Passes of the encoder for each layer.
        layers: None for the last block whose features are extracted, and the neck.
    """

    steps: int = 16
    layers: tuple[str, ...] | None = None

    key = "layer-integrated-gradients"
    title = "layer integrated gradients"
    sentence = "Gradients of the mask's logits for a layer's tokens, summed on the way from an empty image."
    role = Role.COMPARISON
    needs = frozenset({Need.FEATURES, Need.DECODER, Need.GRADIENTS, Need.ENCODER_RUNS})
    package = CAPTUM
    has_layers = True
    order = 6

    def encoder_passes(self, case: Case) -> int:
        return (self.steps + 2) * len(self._layers(case))

    @plain_passes()
    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        attr = installed_module(CAPTUM, self.key, "captum.attr")
        segmenter = segmenter_for(case)
        score = MaskScore(segmenter, mean_weights(case.result), control)
        image = image_of(case)
        maps = []
        for name in self._layers(case):
            method = attr.LayerIntegratedGradients(score, segmenter.layer(name))
            with torch.enable_grad():
                found = method.attribute(
                    image,
                    baselines=emptied(image, case.encoding.frame),
                    n_steps=self.steps,
                    internal_batch_size=BATCH,
                )
            values = found[0].sum(0 if name == NECK else -1)
            maps.append(self.saliency(values.detach().cpu().numpy(), name))
        return tuple(maps)

    def _layers(self, case: Case) -> tuple[str, ...]:
        return self.layers or case.result.encoding.layers[-2:]
