"""A baseline that knows the box and nothing else: the box itself."""

from dataclasses import dataclass

from ..maps import Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .registry import register
from .three_stage.spatial import coverage_of


@register
@dataclass(frozen=True)
class BoxIndicator(Explainer):
    """1 in the box and 0 outside, on the model's pixels.

    The spatial weighting never falls below ρ, which spreads its mass over the slice; the bare box is the stronger
    baseline for metrics of mass.
    """

    key = "box"
    title = "the box itself"
    sentence = "1 in the box, 0 outside."
    role = Role.BASELINE
    order = 5

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        frame = case.result.encoding.frame
        return (self.saliency(coverage_of(case.result.segmentation.box, frame, (frame.size_px, frame.size_px))),)
