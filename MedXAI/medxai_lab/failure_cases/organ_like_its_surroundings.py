"""A box around something that differs in nothing from what lies around it."""

import numpy as np

from medxai.display_range import display_range
from medxai.explainers.box_plateau import BoxPlateau
from medxai.explainers.centre_gaussian import CentreGaussian
from medxai.models.loading import LoadedModel
from medxai.slice.box import box_of_mask

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, answered, stage_shown
from .expected import ORGAN_LIKE_ITS_SURROUNDINGS
from .made_slice import ORGAN_HU, MadeSlice, ellipse, empty_body, made_slice, scanned

_CENTRE_PX = (128.0, 120.0)
_FIRST, _LAST = "block 0", "block 4"


def hidden_disc() -> MadeSlice:
    """A large even block, and a disc in it that only the reference knows of."""
    hu = empty_body()
    hu[ellipse(_CENTRE_PX, (86.5, 56.5), 3.0)] = ORGAN_HU
    disc = ellipse(_CENTRE_PX, (16, 16))
    return made_slice("Hidden disc", scanned(hu, seed=3), box_of_mask(disc), disc)


def run(model: LoadedModel) -> CaseRun:
    """Measures how far the maps' AUROC lies from chance."""
    made = hidden_disc()
    case = answered(made, model)
    disc, result = made.reference, case.result
    ring = metrics.near_box(result) & ~disc
    first, last = result.explanation.layer(_FIRST), result.explanation.layer(_LAST)
    early = result.on_slice(first.stages[1])
    weightings = [explainer.explain(case)[0].values for explainer in (CentreGaussian(), BoxPlateau())]
    stage_3 = metrics.auroc_near(result, last.stages[3], disc)
    informative = display_range(maps.stages[1] for maps in result.explanation.layers).informative

    def from_chance(value: float) -> float:
        return abs(value - 0.5)

    pixels = made.image.pixels.astype(np.float64)
    return CaseRun(
        {
            "difference of means, disc and ring, HU": abs(metrics.difference_of_means(pixels, disc, ring)),
            "stage 1 block 0: AUROC in the grown box, distance from chance": from_chance(
                metrics.auroc_near(result, first.stages[1], disc)
            ),
            "stage 1 block 4: AUROC in the grown box, distance from chance": from_chance(
                metrics.auroc_near(result, last.stages[1], disc)
            ),
            "stage 3 block 4: AUROC in the grown box, distance from chance": from_chance(stage_3),
            "stage 1 block 0: spread in the grown box over spread in the slice": metrics.spread(
                early[metrics.near_box(result)]
            )
            / metrics.spread(early),
            "display calls stage 1 uninformative": float(not informative),
            "stage 3 block 4: AUROC in the grown box less the better weighting alone": stage_3
            - max(metrics.auroc_near(result, values, disc) for values in weightings),
            "mask's share of the box": float(result.segmentation.mask[metrics.in_box(result)].mean()),
        },
        (
            MapToShow("slice, box, mask", result),
            stage_shown("stage 1, block 0", result, 1, _FIRST),
            stage_shown("stage 1, block 4", result, 1, _LAST),
            stage_shown("stage 3, block 4", result, 3, _LAST),
            MapToShow("weighting alone, paper", result, weightings[0]),
            MapToShow("interaction", result, result.explanation.interaction),
            MapToShow("terminal", result, result.explanation.terminal),
        ),
        disc,
    )


CASE = FailureCase(ORGAN_LIKE_ITS_SURROUNDINGS, run)
