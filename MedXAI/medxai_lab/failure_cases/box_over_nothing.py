"""A box in the air beside the patient."""

from medxai.models.loading import LoadedModel
from medxai.slice.box import PixelBox

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, explained, stage_shown
from .expected import BOX_OVER_NOTHING
from .made_slice import ORGAN_HU, MadeSlice, body_mask, ellipse, empty_body, made_slice, scanned

_BOX = PixelBox(8, 8, 39, 39)
_FIRST, _LAST = "block 0", "block 4"


def box_in_air() -> MadeSlice:
    """A body with an organ; the box lies in the corner. The reference is the organ that the box misses."""
    organ = ellipse((140, 125), (26, 30))
    hu = empty_body()
    hu[organ] = ORGAN_HU
    return made_slice("Box over nothing", scanned(hu, seed=4), _BOX, organ)


def run(model: LoadedModel) -> CaseRun:
    """Measures where the maps of a box in the air are high."""
    made = box_in_air()
    result = explained(made, model)
    box, air = metrics.in_box(result), ~body_mask()
    first, last = result.explanation.layer(_FIRST), result.explanation.layer(_LAST)
    early, late = result.on_slice(first.stages[1]), result.on_slice(last.stages[3])
    in_air = metrics.mass(late, air)
    said = [
        warning
        for warning in result.warnings
        if "segmented nothing" in warning or "uninformative" in warning or "one value" in warning
    ]
    return CaseRun(
        {
            "mask's share of the box": float(result.segmentation.mask[box].mean()),
            "stage 1 block 0: AUROC of air against body": metrics.auroc(early, air, body_mask()),
            "stage 1 block 0: AUROC of the box against the other air": metrics.auroc(early, box, air & ~box),
            "stage 3 block 4: mass in the box over the box's share of the air, as a share of the air's mass": (
                metrics.mass(late, box) / in_air
            )
            / (box.sum() / air.sum()),
            "warnings that say so": float(len(said)),
        },
        (
            MapToShow("slice, box, mask", result),
            stage_shown("stage 1, block 0", result, 1, _FIRST),
            stage_shown("stage 1, block 4", result, 1, _LAST),
            stage_shown("stage 3, block 4", result, 3, _LAST),
            MapToShow("interaction", result, result.explanation.interaction),
            MapToShow("terminal", result, result.explanation.terminal),
        ),
        made.reference,
        columns=3,
    )


CASE = FailureCase(BOX_OVER_NOTHING, run)
