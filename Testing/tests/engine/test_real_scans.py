"""Real scans through the whole pipeline: every slice of every organ, nothing lost, nothing lit outside the image."""

import numpy as np
import pytest

from medxai.engine import Engine
from medxai.explainers.three_stage.parameters import Preset, parameters_for
from medxai.maps import STAGES
from medxai.metrics.box_dice import dice
from medxai.request import ExplainRequest
from medxai.slice.box import ClippedBox, box_of_mask
from support.answered import DEMO, organ_case

ORGANS = ("liver", "spleen", "right kidney", "left kidney", "aorta")
MIN_PIXELS = 30


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("scan", ["ct", "mr"])
def test_every_organ_on_every_slice_is_explained(scan, preset, request):
    scan = request.getfixturevalue(scan)
    engine = Engine()
    cases, every = 0, 1 if preset is Preset.PAPER else 3
    for index in range(0, scan.volume.voxels.shape[0], every):
        masks = [scan.mask(organ, index) for organ in ORGANS]
        boxes = [ClippedBox(box_of_mask(mask), False) for mask in masks if mask.sum() > MIN_PIXELS]
        if not boxes:
            continue
        asked = ExplainRequest.of_slice(scan.volume, "axial", index, model=DEMO, parameters=parameters_for(preset))
        results = engine.explain(asked, boxes)
        assert len(results) == len(boxes)
        for result in results:
            cases += 1
            assert result.segmentation.mask.shape == asked.image.shape
            assert np.isfinite(result.segmentation.logits).all()
            for maps in result.explanation.layers:
                outside = result.encoding.frame.content_coverage(maps.grid) == 0
                for stage in STAGES:
                    assert np.isfinite(maps.stages[stage]).all()
                    assert np.abs(maps.stages[stage]).max() <= 1 + 1e-5
                    assert (maps.stages[stage][outside] == 0).all()
                    assert np.isfinite(result.on_slice(maps.stages[stage])).all()
                assert maps.stages[3].min() >= 0
    assert cases >= 60 / every


def test_the_demo_model_finds_a_real_liver_better_than_its_box(ct):
    """Not a benchmark, only: what the project ships has learned something that a box alone does not say."""
    case = organ_case(ct, "liver", 13)
    mask = case.reference_mask
    assert dice(mask, case.result.segmentation.mask) > dice(mask, case.box.box.mask(mask.shape)) + 0.1


def test_the_second_box_on_a_slice_does_not_encode_again(ct):
    engine = Engine()
    first, second = (organ_case(ct, organ, 13, engine=engine) for organ in ("liver", "aorta"))
    assert first.result.encoding.is_new
    assert not second.result.encoding.is_new
    assert second.encoding is first.encoding
    assert organ_case(ct, "liver", 14, engine=engine).result.encoding.is_new
