"""The model gets exactly what MedSAM's own pipeline gives it, and its frame maps back onto the slice."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import transform

from medxai.errors import InputError
from medxai.model_input.area_resize import area_resized
from medxai.model_input.contrast import body_mask, enhance_contrast
from medxai.model_input.frame import ModelFrame, box_coverage
from medxai.model_input.grey import Window, grey_range_of, grey_slice
from medxai.model_input.preparing import fitted, fitted_and_standardised, stretched
from medxai.slice.slice_image import slice_of
from medxai.volume.volume import make_volume


def official_grey(voxels, modality):
    """The whole volume's grey values by the recipe of MedSAM's pre_CT_MR.py, with its default window 40/400."""
    if modality == "CT":
        lower, upper = 40 - 400 / 2, 40 + 400 / 2
    else:
        lower, upper = np.percentile(voxels[voxels > 0], 0.5), np.percentile(voxels[voxels > 0], 99.5)
    clipped = np.clip(voxels, lower, upper)
    grey = (clipped - clipped.min()) / (clipped.max() - clipped.min()) * 255.0
    if modality == "MR":
        grey[voxels == 0] = 0
    return np.uint8(grey)


def official_tensor(grey):
    """The input by the recipe of MedSAM_Inference.py."""
    three = np.repeat(grey[:, :, None], 3, axis=-1)
    resized = transform.resize(three, (1024, 1024), order=3, preserve_range=True, anti_aliasing=True).astype(np.uint8)
    scaled = (resized - resized.min()) / np.clip(resized.max() - resized.min(), a_min=1e-8, a_max=None)
    return torch.tensor(scaled).float().permute(2, 0, 1).numpy()


@pytest.mark.parametrize(("scan", "modality", "index"), [("ct", "CT", 13), ("mr", "MR", 8)])
def test_the_input_equals_the_official_pipeline_on_real_scans(scan, modality, index, request):
    volume = request.getfixturevalue(scan).volume
    assert volume.modality.value == modality
    grey = grey_slice(slice_of(volume, "axial", index), grey_range_of(volume))
    np.testing.assert_array_equal(grey, official_grey(volume.voxels, modality)[index])
    np.testing.assert_array_equal(stretched(grey, 1024).tensor_chw, official_tensor(grey))


def test_float_volumes_too_equal_the_official_pipeline():
    voxels = np.random.default_rng(0).normal(200, 120, (4, 30, 40))
    voxels[:, :5] = 0
    volume = make_volume("mr", voxels, np.eye(4), "MR")
    np.testing.assert_array_equal(
        grey_slice(slice_of(volume, "axial", 1), grey_range_of(volume)), official_grey(voxels, "MR")[1]
    )


def test_a_box_is_scaled_as_medsam_scales_it():
    frame = ModelFrame(1024, (1024, 1024), (101, 122))
    np.testing.assert_allclose(
        frame.scale_xyxy([45, 28, 104, 85]), np.array([45, 28, 104, 85]) / [122, 101, 122, 101] * 1024
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 70), st.integers(3, 70), st.integers(2, 40))
def test_maps_come_back_as_torch_interpolates(rows, columns, cells):
    values = np.random.default_rng(cells).normal(size=(2, cells, cells)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None], size=(rows, columns), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(
        ModelFrame(256, (256, 256), (rows, columns)).to_slice(values), expected[0].numpy(), atol=5e-5
    )


@pytest.mark.parametrize("prepare", [partial(fitted, resize=area_resized), fitted_and_standardised])
@pytest.mark.parametrize("shape", [(50, 80), (80, 50), (64, 64), (33, 500)])
def test_a_padded_slice_keeps_its_aspect_and_its_padding_never_comes_back(prepare, shape):
    grey = np.random.default_rng(1).integers(50, 255, shape, dtype=np.uint8)
    model_input = prepare(grey, 256)
    height, width = model_input.frame.content_shape
    assert max(height, width) == 256
    assert abs(height / width - shape[0] / shape[1]) < 0.6 / min(height, width) * max(shape) / min(shape)
    assert (model_input.tensor_chw[:, height:] == 0).all()
    assert (model_input.tensor_chw[:, :, width:] == 0).all()
    lit = np.zeros((64, 64), np.float32)
    lit[: int(np.ceil(height / 4)), : int(np.ceil(width / 4))] = 1
    assert (model_input.frame.to_slice(lit) == 1).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-40, 300), min_size=4, max_size=4), st.integers(1, 40))
def test_coverage_sums_to_the_box_area(corners, cells):
    x0, x1 = sorted(corners[:2])
    y0, y1 = sorted(corners[2:])
    coverage = box_coverage(np.array([x0, y0, x1, y1]), (cells, cells), 256)
    inside = max(min(x1, 256) - max(x0, 0), 0) * max(min(y1, 256) - max(y0, 0), 0)
    assert coverage.sum() * (256 / cells) ** 2 == pytest.approx(inside, rel=1e-9, abs=1e-6)
    assert coverage.min() >= 0
    assert coverage.max() <= 1 + 1e-12


def test_a_constant_slice_is_refused():
    voxels = np.zeros((3, 10, 10), np.int16)
    voxels[0, 0, 0] = 100
    volume = make_volume("v", voxels, np.eye(4), "CT")
    with pytest.raises(InputError, match="constant"):
        grey_slice(slice_of(volume, "axial", 2), grey_range_of(volume))


def test_a_window_that_shows_nothing_is_refused():
    volume = make_volume("v", np.arange(300).reshape(3, 10, 10), np.eye(4), "CT")
    with pytest.raises(InputError, match="window"):
        grey_range_of(volume, Window(5000, 100))
    with pytest.raises(InputError, match="width"):
        grey_range_of(volume, Window(40, 0))
    with pytest.raises(InputError, match="constant"):
        grey_slice(slice_of(volume, "axial", 0), grey_range_of(volume, Window(250, 100)))


@pytest.mark.parametrize(("scan", "index"), [("ct", 13), ("mr", 8)])
def test_contrast_is_enhanced_in_the_body_and_nowhere_else(scan, index, request):
    volume = request.getfixturevalue(scan).volume
    grey = grey_slice(slice_of(volume, "axial", index), grey_range_of(volume))
    enhanced, body = enhance_contrast(grey), body_mask(grey)
    assert 0.4 < body.mean() < 0.95
    organs = request.getfixturevalue(scan).organs[index] > 0
    assert body[organs].mean() > 0.98
    np.testing.assert_array_equal(enhanced[~body], grey[~body])
    assert enhanced[body].std() > 1.1 * grey[body].std()
