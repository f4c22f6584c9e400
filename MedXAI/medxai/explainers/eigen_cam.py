"""Eigen-CAM (pytorch-grad-cam), a map for each layer."""

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
class EigenCam(Explainer):
    """Eigen-CAM (Muhammad and Yeasin, IJCNN 2020): it looks at neither score nor box.

    The sign of its component is the library's, that is arbitrary.

    Attributes:
        layers: None for those whose features are extracted; of a large encoder only the last block among them and the
            neck.
    """

    layers: tuple[str, ...] | None = None

    key = "eigen-cam"
    title = "Eigen-CAM"
    sentence = "First principal component of a layer's channels; it knows neither box nor mask."
    role = Role.COMPARISON
    needs = frozenset({Need.FEATURES})
    package = GRAD_CAM
    has_layers = True
    order = 3

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        found = cams("EigenCAM", case, self.layers or cam_layers(case.result), control)
        return tuple(self.saliency(values, layer) for layer, values in found.items())
