"""Tolerance and box-following of logits that are a formula, whose answers are known exactly."""

import numpy as np
import pytest

from medxai.contour.box_following import follows_box, moved_boxes
from medxai.contour.check import check_tolerance
from medxai.contour.outline import Grid, Outline
from medxai.contour.result import ContourCheck, ContourKind
from medxai.model_input.frame import ModelFrame
from medxai.slice.slice_image import SliceImage

CELLS = 64


def slice_of_shape(rows, columns, width_mm=1.0, height_mm=1.0):
    """An axial slice whose columns run to the left and rows to the back of the patient, with its corner at (10, 20, 30)."""
    matrix = np.diag([-width_mm, -height_mm, 5.0, 1.0])
    matrix[:3, 3] = 10, 20, 30
    return SliceImage("made", np.zeros((rows, columns)), matrix, np.ones((rows, columns), bool), "axial", 0)


def disc(slope_per_cell, radius=16.0, centre=(31.5, 31.5)):
    """(64, 64) logits of a disc on the decoder's grid that fall by so much a cell."""
    rows, columns = np.indices((CELLS, CELLS))
    return (radius - np.hypot(rows - centre[0], columns - centre[1])) * slope_per_cell


@pytest.mark.parametrize("slope_per_cell", [0.25, 2.0])
@pytest.mark.parametrize("spacing_mm", [0.7, 3.0])
def test_the_tolerance_is_one_over_the_slope_in_millimetres(slope_per_cell, spacing_mm):
    image = slice_of_shape(CELLS, CELLS, spacing_mm, spacing_mm)
    frame = ModelFrame(256, (256, 256), image.shape)
    check = check_tolerance(image, frame, disc(slope_per_cell))
    np.testing.assert_allclose(check.tolerance_mm_per_logit, spacing_mm / slope_per_cell, rtol=0.02)
    assert check.length_mm.sum() == pytest.approx(2 * np.pi * 16 * spacing_mm, rel=0.01)


def test_pixels_that_are_wider_than_high_count_in_millimetres_along_each_axis():
    image = slice_of_shape(CELLS, CELLS, width_mm=3.0, height_mm=1.0)
    logits = np.tile(10.0 - np.arange(CELLS), (CELLS, 1))  # falls by one a cell along the columns alone
    check = check_tolerance(image, ModelFrame(256, (256, 256), image.shape), logits)
    np.testing.assert_allclose(check.tolerance_mm_per_logit, 3.0, rtol=0.01)
    assert check.is_closed == (False,)


def test_a_slice_that_fills_a_part_of_the_square_gets_the_outline_where_the_mask_is():
    """24 × 48 pixels of the slice on the upper half of the square; no outline enters the padding below it."""
    image = slice_of_shape(24, 48)
    frame = ModelFrame(128, (64, 128), image.shape)
    logits = disc(1.0, radius=6.0, centre=(15.5, 31.5))  # grid of 64 cells: 32 × 64 of them are the slice
    logits[40:] = 5.0  # the model may answer anything in the padding
    check = check_tolerance(image, frame, logits)
    centre = check.points_px.mean(axis=0)
    np.testing.assert_allclose(centre, [(31.5 + 0.5) * 48 / 64 - 0.5, (15.5 + 0.5) * 24 / 32 - 0.5], atol=0.05)
    mask = frame.to_slice(logits) > 0
    columns, rows = np.rint(check.points_px).astype(int).T
    near = np.pad(mask, 1)[rows.clip(0) + 1, columns.clip(0) + 1]
    assert 0.2 < near.mean() < 0.8  # half inside, half outside: it is the mask's own edge
    np.testing.assert_allclose(check.points_ras_mm[0], [10 - check.points_px[0, 0], 20 - check.points_px[0, 1], 30])


def test_a_flat_logit_gives_a_large_finite_tolerance():
    image = slice_of_shape(CELLS, CELLS)
    logits = np.where(disc(1.0) > 0, 1e-9, -1e-9)
    check = check_tolerance(image, ModelFrame(256, (256, 256), image.shape), logits)
    assert np.isfinite(check.tolerance_mm_per_logit).all() and check.tolerance_mm_per_logit.min() > 50


@pytest.mark.parametrize("logits", [np.full((CELLS, CELLS), -3.0), np.full((CELLS, CELLS), 3.0)])
def test_a_mask_of_nothing_or_everything_has_no_outline(logits):
    image = slice_of_shape(CELLS, CELLS)
    check = check_tolerance(image, ModelFrame(256, (256, 256), image.shape), logits)
    assert len(check) == 0 and not list(check.stretches())
    assert set(check.share.values()) == {0.0}


