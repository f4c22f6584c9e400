"""Real scans through the whole way: every slice of every organ, nothing lost, nothing lit outside the image."""

import numpy as np
import pytest

from medxai.encoding.cache import EncodingCache
from medxai.engine import Explainer, prepare_slice
from medxai.explainers.three_stage.parameters import Preset, parameters_for
from medxai.explainers.three_stage.stages import STAGES
from medxai.models.loading import load_model
from medxai.slice.box import ClippedBox, box_of_mask
from medxai.slice.slice_image import slice_of

ORGANS = ("liver", "spleen", "right kidney", "left kidney", "aorta")
MIN_PIXELS = 30


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("scan", ["ct", "mr"])
def test_every_organ_on_every_slice_is_explained(scan, preset, request, demo):
    scan = request.getfixturevalue(scan)
    explainer = Explainer(demo, EncodingCache())
    cases = 0
    for index in range(scan.volume.voxels.shape[0]):
        masks = [scan.mask(organ, index) for organ in ORGANS]
        boxes = [ClippedBox(box_of_mask(mask), False) for mask in masks if mask.sum() > MIN_PIXELS]
        if not boxes:
            continue
        prepared = prepare_slice(scan.volume, slice_of(scan.volume, "axial", index), demo.convention)
        results = explainer.explain(prepared, boxes, parameters_for(preset))
        assert len(results) == len(boxes)
        for result in results:
            cases += 1
            assert result.segmentation.mask.shape == prepared.grey.shape
            assert np.isfinite(result.segmentation.logits).all()
            for maps in result.explanation.layers:
                outside = result.encoding.frame.content_coverage(maps.grid) == 0
                for stage in STAGES:
                    assert np.isfinite(maps.stages[stage]).all()
                    assert np.abs(maps.stages[stage]).max() <= 1 + 1e-5
                    assert (maps.stages[stage][outside] == 0).all()
                    assert np.isfinite(result.on_slice(maps.stages[stage])).all()
                assert maps.stages[3].min() >= 0
    assert cases >= 60


def test_the_demo_model_finds_a_real_liver_better_than_its_box(ct, demo):
    """Not a benchmark, only: what the project ships has learned something that a box alone does not say."""
    from medxai.engine import explain_volume_slice

    index = 13
    mask = ct.mask("liver", index)
    box = box_of_mask(mask)
    found = explain_volume_slice(ct.volume, "axial", index, tuple(box.xyxy), demo).segmentation.mask

    def dice(other):
        return 2 * (mask & other).sum() / (mask.sum() + other.sum())

    assert dice(found) > dice(box.mask(mask.shape)) + 0.1


def test_the_second_box_on_a_slice_does_not_encode_again(ct, demo):
    explainer = Explainer(demo, EncodingCache())
    prepared = prepare_slice(ct.volume, slice_of(ct.volume, "axial", 13), demo.convention)
    first, second = (
        explainer.explain(prepared, [ClippedBox(box_of_mask(ct.mask(o, 13)), False)])[0] for o in ("liver", "aorta")
    )
    assert first.encoded_now
    assert not second.encoded_now
    assert second.encoding is first.encoding
    again = prepare_slice(ct.volume, slice_of(ct.volume, "axial", 14), demo.convention)
    assert explainer.explain(again, [ClippedBox(box_of_mask(ct.mask("liver", 14)), False)])[0].encoded_now
