"""A slice knows where it lies, whichever way the volume is stored."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medxai.errors import InputError
from medxai.slice.box import PixelBox, box_of_mask, clip_box
from medxai.slice.orientation import orientation_of
from medxai.slice.slice_image import as_one_slice_volume, oblique_slice_of, slice_of
from medxai.volume.volume import PLANE_AXES, make_volume

SHAPE_IJK = (7, 6, 5)


def field(ras_mm):
    """A linear function of position, so that every interpolation of it is exact."""
    return 3.0 * ras_mm[0] - 2.0 * ras_mm[1] + 0.5 * ras_mm[2] + 10


def volume_in(axes, signs, spacing=(1.5, 2.0, 4.0), origin=(11.0, -7.0, 30.0)):
    """A volume of the linear field whose IJK axes are a permutation of RAS with signs."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for axis, (ras, sign) in enumerate(zip(axes, signs, strict=False)):
        matrix[ras, axis] = sign * spacing[axis]
    matrix[:3, 3] = origin
    i, j, k = np.meshgrid(*(np.arange(n) for n in SHAPE_IJK), indexing="ij")
    ras = np.einsum("rc,cijk->rijk", matrix, np.stack([i, j, k, np.ones_like(i)]).astype(float))
    return make_volume("field", field(ras).transpose(2, 1, 0), matrix, "MR")


EVERY_STORAGE = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


@pytest.mark.parametrize("plane", PLANE_AXES)
@pytest.mark.parametrize(("axes", "signs"), EVERY_STORAGE)
def test_pixels_lie_where_their_voxels_lie(plane, axes, signs):
    volume = volume_in(axes, signs)
    image = slice_of(volume, plane, 2)
    rows, columns = np.indices(image.shape)
    ras = np.einsum(
        "rc,cyx->ryx", image.pixel_to_ras_mm, np.stack([columns, rows, 0 * rows, 1 + 0 * rows]).astype(float)
    )
    np.testing.assert_allclose(image.pixels, field(ras), atol=1e-9)


@pytest.mark.parametrize("plane", PLANE_AXES)
@pytest.mark.parametrize(("axes", "signs"), EVERY_STORAGE)
def test_a_map_put_back_into_the_volume_lies_on_its_slice(plane, axes, signs):
    volume = volume_in(axes, signs)
    image = slice_of(volume, plane, 3)
    placed = as_one_slice_volume(image, image.pixels)
    k, j, i = np.indices(placed.voxels.shape)
    ras = np.einsum("rc,ckji->rkji", placed.ijk_to_ras_mm, np.stack([i, j, k, 1 + 0 * i]).astype(float))
    np.testing.assert_allclose(placed.voxels, field(ras), atol=1e-9)
    assert sorted(placed.voxels.shape)[0] == 1
    assert placed.voxels.shape[2 - PLANE_AXES[plane][2]] == 1
    assert np.sign(np.linalg.det(placed.ijk_to_ras_mm[:3, :3])) == np.sign(np.linalg.det(volume.ijk_to_ras_mm[:3, :3]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 47), st.tuples(*[st.floats(-0.9, 0.9)] * 3), st.floats(-2, 2))
def test_an_oblique_slice_samples_the_volume_along_its_plane(storage, tilt, shift_mm):
    volume = volume_in(*EVERY_STORAGE[storage])
    normal = np.array([tilt[0], tilt[1], 1.0])
    normal /= np.linalg.norm(normal)
    right = np.cross([0.0, 1.0, tilt[2]], normal)
    right /= np.linalg.norm(right)
    plane = np.eye(4)
    plane[:3, 0], plane[:3, 1], plane[:3, 2] = right, np.cross(normal, right), normal
    middle = volume.ijk_to_ras_mm @ [*((np.array(SHAPE_IJK) - 1) / 2), 1]
    plane[:3, 3] = middle[:3] + shift_mm * normal
    image = oblique_slice_of(volume, plane)
    rows, columns = np.indices(image.shape)
    ras = np.einsum(
        "rc,cyx->ryx", image.pixel_to_ras_mm, np.stack([columns, rows, 0 * rows, 1 + 0 * rows]).astype(float)
    )
    ijk = np.einsum(
        "rc,cyx->ryx", np.linalg.inv(volume.ijk_to_ras_mm), np.concatenate([ras[:3], np.ones((1, *image.shape))])
    )[:3]
    between_centres = np.all((ijk >= 0) & (ijk <= np.array(SHAPE_IJK)[:, None, None] - 1), axis=0)
    assert between_centres.any()
    np.testing.assert_allclose(image.pixels[between_centres], field(ras)[between_centres], rtol=1e-4, atol=1e-3)
    assert image.inside[between_centres].all()
    assert (image.pixels[~image.inside] == np.float32(volume.voxels.min())).all()
    np.testing.assert_allclose(abs((ras[:3] - plane[:3, 3, None, None]).transpose(1, 2, 0) @ normal), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("plane", "index"), [("axial", 5), ("axial", -1), ("coronal", 6), ("sagittal", 7), ("diagonal", 0)]
)
def test_a_slice_that_is_not_there_is_refused(plane, index):
    with pytest.raises(InputError, match="choose"):
        slice_of(volume_in(*EVERY_STORAGE[0]), plane, index)


