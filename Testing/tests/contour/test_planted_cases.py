"""Slices on which it is known where the outline is soft or goes with the box: the check has to say so there, and only there."""

import numpy as np

from medxai.contour.result import FOLLOWS_BOX_FROM, SOFT_FROM_MM_PER_LOGIT, ContourKind


def share_of(kind, checked, points):
    """The share of some points' length that is of a kind."""
    own = np.array([one == kind for one in checked.check.kind]) & points
    return checked.check.length_mm[own].sum() / checked.check.length_mm[points].sum()


def test_a_sharp_disc_is_firm_and_stays_with_the_image(checked):
    disc = checked("sharp_disc")
    assert disc.check.share[ContourKind.FIRM] > 0.85
    assert np.median(disc.check.tolerance_mm_per_logit) < SOFT_FROM_MM_PER_LOGIT
    assert np.median(disc.check.follows_box_total) < 0.25


def test_a_box_over_nothing_is_followed_all_round(checked):
    nothing = checked("box_over_nothing")
    assert nothing.check.share[ContourKind.FOLLOWS_BOX] > 0.9
    assert 0.7 < np.median(nothing.check.follows_box_total) < 2


def test_a_disc_that_fades_on_one_side_is_soft_there_alone(checked):
    fading = checked("fading_disc")
    tolerance = fading.check.tolerance_mm_per_logit
    # The most tolerant tenth lies on the faded side; the sharp side is as firm as a disc that is sharp all round.
    assert fading.planted[tolerance >= np.quantile(tolerance, 0.9)].mean() > 0.9
    left = fading.check.points_px[:, 0] < 120
    sharp = np.median(checked("sharp_disc").check.tolerance_mm_per_logit)
    assert np.median(tolerance[left]) < 1.4 * sharp
    assert tolerance[fading.planted].max() > 2.5 * sharp


def test_two_touching_discs_are_soft_at_the_contact_alone(checked):
    discs = checked("touching_discs")
    tolerance = discs.check.tolerance_mm_per_logit
    assert tolerance[discs.planted].max() == tolerance.max() > SOFT_FROM_MM_PER_LOGIT
    assert share_of(ContourKind.FIRM, discs, discs.planted) < 0.6
    assert np.median(tolerance[discs.planted]) > 1.5 * np.median(tolerance[~discs.planted])


def test_an_outline_that_the_box_cuts_follows_the_box_exactly_there(checked):
    bar = checked("cut_by_the_box")
    assert share_of(ContourKind.FOLLOWS_BOX, bar, bar.planted) > 0.7
    # Its own sides are in the image: wherever the outline runs along one of them, it stays.
    x, y = bar.check.points_px.T
    side = (np.abs(np.abs(x - 127.5) - 26) < 2) & (np.abs(y - 117.5) < 20)
    if side.any():
        assert np.median(bar.check.follows_box_total[side]) < FOLLOWS_BOX_FROM
    # Upper and lower edges move it, the two edges beside the bar hardly do.
    across, along = bar.check.follows_box[bar.planted][:, [0, 2]], bar.check.follows_box[bar.planted][:, [1, 3]]
    assert np.median(along.sum(axis=1)) > 1.5 * np.median(across.sum(axis=1))
