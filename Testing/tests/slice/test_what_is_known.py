"""Letters, planes' names and pixels claim no more than the file says."""

import numpy as np
import pytest

from medxai.errors import InputError
from medxai.slice.orientation import orientation_of
from medxai.slice.slice_image import oblique_slice_of, slice_of
from medxai.volume.volume import ScanFacts, make_volume

VOXELS = np.random.default_rng(0).integers(-1000, 1000, (6, 8, 10)).astype(np.int16)
LPS = np.diag([-1.0, -1.0, 1.0])


def volume(axes=LPS, facts=None):
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    return make_volume("scan", VOXELS, matrix, "CT", facts)


def turned(degrees, axis=2):
    """(3, 3) rotation about a RAS axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    made = np.eye(3)
    first, second = (n for n in range(3) if n != axis)
    made[first, first] = made[second, second] = c
    made[first, second], made[second, first] = -s, s
    return made


@pytest.mark.parametrize(
    ("axes", "letters"),
    [
        (LPS, ("R", "L", "A", "P")),
        (turned(15) @ LPS, ("R", "L", "A", "P")),
        (turned(30) @ LPS, ("RA", "LP", "AL", "PR")),
        (turned(45) @ LPS, ("RA", "LP", "AL", "PR")),
        (turned(-30) @ LPS, ("RP", "LA", "AR", "PL")),
        (turned(40, 0) @ turned(30) @ LPS, ("RA", "LP", "AS", "PI")),
        (np.array([[0, 0, 1], [-1, 0, 0], [0, 1, 0]]), ("A", "P", "S", "I")),
    ],
)
def test_edges_have_the_nearest_letters_and_two_where_one_is_not_clear(axes, letters):
    turn = orientation_of(slice_of(volume(axes), "axial", 2))
    assert turn.letters == letters
    for letter, direction in zip(
        turn.letters, (-turn.right_ras, turn.right_ras, -turn.down_ras, turn.down_ras), strict=True
    ):
        for one in letter:
            axis, sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}[one]
            assert direction[axis] * sign > 0.2


def test_an_unknown_orientation_has_no_letters_and_is_shown_as_stored():
    image = slice_of(volume(turned(180), ScanFacts(has_known_orientation=False)), "axial", 2)
    turn = orientation_of(image)
    assert turn.letters == ("", "", "", "")
    np.testing.assert_array_equal(turn.upright(image.pixels), VOXELS[2])
    assert image.anatomical_plane is None and image.where == "slice (k = 2)"


def test_a_slice_bears_the_name_of_its_plane_in_the_patient():
    permuted = LPS[:, [0, 2, 1]]  # j runs to the head, so that slices of constant j are axial
    assert slice_of(volume(), "axial", 2).where == "axial slice 2"
    assert slice_of(volume(permuted), "coronal", 3).where == "axial slice (j = 3)"
    assert slice_of(volume(turned(45, 0) @ LPS), "axial", 2).where == "oblique slice (k = 2)"
    assert oblique_slice_of(volume(), np.eye(4)).where == "oblique slice"


def test_thickness_is_the_scanners_and_of_the_scanned_plane_only():
    thick = volume(facts=ScanFacts(slice_thickness_mm=5))
    assert slice_of(thick, "axial", 2).thickness_mm == 5
    assert slice_of(thick, "coronal", 2).thickness_mm is None


def test_a_plane_that_a_tilt_would_bend_is_refused():
    sheared = LPS.copy()
    sheared[1, 2] = 0.36
    assert slice_of(volume(sheared), "axial", 2).shape == (8, 10)
    assert slice_of(volume(sheared), "coronal", 2).shape == (6, 10)
    with pytest.raises(InputError, match=r"sheared \(19\.8° from a right angle"):
        slice_of(volume(sheared), "sagittal", 2)


def test_pixels_without_a_value_count_as_outside():
    voxels = VOXELS.astype(float)
    voxels[2, 3, 4] = np.nan
    image = slice_of(make_volume("scan", voxels, np.eye(4), "CT"), "axial", 2)
    assert not image.inside[3, 4] and image.inside.sum() == 79
    plane = np.eye(4)
    plane[2, 3] = 2
    oblique = oblique_slice_of(make_volume("scan", voxels, np.eye(4), "CT"), plane)
    assert oblique.inside.sum() == 79
