"""A baseline that knows the box and nothing else: the spatial weighting of the contour preset alone."""

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
class BoxPlateau(Explainer):
    """Stage 3's spatial weighting W on the embedding's grid, as the contour preset measures distance.

    Its floor ρ and every other parameter are the case's own, so where the preset is the case's this is exactly the
    factor that stage 3 is multiplied by.
    """

    key = "box-plateau"
    title = "box with soft edges"
    sentence = "The contour preset's spatial weighting alone: flat in the box, falling outside."
    role = Role.BASELINE
    order = 4

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        return (self.saliency(weight_of_case(case.result, Preset.CONTOUR)),)
