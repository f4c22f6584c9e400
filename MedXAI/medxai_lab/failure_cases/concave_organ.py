"""A horseshoe whose middle is not organ, in both presets."""

import numpy as np

from medxai.explainers.three_stage.parameters import Preset, parameters_for
from medxai.explainers.three_stage.spatial import spatial_weight
from medxai.models.loading import LoadedModel
from medxai.results import SliceExplanation
from medxai.slice.box import box_of_mask

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import CONCAVE_ORGAN
from .made_slice import ORGAN_HU, MadeSlice, ellipse, empty_body, grid_px, made_slice, scanned

_CENTRE_PX, _OUTER_PX, _INNER_PX = (120.0, 120.0), 40, 22
_OPENING_DEGREES = 70
_FIRST, _LAST = "block 0", "block 4"


def horseshoe() -> tuple[MadeSlice, np.ndarray]:
    """The slice, and its hollow (rows, columns) bool."""
    x, y = grid_px()
    from_down = np.degrees(np.abs(np.arctan2(x - _CENTRE_PX[0], y - _CENTRE_PX[1])))
    disc = ellipse(_CENTRE_PX, (_OUTER_PX, _OUTER_PX))
    organ = disc & ~ellipse(_CENTRE_PX, (_INNER_PX, _INNER_PX)) & (from_down > _OPENING_DEGREES / 2)
    hu = empty_body()
    hu[organ] = ORGAN_HU
    box = box_of_mask(organ)
    return made_slice("Horseshoe", scanned(hu, seed=1), box, organ), disc & ~organ & box.mask(organ.shape)


def run(model: LoadedModel) -> CaseRun:
    """Compares organ and hollow in both presets."""
    made, hollow = horseshoe()
    organ = made.reference
    paper, contour = (explained(made, model, parameters_for(preset)) for preset in (Preset.PAPER, Preset.CONTOUR))

    def apart(result: SliceExplanation, values: np.ndarray) -> float:
        return metrics.auroc(result.on_slice(values), organ, hollow)

    def weighting(result: SliceExplanation) -> np.ndarray:
        grid = result.explanation.layer(_LAST).grid
        return spatial_weight(result.box.box, result.encoding.frame, grid, result.explanation.parameters)

    first, last = paper.explanation.layer(_FIRST), paper.explanation.layer(_LAST)
    by_paper, by_contour = last.stages[3], contour.explanation.layer(_LAST).stages[3]
    near = [metrics.auroc_near(paper, values, organ) for values in (by_contour, by_paper)]
    energy = [metrics.energy_inside(paper, values, organ) for values in (by_contour, by_paper)]
    return CaseRun(
        {
            "weighting alone, paper: AUROC organ against hollow": apart(paper, weighting(paper)),
            "weighting alone, contour: AUROC organ against hollow": apart(contour, weighting(contour)),
            "stage 1 block 0: AUROC organ against hollow": apart(paper, first.stages[1]),
            "stage 1 block 0: mean of organ less mean of hollow": metrics.difference_of_means(
                paper.on_slice(first.stages[1]), organ, hollow
            ),
            "stage 1 block 4: AUROC organ against hollow": apart(paper, last.stages[1]),
            "stage 3 paper block 4: AUROC organ against hollow": apart(paper, by_paper),
            "stage 3 contour block 4: AUROC organ against hollow": apart(contour, by_contour),
            "stage 3 block 4: AUROC in the grown box, contour less paper": near[0] - near[1],
            "stage 3 block 4: energy inside, contour less paper": energy[0] - energy[1],
        },
        (
            MapToShow("slice, box, mask", paper),
            stage_shown("stage 1, block 0", paper, 1, _FIRST),
            stage_shown("stage 1, block 4", paper, 1, _LAST),
            MapToShow("weighting alone, paper", paper, weighting(paper)),
            stage_shown("stage 3, block 4, paper", paper, 3, _LAST),
            MapToShow("weighting alone, contour", contour, weighting(contour)),
            stage_shown("stage 3, block 4, contour", contour, 3, _LAST),
        ),
        organ,
    )


CASE = FailureCase(CONCAVE_ORGAN, run)
