"""How a result's maps are looked at, as plain values; changing any of it computes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .display_range import DisplayRange
from .maps import CONTOUR, MEDXAI, OWN_MAPS, OWN_MAPS_SHOWN, STAGE3, STAGE3_UNWEIGHTED, MapId
from .results import SliceExplanation

_OWN_KEYS = frozenset(info.key for info in (CONTOUR, *OWN_MAPS_SHOWN))


@dataclass(frozen=True)
class ViewChoices:
    """How maps are looked at.

    Attributes:
        map_key: Which map, by the key of its `MapInfo`.
        layer: A layer's name; empty for the one that stands for its stage.
        weighted: Stage 3 with its spatial weighting.
        threshold: Share of the display range below which nothing is drawn.
        opacity: Of the overlay, 0 to 1.
        colours: Name of the colour map.
        overlay: Whether the map is drawn at all.
        segmentation: Whether the mask's outline is drawn.
        legend: Whether the colour legend is drawn.
        side_by_side: Whether the stages stand beside each other in linked views.
        one_scale: Whether all layers of a map have one range of colours, so that layers can be compared; else each layer
            has its own.
    """

    map_key: str = STAGE3.key
    layer: str = ""
    weighted: bool = True
    threshold: float = 0.05
    opacity: float = 0.6
    colours: str = "inferno"
    overlay: bool = True
    segmentation: bool = True
    legend: bool = True
    side_by_side: bool = False
    one_scale: bool = False

    @property
    def is_own(self) -> bool:
        """Whether it is one of the maps that every result has, or its contour check."""
        return self.map_key in _OWN_KEYS

    @property
    def is_contour(self) -> bool:
        """Whether the contour check is looked at: an outline in its kinds instead of a map."""
        return self.map_key == CONTOUR.key

    def layers(self, result: SliceExplanation) -> tuple[str, ...]:
        """The layers at which a result holds the chosen map, in the encoder's order; empty for a map of no layer."""
        return tuple(map_id.layer for map_id in result.map_ids() if map_id.key == self.map_key and map_id.layer)

    def map_id(self, result: SliceExplanation) -> MapId:
        """The map of a result that is looked at: at the chosen layer, or the one that stands for its stage."""
        chosen = STAGE3_UNWEIGHTED.key if self.map_key == STAGE3.key and not self.weighted else self.map_key
        layers = self.layers(result)
        if self.layer in layers:
            layer = self.layer
        else:
            layer = result.shown_layer if result.shown_layer in layers and self.is_own else layers[-1] if layers else ""
        return MapId.parse(chosen).at(layer)

    def is_in(self, result: SliceExplanation) -> bool:
        """Whether a result holds the map; another explainer's only after it was asked for."""
        return any(map_id.key == self.map_key for map_id in result.map_ids())

    def values(self, result: SliceExplanation) -> np.ndarray:
        """Raw values of the chosen map.

        Args:
            result: What is looked at.

        Returns:
            (h, w) float32 on the model's square.

        Raises:
            KeyError: Where the result lacks the map.
        """
        return result.values(self.map_id(result))

    def display_range(self, result: SliceExplanation) -> DisplayRange:
        """The colours' range of the map."""
        map_id = self.map_id(result)
        return result.display_range(map_id) if self.one_scale else result.layer_range(map_id)


def map_key_of(saved: str) -> str:
    """The key of a map from what a scene holds; scenes of earlier versions say 'stage1' for 'medxai/stage1'."""
    own = {info.map: info.key for info in OWN_MAPS}
    return own.get(saved, saved)


def explainer_of(map_key: str) -> str:
    """The explainer that makes a map."""
    return MapId.parse(map_key).explainer


def is_comparison(map_key: str) -> bool:
    """Whether it is another explainer's map, computed only where it is asked for."""
    return explainer_of(map_key) != MEDXAI
