"""The trained encoder with a mask decoder that has learned nothing."""

import numpy as np

from medxai.metrics.map_change import rank_correlation
from medxai.metrics.weight_randomisation import cascade
from medxai.models.loading import LoadedModel
from medxai.results import SliceExplanation

from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import RANDOM_DECODER
from .two_identical_organs import twins

_LAST = "block 4"


def with_random_decoder(model: LoadedModel, seed: int = 0) -> LoadedModel:
    """A copy of the model whose mask decoder has random weights: the first step of the sanity check's cascade.

    Args:
        model: The trained model; it stays as it is.
        seed: Of the weights.
    """
    return next(cascade(model, seed))[1]


def run(model: LoadedModel) -> CaseRun:
    """Compares the maps of the trained decoder with those of the random one."""
    made, _ = twins()
    trained, random = explained(made, model), explained(made, with_random_decoder(model))
    names = [maps.layer for maps in trained.explanation.layers]

    def both(stage: int, layer: str) -> tuple[np.ndarray, np.ndarray]:
        return tuple(result.explanation.layer(layer).stages[stage] for result in (trained, random))

    def change(stage: int, layer: str) -> float:
        one, other = both(stage, layer)
        return float(np.abs(one - other).max())

    return CaseRun(
        {
            "stage 1: largest change at any layer": max(change(1, layer) for layer in names),
            "stage 1 block 4: rank correlation": rank_correlation(*both(1, _LAST)),
            "stage 2 block 4: largest change": change(2, _LAST),
            "stage 2 block 4: rank correlation": rank_correlation(*both(2, _LAST)),
            "stage 3 block 4: largest change": change(3, _LAST),
            "stage 3 block 4: rank correlation": rank_correlation(*both(3, _LAST)),
            "interaction: rank correlation": rank_correlation(
                trained.explanation.interaction, random.explanation.interaction
            ),
            "terminal: rank correlation": rank_correlation(trained.explanation.terminal, random.explanation.terminal),
        },
        tuple(
            shown
            for label, result in (("trained", trained), ("random decoder", random))
            for shown in _row(label, result)
        ),
        made.reference,
        columns=6,
    )


def _row(label: str, result: SliceExplanation) -> tuple[MapToShow, ...]:
    return (
        MapToShow(f"{label}: slice, box, mask", result),
        *(stage_shown(f"stage {stage}, block 4", result, stage, _LAST) for stage in (1, 2, 3)),
        MapToShow("interaction", result, result.explanation.interaction),
        MapToShow("terminal", result, result.explanation.terminal),
    )


CASE = FailureCase(RANDOM_DECODER, run)
