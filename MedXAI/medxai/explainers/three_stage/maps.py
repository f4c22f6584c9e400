"""MedXAI's own maps, as the case already holds them."""

from dataclasses import dataclass

from ..base import Case, Kind, SaliencyMap
from .stages import STAGES, Explanation

UNWEIGHTED = "3 unweighted"


def maps_of(explainer: str, explanation: Explanation) -> tuple[SaliencyMap, ...]:
    """Every map of an explanation: stages 1 to 3 and stage 3 before its weighting at every layer, interaction, terminal."""
    maps = []
    for layer in explanation.layers:
        maps += [SaliencyMap(explainer, str(stage), layer.layer, layer.stages[stage]) for stage in STAGES]
        maps.append(SaliencyMap(explainer, UNWEIGHTED, layer.layer, layer.stage3_unweighted))
    maps.append(SaliencyMap(explainer, "interaction", "", explanation.interaction))
    maps.append(SaliencyMap(explainer, "terminal", "", explanation.terminal))
    return tuple(maps)


@dataclass(frozen=True)
class MedXAIMaps:
    """The three stages, the interaction map and the terminal map (the mask's own logits)."""

    name: str = "medxai"
    kind: Kind = Kind.METHOD

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        return maps_of(self.name, case.result.explanation)
