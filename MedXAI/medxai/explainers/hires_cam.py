"""HiRes-CAM (pytorch-grad-cam), a map for each layer."""

from dataclasses import dataclass

from ..maps import Need, Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .cam_family import cam_layers, cams
from .grad_cam_import import GRAD_CAM
from .registry import register


@register
@dataclass(frozen=True)
class HiResCam(Explainer):
    """HiRes-CAM (Draelos and Carin, 2020) of the mean logit inside the model's own mask.

    Attributes:
        layers: None for those whose features are extracted; of a large encoder only the last block among them and the
            neck.
    """

    layers: tuple[str, ...] | None = None

    key = "hires-cam"
    title = "HiRes-CAM"
    sentence = "Activation times gradient of the mask's logits, place by place; another method, for comparison."
    role = Role.COMPARISON
    needs = frozenset({Need.FEATURES, Need.DECODER, Need.GRADIENTS})
    package = GRAD_CAM
    has_layers = True
    order = 2

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        found = cams("HiResCAM", case, self.layers or cam_layers(case.result), control)
        return tuple(self.saliency(values, layer) for layer, values in found.items())
