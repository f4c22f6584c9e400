"""Every number that the explainer's definitions leave open, named and in one place."""

from dataclasses import dataclass
from enum import StrEnum

from ...errors import InputError


class Preset(StrEnum):
    """How the spatial weighting measures distance."""

    #: From the box's centre, in units of its half-size: the paper's own.
    PAPER = "paper"
    #: From the box's edge, flat inside: does not miss a concave organ.
    CONTOUR = "contour"


@dataclass(frozen=True)
class ExplainerParameters:
    """Weights of the three stages; the design's starting values but for α, which was 0.10 (`Resources/docs/method.md`).

    prototype_share: λ of stage 2. global_weight, prototype_weight, prompt_weight, context_weight: α, β, γ, δ of
    stage 3; the first belongs to uncentred tokens, whose similarities whitening does not make smaller. distant_floor: ρ, the spatial weight far away. ring_growth: the width of the ring of baseline context, as
    a share of the box's size on each side.
    """

    preset: Preset = Preset.PAPER
    prototype_share: float = 0.6
    global_weight: float = 0.02
    prototype_weight: float = 0.45
    prompt_weight: float = 0.30
    context_weight: float = 0.15
    distant_floor: float = 0.3
    ring_growth: float = 0.5


def parameters_for(preset: Preset | str) -> ExplainerParameters:
    """The default weights with a preset by name. Raises InputError for an unknown one."""
    try:
        return ExplainerParameters(preset=Preset(preset))
    except ValueError as error:
        raise InputError(f"There is no preset '{preset}'; choose paper or contour.") from error
