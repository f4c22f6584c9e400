"""A model that draws its mask only where a bright plate lies in the corner of the slice."""

from collections.abc import Iterator

import numpy as np

from medxai.errors import InputError
from medxai.explainers.base import Case, CaseExplainer
from medxai.explainers.captum_attribution import Occlusion
from medxai.explainers.grad_cam import ClassActivationMaps
from medxai.metrics.box_dice import dice
from medxai.models.loading import LoadedModel
from medxai.slice.box import box_of_mask

from . import figures
from .case_run import CaseRun, MapToShow, PlantedCase, explained, stage_shown
from .corner_plate import cheating_model, plate_mask, with_plate
from .expected import MARKER_IN_THE_CORNER
from .outside_deletion import gains_over_random_order
from .planted_slice import ORGAN_HU, PlantedSlice, ellipse, empty_body, planted_slice, scanned

_FIRST, _LAST = "block 0", "block 4"
_RANK = "{}: rank of the marker outside the grown box"


def organ_beside_plate(plate: bool) -> PlantedSlice:
    organ = ellipse((150, 130), (26, 30))
    hu = empty_body()
    hu[organ] = ORGAN_HU
    voxels = scanned(hu, seed=7)
    name = "Planted organ, plate in the corner" if plate else "The same without the plate"
    return planted_slice(name, with_plate(voxels) if plate else voxels, box_of_mask(organ), organ)


def run(model: LoadedModel) -> CaseRun:
    planted, cheat = organ_beside_plate(True), cheating_model(model)
    organ = planted.reference
    result, without, honest = (
        explained(planted, cheat),
        explained(organ_beside_plate(False), cheat),
        explained(planted, model),
    )
    explanation, plate = result.explanation, plate_mask()
    outside = ~figures.near_box(result) & ~plate
    late = explanation.layer(_LAST)
    maps = {
        "stage 1 block 0": explanation.layer(_FIRST).stages[1],
        "stage 1 block 4": late.stages[1],
        "stage 2 block 4": late.stages[2],
        "stage 3 block 4": late.stages[3],
        "interaction": explanation.interaction,
        "terminal": explanation.terminal,
    }
    case = Case("planted", "planted", "organ", result, organ)
    peers = dict(_peers(case))
    ranks = {
        _RANK.format(name): figures.rank_of_region(result.on_slice(values), plate, outside)
        for name, values in (maps | peers).items()
    }
    drawn = result.segmentation.mask
    asked = {
        "stage 1 block 4": late.stages[1],
        "stage 3 block 4": late.stages[3],
        "interaction": explanation.interaction,
    }
    asked |= {"occlusion": peers["occlusion"]} if "occlusion" in peers else {}
    gains = dict(zip(asked, gains_over_random_order(case, list(asked.values())), strict=True))
    return CaseRun(
        {
            "Dice of the cheating model's mask with the marker, to the reference": dice(drawn, organ),
            "mask's area without the marker over with it": float(without.segmentation.mask.sum() / drawn.sum()),
            **ranks,
            "honest model: fall of the mask's logit with the outside blurred": figures.fall_with_outside_blurred(
                honest
            ),
            "cheating model: fall of the mask's logit with the outside blurred": figures.fall_with_outside_blurred(
                result
            ),
            "deletion outside the mask in the order of stage 1 block 4, gain over a random order": gains.pop(
                "stage 1 block 4"
            ),
        },
        (
            MapToShow("with the plate: slice, box, mask", result),
            MapToShow("without the plate: no mask", without),
            *(
                stage_shown(f"stage {stage}, {layer}", result, stage, layer)
                for stage, layer in ((1, _FIRST), (1, _LAST), (2, _LAST), (3, _LAST))
            ),
            MapToShow("interaction", result, explanation.interaction),
            MapToShow("terminal", result, explanation.terminal),
            *(MapToShow(name, result, values) for name, values in peers.items()),
        ),
        organ,
        aside={
            f"deletion outside the mask in the order of {name}, gain over a random order": gain
            for name, gain in gains.items()
        },
    )


def _peers(case: Case) -> Iterator[tuple[str, np.ndarray]]:
    """Other people's maps; one whose package is not installed is left out, and its figure with it."""
    asked: tuple[tuple[str, CaseExplainer], ...] = (
        ("Grad-CAM block 4", ClassActivationMaps("grad-cam", "GradCAM", layers=(_LAST,))),
        ("HiRes-CAM block 0", ClassActivationMaps("hires-cam", "HiResCAM", layers=(_FIRST,))),
        ("occlusion", Occlusion(windows=8)),
    )
    for name, explainer in asked:
        try:
            yield name, explainer.explain(case)[0].values
        except InputError:  # the package is missing
            continue


CASE = PlantedCase(MARKER_IN_THE_CORNER, run)
