"""The figures of one shown map, as numbers; words are the front end's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .choices import MapKind, ViewChoices

if TYPE_CHECKING:
    from medxai.display_range import DisplayRange
    from medxai.engine import SliceExplanation
    from medxai.explainers.three_stage.concentration import Narrowing
    from medxai.explainers.three_stage.stages import LayerMaps


@dataclass(frozen=True)
class MapFigures:
    """What can be said of one map.

    share_inside: share of the map's mass inside the predicted mask, None for a map without mass; by_chance: what a
    uniform map would have there. resolution_mm: width and height of one of its cells. narrowing: of share_inside from
    the first layer to the last, over the stages. from_encoder_alone: the mask decoder had no part in it.
    """

    share_inside: float | None
    by_chance: float
    resolution_mm: tuple[float, float]
    narrowing: "Narrowing | None"
    from_encoder_alone: bool
    informative: bool
    warnings: tuple[str, ...]
    encode_seconds: float
    explain_seconds: float


def layer_names_of(explanation: "SliceExplanation") -> tuple[str, ...]:
    """The layers that can be scrubbed through, early to late."""
    return tuple(maps.layer for maps in explanation.explanation.layers)


def layer_shown(explanation: "SliceExplanation", view: ViewChoices) -> "LayerMaps":
    """The maps of the chosen layer; of the one that stands for its stage where the choice is empty or another model's."""
    from medxai.provenance import shown_layer

    names = layer_names_of(explanation)
    return explanation.explanation.layer(view.layer if view.layer in names else shown_layer(explanation))


def has_map(explanation: "SliceExplanation", kind: MapKind) -> bool:
    """Whether the explanation holds a map of that kind; another method's only after it was asked for."""
    return not kind.is_comparison or kind.value in explanation.comparisons


def comparisons_of(explanation: "SliceExplanation") -> tuple[MapKind, ...]:
    """The other methods' maps that the explanation holds."""
    return tuple(kind for kind in MapKind if kind.is_comparison and has_map(explanation, kind))


def map_shown(explanation: "SliceExplanation", view: ViewChoices) -> np.ndarray:
    """(h, w) float32 on the model's square: the raw values of the chosen map. Raises KeyError where there is none (`has_map`)."""
    if view.kind.is_comparison:
        return explanation.comparisons[view.kind.value]
    if view.kind is MapKind.INTERACTION:
        return explanation.explanation.interaction
    if view.kind is MapKind.TERMINAL:
        return explanation.explanation.terminal
    maps = layer_shown(explanation, view)
    if view.kind is MapKind.STAGE3 and not view.weighted:
        return maps.stage3_unweighted
    return maps.stages[view.kind.stage]


def range_shown(explanation: "SliceExplanation", view: ViewChoices) -> "DisplayRange":
    """The display range of the chosen map; one for all layers of a stage, so that scrubbing compares like with like."""
    from medxai.display_range import display_range

    if view.kind.stage is None:
        return display_range([map_shown(explanation, view)])
    layers = explanation.explanation.layers
    if view.kind is MapKind.STAGE3 and not view.weighted:
        return display_range(maps.stage3_unweighted for maps in layers)
    return display_range(maps.stages[view.kind.stage] for maps in layers)


def figures_of(explanation: "SliceExplanation", view: ViewChoices) -> MapFigures:
    """The figures of the chosen map."""
    stage, kind = view.kind.stage, view.kind
    figures, values = explanation.concentration, map_shown(explanation, view)
    if stage is not None and (view.weighted or stage != 3):
        inside = figures.share_inside[stage, layer_shown(explanation, view).layer]
    else:
        inside = _share_inside(explanation, values)
    across, down = explanation.resolution_mm
    grid = explanation.encoding.embedding.shape[-2:]
    cells = grid if kind.is_comparison else values.shape  # another method's map is no finer than what it looks at
    return MapFigures(
        share_inside=inside,
        by_chance=figures.mask_share,
        resolution_mm=(across * grid[1] / cells[1], down * grid[0] / cells[0]),
        narrowing=figures.narrowing_share if stage is not None else None,
        from_encoder_alone=kind is MapKind.STAGE1,
        informative=range_shown(explanation, view).informative,
        warnings=explanation.warnings,
        encode_seconds=explanation.encoding.seconds,
        explain_seconds=explanation.explanation.seconds + explanation.segmentation.seconds,
    )


def _share_inside(explanation: "SliceExplanation", values: np.ndarray) -> float | None:
    mass = np.maximum(explanation.on_slice(values), 0)
    total = float(mass.sum())
    return float(mass[explanation.segmentation.mask].sum() / total) if total > 0 else None
