"""The same pixels twice, and a box around one of them."""

import numpy as np

from medxai.models.loading import LoadedModel
from medxai.slice.box import box_of_mask

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import TWO_IDENTICAL_ORGANS
from .made_slice import ORGAN_HU, MadeSlice, body_mask, ellipse, empty_body, made_slice, scanned

_CENTRE_PX, _HALF_PX = (80.0, 120.0), (20, 24)
#: Twelve tokens, so that both lie on the grid alike.
_APART_PX = 96
_FIRST, _LAST = "block 0", "block 4"


def twins() -> tuple[MadeSlice, np.ndarray]:
    """The slice with the box around the first, and the second's mask (rows, columns) bool."""
    organ = ellipse(_CENTRE_PX, _HALF_PX)
    hu = empty_body()
    hu[organ] = ORGAN_HU
    voxels = scanned(hu, seed=2)
    patch = ellipse(_CENTRE_PX, (36, 40), power=8.0)  # with its surroundings, and still within the fat
    voxels[np.roll(patch, _APART_PX, axis=1)] = voxels[patch]
    return made_slice("Twins", voxels, box_of_mask(organ), organ), np.roll(organ, _APART_PX, axis=1)


def run(model: LoadedModel) -> CaseRun:
    """Compares the boxed organ with its twin."""
    made, twin = twins()
    organ, result = made.reference, explained(made, model)
    rest = body_mask() & ~organ & ~twin
    first, last = result.explanation.layer(_FIRST), result.explanation.layer(_LAST)
    early, late = result.on_slice(first.stages[1]), result.on_slice(last.stages[1])

    def share_of_boxed(values: np.ndarray) -> float:
        here, there = (metrics.mass(result.on_slice(values), region) for region in (organ, twin))
        return here / (here + there)

    narrowing = result.concentration.narrowing_share
    return CaseRun(
        {
            "stage 1 block 0: mean of twin over mean of boxed organ": float(early[twin].mean() / early[organ].mean()),
            "stage 1 block 0: AUROC of twin against the rest of the body": metrics.auroc(early, twin, rest),
            "stage 1 block 4: AUROC of twin against the rest of the body": metrics.auroc(late, twin, rest),
            "stage 3 block 4: boxed organ's share of both organs' mass": share_of_boxed(last.stages[3]),
            "stage 3 block 4 before the weighting: boxed organ's share of both organs' mass": share_of_boxed(
                last.stage3_unweighted
            ),
            "narrowing by the construction": narrowing.by_construction,
            "narrowing by the construction less narrowing by the model": narrowing.by_construction
            - narrowing.by_the_model,
        },
        (
            MapToShow("slice, box, mask", result),
            stage_shown("stage 1, block 0", result, 1, _FIRST),
            stage_shown("stage 1, block 4", result, 1, _LAST),
            MapToShow("stage 3, block 4, before the weighting", result, last.stage3_unweighted),
            stage_shown("stage 3, block 4", result, 3, _LAST),
            MapToShow("interaction", result, result.explanation.interaction),
            MapToShow("terminal", result, result.explanation.terminal),
        ),
        organ,
    )


CASE = FailureCase(TWO_IDENTICAL_ORGANS, run)
