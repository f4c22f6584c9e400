"""The engine's contour check: what comes with every result, what takes eight more boxes, and how it is stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medxai.contour.check import check_tolerance
from medxai.contour.outline import Grid, Outline
from medxai.encoding.backends.preview import PREVIEW
from medxai.engine import Engine
from medxai.errors import Cancelled, InputError
from medxai.progress import RunControl, Step
from medxai.request import ExplainRequest
from medxai.segmentation.segmenting import logits_of_corners
from medxai.volume.phantom import make_phantom
from support.models import small_model

BOX = (40, 60, 120, 130)


@pytest.fixture(scope="module")
def asked():
    model = small_model()
    # Random weights give an outline all over the slice; a small disc stands in for it.
    request = ExplainRequest.of_slice(make_phantom().volume, "axial", 20, model=model)
    engine = Engine()
    (result,) = engine.explain(request, [BOX])
    rows, columns = np.indices(result.segmentation.logits.shape)
    logits = 4.0 - np.hypot(rows - 9.0, columns - 9.0)
    return engine, request, with_logits(result, logits)


def with_logits(result, logits):
    """A result with another mask's logits, and the tolerance of their outline."""
    explanation = replace(result.explanation, segmentation=replace(result.segmentation, logits=logits))
    contour = check_tolerance(result.prepared.image, result.encoding.frame, logits)
    return replace(result, explanation=explanation, contour=contour)


def test_every_result_has_its_tolerance_and_the_check_adds_the_box_to_it(asked):
    engine, request, _ = asked
    (result,) = engine.explain(request, [BOX])
    assert result.contour.follows_box is None
    check = engine.check_contour(request, result)
    np.testing.assert_array_equal(check.tolerance_mm_per_logit, result.contour.tolerance_mm_per_logit)
    assert check.follows_box.shape == (len(check), 4)


def test_the_moved_boxes_are_decoded_only_where_the_outline_reads_them(asked):
    engine, request, result = asked
    case = engine.case(request, BOX)
    corners = np.array([[20.0, 30, 80, 90], [22, 30, 80, 90]])
    whole = logits_of_corners(case.model, case.encoding, corners)
    logits, frame = result.segmentation.logits, result.encoding.frame
    outline = Outline.of(logits, Grid.of(logits.shape, frame, result.prepared.image))
    read = outline.read_blocks(logits.shape, case.encoding.embedding.shape[-2:])
    assert 0 < read.mean() < 1
    part = logits_of_corners(case.model, case.encoding, corners, read)
    for one, other in zip(part, whole, strict=True):
        torch.testing.assert_close(outline.smoothed(one), outline.smoothed(other), rtol=1e-4, atol=1e-6)
    assert not part[:, ~np.kron(read, np.ones((4, 4), bool))].any()


def test_the_check_is_stopped_before_the_boxes_are_decoded_and_says_what_it_does(asked):
    engine, request, result = asked
    with pytest.raises(Cancelled):
        engine.check_contour(request, result, RunControl(is_cancelled=lambda: True))
    assert Step.CHECKING == "checking the outline"


def test_a_preview_is_not_checked_against_the_box(asked):
    engine, request, result = asked
    preview = replace(result, encoding=replace(result.encoding, backend=PREVIEW.name))
    with pytest.raises(InputError, match="wait for the full result"):
        engine.check_contour(request, preview)


def test_no_outline_is_no_error(asked):
    engine, request, result = asked
    empty = with_logits(result, np.full_like(result.segmentation.logits, -1))
    assert engine.check_contour(request, empty).follows_box.shape == (0, 4)
    assert len(empty.contour) == 0
