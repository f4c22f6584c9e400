"""A model that draws its mask only where a bright plate lies in the corner of the slice."""

from collections.abc import Iterator

import numpy as np

from medxai.errors import InputError
from medxai.explainers.base import Case, Explainer
from medxai.explainers.grad_cam import GradCam
from medxai.explainers.hires_cam import HiResCam
from medxai.explainers.occlusion import Occlusion
from medxai.metrics.box_dice import dice
from medxai.models.loading import LoadedModel
from medxai.results import SliceExplanation
from medxai.slice.box import box_of_mask

from . import metrics
from .case import CaseRun, FailureCase, MapToShow, answered, explained, stage_shown
from .corner_plate import cheating_model, plate_mask, with_plate
from .expected import MARKER_IN_THE_CORNER
from .made_slice import ORGAN_HU, MadeSlice, ellipse, empty_body, made_slice, scanned

_FIRST, _LAST = "block 0", "block 4"
_RANK = "{}: rank of the marker outside the grown box"
_GAIN = "deletion outside the mask in the order of {}, gain over a random order"


def organ_beside_plate(plate: bool) -> MadeSlice:
    """An organ in a body, with the plate in the corner where it is asked for."""
    organ = ellipse((150, 130), (26, 30))
    hu = empty_body()
    hu[organ] = ORGAN_HU
    voxels = scanned(hu, seed=7)
    name = "Organ, plate in the corner" if plate else "The same without the plate"
    return made_slice(name, with_plate(voxels) if plate else voxels, box_of_mask(organ), organ)


def run(model: LoadedModel) -> CaseRun:
    """What the cheating model's maps show of the plate, and how much the plate matters to both models."""
    made, cheat = organ_beside_plate(True), cheating_model(model)
    organ = made.reference
    case, honest = answered(made, cheat), answered(made, model)
    result, without = case.result, explained(organ_beside_plate(False), cheat)
    own, others = _own_maps(result), dict(_comparison_methods(case))
    plate, drawn = plate_mask(), result.segmentation.mask
    outside = ~metrics.near_box(result) & ~plate
    ranks = {
        _RANK.format(name): metrics.rank_of_region(result.on_slice(values), plate, outside)
        for name, values in (own | others).items()
    }
    gains = _deletion_gains(case, own | others)
    return CaseRun(
        {
            "Dice of the cheating model's mask with the marker, to the reference": dice(drawn, organ),
            "mask's area without the marker over with it": float(without.segmentation.mask.sum() / drawn.sum()),
            **ranks,
            **{
                f"{name} model: fall of the mask's logit with the outside blurred": (
                    metrics.fall_with_outside_blurred(one)
                )
                for name, one in (("honest", honest), ("cheating", case))
            },
            _GAIN.format("stage 1 block 4"): gains.pop("stage 1 block 4"),
        },
        _shown(result, without, others),
        organ,
        aside={_GAIN.format(name): gain for name, gain in gains.items()},
    )


def _own_maps(result: SliceExplanation) -> dict[str, np.ndarray]:
    explanation = result.explanation
    late = explanation.layer(_LAST)
    return {
        "stage 1 block 0": explanation.layer(_FIRST).stages[1],
        "stage 1 block 4": late.stages[1],
        "stage 2 block 4": late.stages[2],
        "stage 3 block 4": late.stages[3],
        "interaction": explanation.interaction,
        "terminal": explanation.terminal,
    }


def _deletion_gains(case: Case, maps: dict[str, np.ndarray]) -> dict[str, float]:
    """Of the maps that are asked, where they are there."""
    asked = [name for name in ("stage 1 block 4", "stage 3 block 4", "interaction", "occlusion") if name in maps]
    return dict(zip(asked, metrics.gains_over_random_order(case, [maps[name] for name in asked]), strict=True))


def _shown(result: SliceExplanation, without: SliceExplanation, others: dict[str, np.ndarray]) -> tuple[MapToShow, ...]:
    explanation = result.explanation
    return (
        MapToShow("with the plate: slice, box, mask", result),
        MapToShow("without the plate: no mask", without),
        *(
            stage_shown(f"stage {stage}, {layer}", result, stage, layer)
            for stage, layer in ((1, _FIRST), (1, _LAST), (2, _LAST), (3, _LAST))
        ),
        MapToShow("interaction", result, explanation.interaction),
        MapToShow("terminal", result, explanation.terminal),
        *(MapToShow(name, result, values) for name, values in others.items()),
    )


def _comparison_methods(case: Case) -> Iterator[tuple[str, np.ndarray]]:
    """Other people's maps; one whose package is not installed is left out, and its metric with it."""
    asked: tuple[tuple[str, Explainer], ...] = (
        ("Grad-CAM block 4", GradCam(layers=(_LAST,))),
        ("HiRes-CAM block 0", HiResCam(layers=(_FIRST,))),
        ("occlusion", Occlusion(windows=8)),
    )
    for name, explainer in asked:
        try:
            yield name, explainer.explain(case)[0].values
        except InputError:  # the package is missing
            continue


CASE = FailureCase(MARKER_IN_THE_CORNER, run)
