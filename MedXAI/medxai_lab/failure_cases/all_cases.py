"""All failure cases, in the order of their expectations."""

from medxai.errors import InputError
from medxai.models.loading import LoadedModel
from medxai.models.networks.demo_encoder import DemoImageEncoder

from . import (
    artefact_token,
    box_over_nothing,
    clip_inside_the_box,
    concave_organ,
    loose_box,
    marker_in_the_corner,
    organ_like_its_surroundings,
    random_decoder,
    two_identical_organs,
)
from .case import CaseRun, FailureCase
from .verdict import CaseVerdict, judged

CASES: tuple[FailureCase, ...] = (
    concave_organ.CASE,
    two_identical_organs.CASE,
    organ_like_its_surroundings.CASE,
    marker_in_the_corner.CASE,
    random_decoder.CASE,
    box_over_nothing.CASE,
    clip_inside_the_box.CASE,
    artefact_token.CASE,
    loose_box.CASE,
)


def run_all(model: LoadedModel) -> tuple[CaseVerdict, ...]:
    """Runs every case on the demo model.

    Raises:
        InputError: For any other model: the expectations, and the cheating model, are of this one.
    """
    return tuple(verdict_of(case, model)[0] for case in CASES)


def verdict_of(case: FailureCase, model: LoadedModel) -> tuple[CaseVerdict, CaseRun]:
    """Runs one case.

    Returns:
        The verdict, and the run that it was made from.

    Raises:
        InputError: Where it is not the demo model.
    """
    if not isinstance(model.sam.image_encoder, DemoImageEncoder):
        raise InputError(
            f"The failure cases were made and expected for the demo model, not for '{model.title}'; load the model 'demo'."
        )
    run = case.run(model)
    return judged(case.expectation, run.metrics, run.aside), run