def test_a_plane_beside_the_volume_is_refused():
    plane = np.eye(4)
    plane[2, 3] = 500
    with pytest.raises(InputError, match="does not cut"):
        oblique_slice_of(volume_in(*EVERY_STORAGE[0]), plane)


@pytest.mark.parametrize(
    "box",
    [
        (-5, 0, -1, 3),
        (7, 0, 9, 3),
        (0, 6, 3, 8),
        (3, 2, 1, 4),
        (2, 4, 4, 2),
        (float("nan"), 0, 2, 2),
        (0, 0, float("inf"), 2),
    ],
)
def test_a_box_that_cannot_be_used_is_refused(box):
    with pytest.raises(InputError):
        clip_box(slice_of(volume_in(*EVERY_STORAGE[0]), "axial", 0), *box)


def test_a_box_over_the_edge_is_cut_there_and_says_so():
    clipped = clip_box(slice_of(volume_in(*EVERY_STORAGE[0]), "axial", 0), -3, 2, 4, 99)
    assert clipped.was_clipped
    assert clipped.box.xyxy.tolist() == [0, 2, 4, 5]


@given(st.data())
def test_the_box_of_a_box_mask_is_the_box(data):
    x0, y0 = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 8))
    x1, y1 = data.draw(st.integers(x0, 9)), data.draw(st.integers(y0, 9))
    mask = np.zeros((10, 10), bool)
    mask[y0 : y1 + 1, x0 : x1 + 1] = True
    box = box_of_mask(mask)
    assert box.xyxy.tolist() == [x0, y0, x1, y1]
    assert (box.mask(mask.shape) == mask).all()


def test_the_same_anatomy_looks_the_same_however_it_is_stored():
    """An asymmetric volume stored in all 48 ways: its upright axial, coronal and sagittal pictures are always the same."""
    anatomy = np.random.default_rng(0).normal(size=(5, 6, 7))  # along R, A, S
    expected = {2: anatomy[::-1, ::-1, 3].T, 1: anatomy[::-1, 3, ::-1].T, 0: anatomy[2, ::-1, ::-1].T}
    box = PixelBox(1, 2, 3, 3)
    for axes, signs in EVERY_STORAGE:
        matrix, shape = np.zeros((4, 4)), np.array(anatomy.shape)[list(axes)]
        matrix[3, 3] = 1
        stored = anatomy.transpose(axes)
        for axis, (ras, sign) in enumerate(zip(axes, signs, strict=False)):
            matrix[ras, axis] = sign
            if sign < 0:
                matrix[ras, 3] = shape[axis] - 1
                stored = np.flip(stored, axis)
        volume = make_volume("v", stored.transpose(2, 1, 0), matrix, "MR")
        for plane, (_, _, through) in PLANE_AXES.items():
            ras = axes[through]
            wanted = {2: 3, 1: 3, 0: 2}[ras]
            image = slice_of(volume, plane, wanted if signs[through] > 0 else shape[through] - 1 - wanted)
            turn = orientation_of(image)
            np.testing.assert_array_equal(turn.upright(image.pixels), expected[ras])
            assert turn.letters == {2: ("R", "L", "A", "P"), 1: ("R", "L", "S", "I"), 0: ("A", "P", "S", "I")}[ras]
            x0, y0, x1, y1 = (int(v) for v in turn.upright_extent(box, image.shape))
            marked = turn.upright(box.mask(image.shape))
            assert marked[y0:y1, x0:x1].all()
            assert marked.sum() == (x1 - x0) * (y1 - y0)
