"""A surgical clip in the organ that the box holds."""

import numpy as np

from medxai.models.loading import LoadedModel
from medxai.slice.box import box_of_mask

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import CLIP_INSIDE_THE_BOX
from .made_slice import METAL_HU, ORGAN_HU, MadeSlice, ellipse, empty_body, made_slice, scanned

_CENTRE_PX, _HALF_PX = (120.0, 120.0), (32, 40)
#: Rows and columns of the clip: one token.
_CLIP = np.s_[96:104, 128:136]
_FIRST, _LAST = "block 0", "block 4"


def organ_with_clip(with_clip: bool) -> MadeSlice:
    """An organ in fat with a tight box, and the clip in the organ where it is asked for."""
    organ = ellipse(_CENTRE_PX, _HALF_PX)
    hu = empty_body()
    hu[organ] = ORGAN_HU
    if with_clip:
        hu[_CLIP] = METAL_HU
    return made_slice(
        "Clip" if with_clip else "The same without the clip", scanned(hu, seed=5), box_of_mask(organ), organ
    )


def run(model: LoadedModel) -> CaseRun:
    """Measures what the clip costs the maps of the organ."""
    made = organ_with_clip(True)
    organ = made.reference
    clip = np.zeros(organ.shape, bool)
    clip[_CLIP] = True
    result, without = explained(made, model), explained(organ_with_clip(False), model)
    early = result.explanation.layer(_FIRST).stages[1]
    near = metrics.auroc_near(result, early, organ)
    return CaseRun(
        {
            "stage 1 block 0: AUROC in the grown box": near,
            "stage 1 block 0: loss of AUROC by the clip": metrics.auroc_near(
                without, without.explanation.layer(_FIRST).stages[1], organ
            )
            - near,
            "stage 1 block 0: mean of clip less mean of organ": metrics.difference_of_means(
                result.on_slice(early), clip, organ & ~clip
            ),
            "stage 1 block 4: AUROC in the grown box": metrics.auroc_near(
                result, result.explanation.layer(_LAST).stages[1], organ
            ),
        },
        (
            MapToShow("slice, box, mask", result),
            stage_shown("stage 1, block 0", result, 1, _FIRST),
            stage_shown("stage 1, block 4", result, 1, _LAST),
            stage_shown("stage 3, block 4", result, 3, _LAST),
            MapToShow("interaction", result, result.explanation.interaction),
            MapToShow("terminal", result, result.explanation.terminal),
            stage_shown("without the clip: stage 1, block 0", without, 1, _FIRST),
        ),
        organ,
    )


CASE = FailureCase(CLIP_INSIDE_THE_BOX, run)
