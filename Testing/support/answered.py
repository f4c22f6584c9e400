"""Boxes on slices answered by an engine, as the tests of explainers, metrics and reports need them."""

from dataclasses import replace

import numpy as np

from medxai.engine import Engine
from medxai.explainers.base import Case
from medxai.models.loading import LoadedModel
from medxai.request import ExplainRequest, ModelChoice
from medxai.results import SliceExplanation
from medxai.slice.box import Box, box_of_mask
from medxai.volume.phantom import ORGAN_LABELS, make_phantom
from medxai.volume.volume import Volume
from support.scans import RealScan

DEMO = ModelChoice("demo")


def explained(
    volume: Volume, index: int, box: Box, model: ModelChoice | LoadedModel = DEMO, **options: object
) -> SliceExplanation:
    """The result of one box on an axial slice. options: of the request."""
    request = ExplainRequest.of_slice(volume, "axial", index, model=model, **options)
    return Engine().explain(request, [box])[0]


def organ_case(
    scan: RealScan,
    organ: str,
    index: int,
    model: ModelChoice | LoadedModel = DEMO,
    engine: Engine | None = None,
    patient: str = "one",
    **options: object,
) -> Case:
    """The tight box around a real scan's reference organ on an axial slice, with the reference mask."""
    mask = scan.mask(organ, index)
    request = ExplainRequest.of_slice(scan.volume, "axial", index, model=model, **options)
    case = (engine or Engine()).case(request, tuple(box_of_mask(mask).xyxy))
    return replace(case, case_id=f"{patient}/{organ}", patient=patient, organ=organ, reference_mask=mask)


def phantom_case(organ: str = "liver") -> Case:
    """The phantom's organ on the slice where it is largest, in a box two pixels larger, with the organ as reference."""
    phantom = make_phantom()
    index = phantom.slice_with_most(organ)
    mask = phantom.organs[index] == ORGAN_LABELS[organ]
    box = tuple(box_of_mask(mask).xyxy + np.array([-2, -2, 2, 2]))
    case = Engine().case(ExplainRequest.of_slice(phantom.volume, "axial", index, model=DEMO), box)
    return replace(case, case_id=f"phantom/{organ}", patient="phantom", organ=organ, reference_mask=mask)
