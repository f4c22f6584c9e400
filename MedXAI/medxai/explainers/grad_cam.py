"""Grad-CAM (pytorch-grad-cam), a map for each layer."""

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
class GradCam(Explainer):
    """Grad-CAM (Selvaraju et al., ICCV 2017) of the mean logit inside the model's own mask.

    Attributes:
        layers: None for those whose features are extracted; of a large encoder only the last block among them and the
            neck.
    """

    layers: tuple[str, ...] | None = None

    key = "grad-cam"
    title = "Grad-CAM"
    sentence = "Channels of a layer weighted by the mean gradient of the mask's logits; another method, for comparison."
    role = Role.COMPARISON
    needs = frozenset({Need.FEATURES, Need.DECODER, Need.GRADIENTS})
    package = GRAD_CAM
    has_layers = True
    order = 1

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        found = cams("GradCAM", case, self.layers or cam_layers(case.result), control)
        return tuple(self.saliency(values, layer) for layer, values in found.items())
