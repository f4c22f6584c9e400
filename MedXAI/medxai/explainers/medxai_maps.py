"""MedXAI's own maps, as the result already holds them."""

from dataclasses import dataclass

from ..maps import MEDXAI, OWN_MAPS, MapId, MapInfo, Need, Role
from ..progress import RunControl
from ..results import Explanation, SaliencyMap
from .base import Case, Explainer
from .registry import register


def maps_of(explainer: str, explanation: Explanation) -> tuple[SaliencyMap, ...]:
    """Every map of an explanation: layer by layer, then interaction and terminal.

    Args:
        explainer: The key that the maps get, for example 'medxai' or 'random-weights'.
        explanation: The maps.
    """
    return tuple(
        SaliencyMap(MapId(explainer, map_id.map, map_id.layer), explanation.values(map_id))
        for map_id in explanation.map_ids()
    )


@register
@dataclass(frozen=True)
class MedXAIMaps(Explainer):
    """The three stages, the interaction map and the terminal map (the mask's own logits)."""

    key = MEDXAI
    title = "MedXAI"
    sentence = (
        "Compares the encoder's features with those of the box, the prompt and the surroundings, in three stages."
    )
    role = Role.METHOD
    needs = frozenset({Need.FEATURES, Need.DECODER})
    has_layers = True

    @classmethod
    def map_infos(cls) -> tuple[MapInfo, ...]:
        return OWN_MAPS

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        return maps_of(self.key, case.result.explanation)
