"""The contour check decodes its moved boxes approximately; on real slices it says what the exact decodes say."""

import numpy as np
import pytest

from medxai.contour.box_following import follows_box, moved_boxes
from medxai.contour.outline import Grid, Outline
from medxai.contour.result import FOLLOWS_BOX_FROM
from medxai.engine import Engine
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.request import ModelChoice
from medxai.segmentation.segmenting import logits_of_corners
from support.answered import organ_case

#: On all of the cohort's boxes, 0.4 % of the points change their kind.
SLICES = {"ct": (("liver", 12), ("spleen", 15)), "mr": (("liver", 10), ("spleen", 10))}


def exact_follows_box(case) -> np.ndarray:
    """(n, 4): as the check's, with the eight moved boxes decoded in full."""
    logits, frame = case.result.segmentation.logits, case.encoding.frame
    outline = Outline.of(logits, Grid.of(logits.shape, frame, case.result.prepared.image))
    moved = moved_boxes(case.model.convention.box_in_model_px(case.result.segmentation.box, frame), logits.shape, frame)
    moved_logits = logits_of_corners(case.model, case.encoding, moved.corners_xyxy)
    return follows_box(outline, case.result.contour.tolerance_mm_per_logit, moved, moved_logits)


@pytest.mark.parametrize(("model", "scan"), [("demo", "ct"), ("demo", "mr"), ("litemedsam", "ct")])
def test_the_check_says_what_it_would_say_with_exact_decodes(model, scan, request):
    if not ModelStore().has(registered(model)):
        pytest.skip("needs LiteMedSAM's weights; fetch them with 'medxai models download litemedsam'")
    engine, real = Engine(), request.getfixturevalue(scan)
    found, expected = [], []
    for organ, index in SLICES[scan]:
        case = organ_case(real, organ, index, ModelChoice(model), engine, layers=("neck",))
        found.append(engine.check_contour(case.request, case.result).follows_box_total)
        expected.append(exact_follows_box(case).sum(axis=1))
    total, exact = np.concatenate(found), np.concatenate(expected)
    assert np.abs(total - exact).max() > 0  # it is an approximation
    assert np.mean((total >= FOLLOWS_BOX_FROM) != (exact >= FOLLOWS_BOX_FROM)) <= 0.01
    assert np.quantile(np.abs(total - exact), 0.9) < 0.05
    assert exact.std() > 0.1  # some of the outline follows the box, and some does not
