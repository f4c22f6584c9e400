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
    """Weights of the three stages (the paper's section 2 names the components, not the numbers).

    The numbers are starting values that were set, not tuned, except for α (`Resources/docs/method.md`).

    Attributes:
        preset: How the spatial weighting of stage 3 measures distance.
        prototype_share: λ of stage 2.
        global_weight: α of stage 3. It belongs to uncentred tokens, whose similarities whitening does not make smaller.
        prototype_weight: β of stage 3.
        prompt_weight: γ of stage 3.
        context_weight: δ of stage 3.
        distant_floor: ρ, the spatial weight far away.
        ring_growth: Width of the ring of baseline context, as a share of the box's size on each side.
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
    """The default weights with a preset by name.

    Args:
        preset: 'paper' or 'contour'.

    Raises:
        InputError: For an unknown preset.
    """
    try:
        return ExplainerParameters(preset=Preset(preset))
    except ValueError as error:
        raise InputError(f"There is no preset '{preset}'; choose paper or contour.") from error
