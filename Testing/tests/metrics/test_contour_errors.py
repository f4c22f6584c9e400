"""How far an outline is off, and that what is written of each point is the check's and the baselines' own."""

from dataclasses import replace

import numpy as np
import pytest

from medxai.contour.result import ContourKind
from medxai.metrics.contour_errors import contour_points, errors_mm
from support import answered


def test_the_error_is_the_distance_to_the_references_outline_in_millimetres():
    reference = np.zeros((40, 60), bool)
    reference[10:30, 20:40] = True  # its outline runs at 19.5 and 39.5, 9.5 and 29.5
    points = np.array([[19.5, 20], [25, 20], [45.5, 20], [30, 34.5]])
    np.testing.assert_allclose(errors_mm(points, reference, (2.0, 1.0)), [0, 9.5, 12, 5], atol=0.6)


@pytest.fixture(scope="module")
def liver():
    return answered.phantom_case("liver")


def test_the_nearest_other_label_counts_and_its_absence_is_far(liver):
    x, spacing = liver.result.contour.points_px[:, 0], liver.result.prepared.image.spacing_mm
    others = np.zeros(liver.reference_mask.shape, int)
    others[:, -20:-10], others[:, -10:] = 2, 3
    edge = others.shape[1] - 20.5
    found = np.array([one.other_label_mm for one in contour_points(liver, other_labels=others)])
    before = x < edge
    assert before.any()
    np.testing.assert_allclose(found[before], (edge - x[before]) * spacing[0], rtol=0.02, atol=0.1)
    far = {one.other_label_mm for one in contour_points(liver)}
    assert len(far) == 1 and far.pop() > 300


def test_every_point_of_the_outline_has_its_error_its_kind_and_the_baselines(liver):
    points = contour_points(liver, seed=3)
    assert len(points) == len(liver.result.contour)
    assert {one.kind for one in points} <= set(map(str, ContourKind))
    edges = np.array([one.box_edge_mm for one in points])
    box, spacing = liver.box.box, liver.result.prepared.image.spacing_mm
    assert edges.min() >= 0 and edges.max() <= max(box.last_row - box.first_row, box.last_column) * max(spacing) / 2 + 5
    assert (
        all(0 <= one.jitter_variance <= 0.25 for one in points) and np.std([one.jitter_variance for one in points]) > 0
    )
    assert contour_points(liver, seed=3) == points != contour_points(liver, seed=4)


def test_the_image_gradient_is_that_of_the_slice_at_the_point(liver):
    grey = np.zeros_like(liver.result.prepared.grey)
    grey[:, grey.shape[1] // 2 :] = 200
    changed = replace(liver, result=replace(liver.result, prepared=replace(liver.result.prepared, grey=grey)))
    points = contour_points(changed)
    x = liver.result.contour.points_px[:, 0] - grey.shape[1] // 2 + 0.5
    gradient = np.array([one.image_gradient_per_mm for one in points])
    assert gradient[np.abs(x) > 8].max(initial=0) == 0
    if (np.abs(x) < 1).any():
        assert gradient[np.abs(x) < 1].min() > 10


def test_without_a_reference_there_is_nothing_to_compare_with(liver):
    assert contour_points(replace(liver, reference_mask=None)) == ()
    assert contour_points(replace(liver, reference_mask=np.zeros_like(liver.reference_mask))) == ()
