"""A baseline without any information: what every metric would be by the shape of the image and the mask alone."""

from dataclasses import dataclass

from ..maps import Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .registry import register


@register
@dataclass(frozen=True)
class Uniform(Explainer):
    """1 on the image, 0 on the model square's padding, on the embedding's grid."""

    key = "uniform"
    title = "uniform map"
    sentence = "The same everywhere."
    role = Role.BASELINE
    order = 6

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        encoding = case.result.encoding
        return (self.saliency(encoding.frame.content_coverage(encoding.grid) > 0),)
