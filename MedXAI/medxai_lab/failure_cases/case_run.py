"""What running a planted case gives: its figures, and what there is to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from medxai.encoding.cache import EncodingCache
from medxai.engine import Explainer, SliceExplanation, prepare_slice
from medxai.explainers.three_stage.parameters import ExplainerParameters
from medxai.models.loading import LoadedModel

from .expectation import Expectation
from .planted_slice import PlantedSlice


@dataclass(frozen=True)
class MapToShow:
    """values: (h, w) on the model's square, None for the mask alone. ranged_with: maps that share the colours' range."""

    title: str
    result: SliceExplanation
    values: np.ndarray | None = None
    ranged_with: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class CaseRun:
    """figures: by the names that the expectation uses; one that could not be taken (a package is missing) is absent.

    aside: figures that nobody asked for beforehand; told, and judged by nothing.
    shown: what the picture holds, in rows of `columns`. reference: (rows, columns) bool, what was painted.
    """

    figures: Mapping[str, float]
    shown: tuple[MapToShow, ...]
    reference: np.ndarray
    columns: int = 4
    aside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PlantedCase:
    """An expectation and the code that finds out."""

    expectation: Expectation
    run: Callable[[LoadedModel], CaseRun]


def explained(
    planted: PlantedSlice, model: LoadedModel, parameters: ExplainerParameters | None = None
) -> SliceExplanation:
    """The planted slice through MedXAI's own way, nothing left out."""
    prepared = prepare_slice(planted.volume, planted.image, model.convention)
    return Explainer(model, EncodingCache()).explain(prepared, [planted.box], parameters)[0]


def stage_shown(title: str, result: SliceExplanation, stage: int, layer: str) -> MapToShow:
    """One cell of the grid stage × layer, coloured as the panels colour it: one range for all layers of the stage."""
    layers = result.explanation.layers
    return MapToShow(
        title, result, result.explanation.layer(layer).stages[stage], tuple(maps.stages[stage] for maps in layers)
    )
