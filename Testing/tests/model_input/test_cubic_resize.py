"""Cubic convolution equals OpenCV's where a slice is enlarged, and averages where it shrinks."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medxai.model_input.cubic_resize import cubic_resized

OPENCV_SLOPE = -0.75


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 200), st.integers(4, 200), st.floats(1, 3), st.integers(0, 2**32 - 1))
def test_an_enlarged_slice_equals_opencvs(rows, columns, factor, seed):
    grey = np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)
    shape = (int(rows * factor + 0.5), int(columns * factor + 0.5))
    ours = cubic_resized(grey, shape, OPENCV_SLOPE).astype(int)
    theirs = cv2.resize(grey, shape[::-1], interpolation=cv2.INTER_CUBIC)
    # OpenCV computes 8-bit images in fixed point: a value may be rounded to its neighbour.
    assert np.abs(ours - theirs).max() <= 1


def test_a_shrunk_slice_keeps_the_mean_of_what_it_covers():
    grey = np.random.default_rng(0).integers(0, 256, (512, 512), dtype=np.uint8)
    small = cubic_resized(grey, (128, 128), -1.0)
    blocks = grey.reshape(128, 4, 128, 4).mean((1, 3))
    assert abs(small.mean() - grey.mean()) < 1
    assert np.corrcoef(small.ravel(), blocks.ravel())[0, 1] > 0.7  # picking single pixels gives 0.25


def test_a_steeper_slope_is_sharper_and_an_even_slice_stays_even():
    edge = np.repeat(np.array([[50] * 20 + [200] * 20], np.uint8), 40, axis=0)
    spread = [int(np.ptp(cubic_resized(edge, (80, 80), slope).astype(int))) for slope in (-0.5, -0.75, -1.0)]
    assert spread == sorted(spread)
    assert spread[0] < spread[-1]
    even = np.full((30, 50), 77, np.uint8)
    assert (cubic_resized(even, (100, 120), -1.0) == 77).all()
