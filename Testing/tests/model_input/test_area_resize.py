"""Area interpolation equals OpenCV's, byte for byte, at every size."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medxai.model_input.area_resize import area_resized

side = st.integers(1, 600)


def opencv(grey, shape):
    three = np.repeat(grey[:, :, None], 3, axis=-1)
    return cv2.resize(three, shape[::-1], interpolation=cv2.INTER_AREA)[:, :, 0]


@settings(max_examples=150, deadline=None)
@given(side, side, st.integers(0, 2**32 - 1))
def test_a_slice_fitted_to_256_pixels_equals_opencvs(rows, columns, seed):
    grey = np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)
    scale = 256 / max(grey.shape)
    shape = tuple(max(int(n * scale + 0.5), 1) for n in grey.shape)
    np.testing.assert_array_equal(area_resized(grey, shape), opencv(grey, shape))


@pytest.mark.parametrize(
    ("old", "new"),
    [((512, 512), (256, 256)), ((768, 1024), (192, 256)), ((300, 512), (256, 256)), ((100, 700), (200, 256))],
    ids=["halved", "a whole factor", "another along each side", "larger and smaller"],
)
def test_every_kind_of_change_equals_opencvs(old, new):
    grey = np.random.default_rng(1).integers(0, 256, old, dtype=np.uint8)
    np.testing.assert_array_equal(area_resized(grey, new), opencv(grey, new))


def test_nothing_changes_where_the_shape_stays():
    grey = np.random.default_rng(2).integers(0, 256, (40, 50), dtype=np.uint8)
    np.testing.assert_array_equal(area_resized(grey, (40, 50)), grey)
