"""Score-CAM (pytorch-grad-cam): one pass of the encoder for every channel of a layer."""

from dataclasses import dataclass

from ..maps import Need, Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .cam_family import cams, last_two_layers
from .grad_cam_import import GRAD_CAM
from .registry import register


@register
@dataclass(frozen=True)
class ScoreCam(Explainer):
    """Score-CAM (Wang et al., CVPR 2020) of the mean logit inside the model's own mask.

    Attributes:
        layers: None for the last block whose features are extracted, and the neck.
    """

    layers: tuple[str, ...] | None = None

    key = "score-cam"
    title = "Score-CAM"
    sentence = "Channels of a layer weighted by the mask's logits of the image seen through them."
    role = Role.COMPARISON
    needs = frozenset({Need.FEATURES, Need.DECODER, Need.ENCODER_RUNS})
    package = GRAD_CAM
    has_layers = True
    order = 4

    def encoder_passes(self, case: Case) -> int:
        """The channels of its layers, and one for each group of them."""
        channels = {layer.name: layer.unit.shape[1] for layer in case.encoding.layers}
        return sum(channels.get(name, 0) for name in self.layers or last_two_layers(case.result)) + 2

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        found = cams("ScoreCAM", case, self.layers or last_two_layers(case.result), control)
        return tuple(self.saliency(values, layer) for layer, values in found.items())
