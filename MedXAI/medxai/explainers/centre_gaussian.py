"""A baseline that knows the box and nothing else: the spatial weighting of the paper preset alone."""

from dataclasses import dataclass

from ..maps import Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .registry import register
from .three_stage.parameters import Preset
from .three_stage.spatial import weight_of_case


@register
@dataclass(frozen=True)
class CentreGaussian(Explainer):
    """Stage 3's spatial weighting W on the embedding's grid, as the paper preset measures distance.

    Its floor ρ and every other parameter are the case's own, so where the preset is the case's this is exactly the
    factor that stage 3 is multiplied by.
    """

    key = "centre-gaussian"
    title = "Gaussian in the box's centre"
    sentence = "The paper's spatial weighting alone: distance from the box's centre."
    role = Role.BASELINE
    order = 3

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        return (self.saliency(weight_of_case(case.result, Preset.PAPER)),)