def box_logits(xyxy_cells, slope_per_cell=1.0):
    """A mask that is the box itself: the least distance to an edge."""
    rows, columns = np.indices((CELLS, CELLS)) + 0.5
    x0, y0, x1, y1 = xyxy_cells
    return np.minimum.reduce([columns - x0, rows - y0, x1 - columns, y1 - rows]) * slope_per_cell


@pytest.mark.parametrize("slope_per_cell", [0.5, 3.0])
def test_a_mask_that_is_the_box_follows_each_edge_by_one_where_it_is_and_not_elsewhere(slope_per_cell):
    image = slice_of_shape(CELLS, CELLS, 2.0, 2.0)
    frame = ModelFrame(256, (256, 256), image.shape)  # four model pixels a cell
    xyxy = np.array([64.0, 80.0, 200.0, 180.0])
    logits = box_logits(xyxy / 4, slope_per_cell)
    outline = Outline.of(logits, Grid.of(logits.shape, frame, image))
    moved = moved_boxes(xyxy, logits.shape, frame)
    answers = [box_logits(corners / 4, slope_per_cell) for corners in moved.corners_xyxy]
    tolerance = check_tolerance(image, frame, logits).tolerance_mm_per_logit
    followed = follows_box(outline, tolerance, moved, answers)
    rows, columns = outline.points.T + 0.5
    on_left = (np.abs(columns - 16) < 0.6) & (np.abs(rows - 32.5) < 6)
    on_bottom = (np.abs(rows - 45) < 0.6) & (np.abs(columns - 33) < 8)
    np.testing.assert_allclose(followed[on_left], np.tile([1.0, 0, 0, 0], (on_left.sum(), 1)), atol=0.03)
    np.testing.assert_allclose(followed[on_bottom], np.tile([0, 0, 0, 1.0], (on_bottom.sum(), 1)), atol=0.03)


def test_a_box_at_the_slices_edge_or_of_one_cell_is_moved_within_reason():
    frame = ModelFrame(256, (256, 200), (64, 50))
    moved = moved_boxes(np.array([0.0, 100.0, 200.0, 102.0]), (CELLS, CELLS), frame)
    assert (moved.corners_xyxy[:, [0, 1]] >= 0).all() and (moved.corners_xyxy[:, 2] <= 200).all()
    assert (moved.corners_xyxy[:, 3] > moved.corners_xyxy[:, 1]).all()
    np.testing.assert_allclose(moved.moved_px, [4, 1, 4, 1])


def check_of(tolerance, follows, outline=None, is_closed=(True,)):
    count = len(tolerance)
    points = np.stack([np.arange(count), np.zeros(count)], axis=1).astype(float)
    return ContourCheck(
        points,
        np.zeros((count, 3)),
        np.zeros(count, int) if outline is None else np.array(outline),
        is_closed,
        np.ones(count),
        np.array(tolerance, float),
        np.stack([np.array(follows, float), *np.zeros((3, count))], axis=1),
        0.0,
    )


FIRM, SOFT, BOX = ContourKind.FIRM, ContourKind.SOFT, ContourKind.FOLLOWS_BOX


def test_following_the_box_goes_before_softness_and_shares_are_of_the_length():
    check = check_of([0.2, 3.0, 3.0, 0.2], [0.1, 0.1, 0.9, 0.9])
    assert check.kind == (FIRM, SOFT, BOX, BOX)
    assert check.share == {FIRM: 0.25, SOFT: 0.25, BOX: 0.5}
    assert check.median_tolerance(SOFT) == 3.0


def test_stretches_meet_and_a_closed_outline_is_not_cut_at_its_first_point():
    check = check_of([0.2, 3, 3, 0.2, 0.2], [0] * 5)
    found = [(one.kind, one.indexes.tolist()) for one in check.stretches()]
    assert found == [(SOFT, [1, 2, 3]), (FIRM, [3, 4, 0, 1])]


def test_an_open_outline_ends_where_it_ends_and_two_outlines_stay_apart():
    check = check_of([0.2, 3, 3, 3, 0.2, 0.2], [0] * 6, [0, 0, 0, 1, 1, 1], (False, True))
    found = [(one.kind, one.indexes.tolist(), one.is_closed) for one in check.stretches()]
    assert found[:2] == [(FIRM, [0, 1], False), (SOFT, [1, 2], False)]
    assert found[2:] == [(SOFT, [3, 4], False), (FIRM, [4, 5, 3], False)]
    (whole,) = check_of([0.2] * 3, [0] * 3).stretches()
    assert whole.is_closed and whole.indexes.tolist() == [0, 1, 2]
