"""On a graphics processor everything works that works on the CPU, and gives the same to float32's accuracy.

Also on a machine with nothing but PyTorch, NumPy, SciPy and scikit-image:
`PYTHONPATH=MedXAI python -m pytest --noconftest -c /dev/null Testing/tests/engine/test_on_cuda.py`. With MEDXAI_TEST_DEVICE=cpu
the file runs on the CPU, which shows only that the tests themselves are right.
"""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from medxai.engine import Engine
from medxai.explainers import registry
from medxai.explainers.base import Case
from medxai.maps import Role
from medxai.metrics.box_dice import dice
from medxai.metrics.box_or_image import box_or_image
from medxai.metrics.case_evidence import evaluate_case
from medxai.metrics.plan import EvaluationPlan, Measurement
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.request import ExplainRequest, ModelChoice
from medxai.slice.box import Box, box_of_mask
from medxai.through_slices.request import VolumeRequest
from medxai.volume.phantom import ORGAN_LABELS, Phantom, make_phantom

DEVICE = os.environ.get("MEDXAI_TEST_DEVICE", "cuda")
#: Of a map's range; sums in another order, and nothing rounded to 19 bits as a graphics processor may do by default.
TOLERANCE = 1e-3
MASKS_DICE = 0.999

pytestmark = pytest.mark.skipif(
    DEVICE == "cuda" and not torch.cuda.is_available(), reason="needs a CUDA device that PyTorch can use"
)


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    return {"cpu": Engine(), DEVICE: Engine()}


@pytest.fixture(scope="module", params=["demo", "litemedsam"])
def model(request: pytest.FixtureRequest) -> str:
    if not ModelStore().path_of(registered(request.param)).is_file():
        pytest.skip(f"needs the weights of {request.param}")
    return str(request.param)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom()


def asked(phantom: Phantom, model: str, device: str, organ: str = "liver") -> tuple[ExplainRequest, Box]:
    """The slice where an organ is largest, and its box."""
    index = phantom.slice_with_most(organ)
    mask = phantom.organs[index] == ORGAN_LABELS[organ]
    request = ExplainRequest.of_slice(phantom.volume, "axial", index, model=ModelChoice(model, device))
    return request, box_of_mask(mask)


@pytest.fixture(scope="module")
def cases(engines: dict[str, Engine], phantom: Phantom, model: str) -> dict[str, Case]:
    return {device: engine.case(*asked(phantom, model, device)) for device, engine in engines.items()}


def assert_near(found: np.ndarray, expected: np.ndarray, name: str, tolerance: float = TOLERANCE) -> None:
    spread = max(float(np.ptp(expected)), 1e-6)
    far = float(np.abs(found - expected).max()) / spread
    assert far <= tolerance, f"{name}: {far:.1e} of the range apart"


def test_masks_maps_and_the_contour_check_are_those_of_the_cpu(cases: dict[str, Case]) -> None:
    found, expected = cases[DEVICE].result, cases["cpu"].result
    assert found.model.device.startswith(DEVICE)
    assert not found.warnings or found.warnings == expected.warnings
    assert dice(found.segmentation.mask, expected.segmentation.mask) >= MASKS_DICE
    assert_near(found.segmentation.logits, expected.segmentation.logits, "logits")
    for here, there in zip(found.explanation.layers, expected.explanation.layers, strict=True):
        for stage, values in there.stages.items():
            assert_near(here.stages[stage], values, f"stage {stage} at {there.layer}")
    engine, request = cases[DEVICE].engine, cases[DEVICE].request
    checks = [
        engine.check_contour(request, found),
        cases["cpu"].engine.check_contour(cases["cpu"].request, expected),
    ]
    shares = [[share for _, share in sorted(check.share.items())] for check in checks]
    assert_near(np.array(shares[0]), np.array(shares[1]), "shares of the contour's kinds", 0.05)


def test_every_explainer_gives_the_maps_of_the_cpu(cases: dict[str, Case]) -> None:
    keys = [key for key, why_not in registry.why_not().items() if not why_not]
    assert len(keys) >= 10
    far = {}
    for key in keys:
        (explainer,) = registry.make([key])
        if explainer.encoder_passes(cases["cpu"]) > registry.MOST_PASSES and cases["cpu"].result.model.name != "demo":
            continue  # minutes on a CPU; the demo model shows that the code works
        pairs = zip(explainer.explain(cases[DEVICE]), explainer.explain(cases["cpu"]), strict=True)
        for here, there in pairs:
            assert here.map_id == there.map_id
            spread = max(float(np.ptp(there.values)), 1e-6)
            far[str(here.map_id)] = float(np.abs(here.values - there.values).max()) / spread
    too_far = {name: value for name, value in far.items() if not value <= 10 * TOLERANCE}
    assert not too_far, too_far


def test_every_metric_is_measured(cases: dict[str, Case], model: str) -> None:
    measurements = frozenset(Measurement) - {Measurement.CONTOUR, Measurement.COST, Measurement.FAITHFULNESS_IMAGE}
    plan = EvaluationPlan(measurements, sanity_roles=frozenset({Role.METHOD}))
    rows = {}
    for device, case in cases.items():
        other = case.engine.case(*asked(make_phantom(), model, device, "spleen"))
        evidence = evaluate_case(case, registry.make(["medxai"]), plan, [other])
        assert not evidence.failures, evidence.failures
        rows[device] = {(str(row.map_id), row.metric): row.value for row in evidence.rows}
    assert rows[DEVICE].keys() == rows["cpu"].keys()
    shares = {device: box_or_image(case).image_share for device, case in cases.items()}
    assert shares[DEVICE] == pytest.approx(shares["cpu"], abs=0.01)


def test_several_boxes_the_next_box_and_an_organ_through_the_slices(
    engines: dict[str, Engine], phantom: Phantom, model: str
) -> None:
    results = {}
    for device, engine in engines.items():
        request, box = asked(phantom, model, device)
        boxes = [box, (20, 30, 80, 90), (33, 42, 117, 130)]
        assert engine.is_encoded(request)
        results[device] = engine.explain(request, boxes)
        followed = engine.explain_volume(VolumeRequest(request, box))
        results[device] += (followed,)
    for here, there in zip(results[DEVICE], results["cpu"], strict=True):
        masks = [getattr(one, "mask", None) if hasattr(one, "mask") else one.segmentation.mask for one in (here, there)]
        assert dice(*masks) >= 0.995


def test_what_was_held_on_the_device_is_given_back(phantom: Phantom, model: str) -> None:
    if DEVICE != "cuda":
        pytest.skip("needs a CUDA device's own count of its memory")
    engine = Engine()
    request, box = asked(phantom, model, DEVICE)
    before = torch.cuda.memory_allocated()
    engine.explain(request, [box])
    assert torch.cuda.memory_allocated() > before
    assert engine.free() > 0
    assert torch.cuda.memory_allocated() <= before + 2**20


def test_the_fast_encoder_moves_the_mask_little(engines: dict[str, Engine], phantom: Phantom, model: str) -> None:
    request, box = asked(phantom, model, DEVICE)
    exact = engines[DEVICE].explain(request, [box])[0]
    fast = replace(request, model=ModelChoice(model, DEVICE, "fast"))
    rounded = engines[DEVICE].explain(fast, [box])[0]
    if DEVICE == "cuda":
        assert rounded.encoding.backend.startswith("fast")
    assert dice(rounded.segmentation.mask, exact.segmentation.mask) >= 0.97
