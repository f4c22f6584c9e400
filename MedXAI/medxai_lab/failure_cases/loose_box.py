"""A box three times as wide and as high as the organ in it."""

from medxai.metrics.box_dice import dice
from medxai.models.loading import LoadedModel
from medxai.slice.box import PixelBox

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import LOOSE_BOX
from .made_slice import ORGAN_HU, MadeSlice, ellipse, empty_body, made_slice, scanned

#: 96 × 120 pixels in the fat; the organ, 32 × 40, lies left of and above its centre.
_BOX = PixelBox(80, 60, 175, 179)
_CENTRE_PX, _HALF_PX = (108.0, 98.0), (16, 20)
_FIRST, _LAST = "block 0", "block 4"


def organ_in_loose_box() -> MadeSlice:
    """An ellipse in fat, and a box three times as wide and as high."""
    organ = ellipse(_CENTRE_PX, _HALF_PX)
    hu = empty_body()
    hu[organ] = ORGAN_HU
    return made_slice("Loose box", scanned(hu, seed=6), _BOX, organ)


def run(model: LoadedModel) -> CaseRun:
    """Compares the organ with the rest of the box."""
    made = organ_in_loose_box()
    organ, result = made.reference, explained(made, model)
    rest = metrics.in_box(result) & ~organ
    first, last = result.explanation.layer(_FIRST), result.explanation.layer(_LAST)
    stage_1, stage_2, stage_3 = (
        metrics.auroc(result.on_slice(values), organ, rest)
        for values in (first.stages[1], first.stages[2], last.stages[3])
    )
    return CaseRun(
        {
            "stage 1 block 0: AUROC of organ against the rest of the box": stage_1,
            "stage 2 block 0: AUROC of organ against the rest of the box, less stage 1's": stage_2 - stage_1,
            "stage 3 block 4: AUROC of organ against the rest of the box": stage_3,
            "Dice of the mask to the reference": dice(result.segmentation.mask, organ),
        },
        (
            MapToShow("slice, box, mask", result),
            stage_shown("stage 1, block 0", result, 1, _FIRST),
            stage_shown("stage 2, block 0", result, 2, _FIRST),
            stage_shown("stage 3, block 4", result, 3, _LAST),
            MapToShow("interaction", result, result.explanation.interaction),
            MapToShow("terminal", result, result.explanation.terminal),
        ),
        organ,
        columns=3,
    )


CASE = FailureCase(LOOSE_BOX, run)
