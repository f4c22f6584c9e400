"""A failure case, and what its run gives: its metrics, and what there is to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from medxai.engine import Engine
from medxai.explainers.base import Case
from medxai.explainers.three_stage.parameters import ExplainerParameters
from medxai.models.loading import LoadedModel
from medxai.request import ExplainRequest
from medxai.results import SliceExplanation

from .expectation import Expectation
from .made_slice import MadeSlice


@dataclass(frozen=True)
class MapToShow:
    """One cell of a case's picture.

    Attributes:
        title: above it.
        result: with slice, box and mask.
        values: (h, w) on the model's square, None for the mask alone.
        ranged_with: maps that share the colours' range.
    """

    title: str
    result: SliceExplanation
    values: np.ndarray | None = None
    ranged_with: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class CaseRun:
    """What the run of a case gives.

    Attributes:
        metrics: by the names that the expectation uses; one that could not be measured (a package is missing) is absent.
        shown: what the picture holds, in rows of `columns`.
        reference: (rows, columns) bool, what was painted.
        columns: of the picture.
        aside: further metrics that no demand was written for; reported only.
    """

    metrics: Mapping[str, float]
    shown: tuple[MapToShow, ...]
    reference: np.ndarray
    columns: int = 4
    aside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FailureCase:
    """An expectation, and the code that finds out on a given model."""

    expectation: Expectation
    run: Callable[[LoadedModel], CaseRun]


def answered(made: MadeSlice, model: LoadedModel, parameters: ExplainerParameters = ExplainerParameters()) -> Case:
    """The made-up slice through the engine, with what was painted as its reference.

    Args:
        made: Slice, box and reference.
        model: Which model.
        parameters: The weights of the three stages.
    """
    request = ExplainRequest(made.volume, made.image, model, parameters=parameters)
    case = Engine().case(request, made.box)
    return replace(case, case_id=made.volume.name, patient=made.volume.name, reference_mask=made.reference)


def explained(
    made: MadeSlice, model: LoadedModel, parameters: ExplainerParameters = ExplainerParameters()
) -> SliceExplanation:
    """The result of a made-up slice.

    Args:
        made: Slice and box.
        model: Which model.
        parameters: The weights of the three stages.
    """
    return answered(made, model, parameters).result


def stage_shown(title: str, result: SliceExplanation, stage: int, layer: str) -> MapToShow:
    """One cell of the grid stage × layer, coloured as in the panels: one range for all layers of the stage.

    Args:
        title: Above the cell.
        result: Holds the map.
        stage: 1, 2 or 3.
        layer: For example 'block 4'.
    """
    layers = result.explanation.layers
    return MapToShow(
        title, result, result.explanation.layer(layer).stages[stage], tuple(maps.stages[stage] for maps in layers)
    )
