"""The preview: cheaper, on the full grid for the decoder, marked as a preview, and never mistaken for the result."""

import numpy as np
import pytest
import torch

from medxai.encoding.backends import preview as preview_backend
from medxai.encoding.backends.preview import PREVIEW, can_preview
from medxai.encoding.feature_extraction import run_encoder
from medxai.encoding.kernels.half_size import half_size_pass
from medxai.engine import Engine
from medxai.errors import Cancelled
from medxai.models.networks.demo_encoder import DemoImageEncoder
from medxai.models.networks.sam_vit import SAM_VIT_B, build_sam_vit
from medxai.progress import RunControl
from medxai.request import ExplainRequest
from medxai.slice.slice_image import slice_of
from medxai.volume.phantom import make_phantom
from support.encoders import image_for, own_forward, relative_error, vit
from support.models import SMALL_SHAPE, small_model

EVEN = dict(img_size=128, patch_size=8, window_size=5, global_attn_indexes=(1, 3))


def test_the_preview_is_the_encoder_on_the_halved_image():
    """Against segment-anything's own forward, given the halved image and positions; relative ones it interpolates itself."""
    encoder = vit(**EVEN)
    image = image_for(encoder)
    output = half_size_pass(encoder, image, ("block 1", "neck"))
    small = torch.nn.functional.avg_pool2d(image, 2)
    positions = torch.nn.functional.interpolate(encoder.pos_embed.permute(0, 3, 1, 2), size=(8, 8), mode="bicubic")
    encoder.pos_embed = torch.nn.Parameter(positions.permute(0, 2, 3, 1), requires_grad=False)
    expected, captured = own_forward(encoder, small)
    assert output.embedding.shape[-2:] == (16, 16)
    full = torch.nn.functional.interpolate(expected, size=(16, 16), mode="bilinear")
    assert relative_error(output.embedding, full) < 1e-5
    assert relative_error(output.tokens["block 1"], captured["block 1"]) < 1e-5
    assert list(output.tokens) == ["block 1", "neck"]


def test_it_resembles_the_full_result_more_than_another_image_does():
    encoder = vit(**EVEN)
    smooth = torch.nn.functional.interpolate(
        torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(2)), size=128, mode="bicubic"
    )
    full, other = (run_encoder(encoder, image[None], ("neck",)).embedding for image in smooth)
    preview = half_size_pass(encoder, smooth[:1], ("neck",)).embedding
    assert relative_error(preview, full) < 0.8 * relative_error(other, full)


def test_progress_and_cancellation_are_those_of_the_full_pass():
    encoder = vit(**EVEN)
    seen = []
    half_size_pass(
        encoder, image_for(encoder), ("neck",), RunControl(lambda _step, done, total: seen.append((done, total)))
    )
    assert seen == [(n, 5) for n in range(1, 6)]
    with pytest.raises(Cancelled):
        half_size_pass(encoder, image_for(encoder), ("neck",), RunControl(is_cancelled=lambda: True))


def test_only_large_vits_get_a_preview():
    with torch.device("meta"):
        large = build_sam_vit(SAM_VIT_B).image_encoder
    assert not can_preview(large)  # not on the CPU
    assert can_preview(vit(img_size=1024, patch_size=64, window_size=4))
    assert not can_preview(vit(img_size=1024, patch_size=1024, window_size=0))  # no half of a patch
    assert not can_preview(vit(img_size=512, patch_size=32, window_size=4))
    assert not can_preview(DemoImageEncoder().eval())


def test_a_preview_says_so_is_kept_apart_and_gives_way_to_the_result(monkeypatch):
    monkeypatch.setattr(preview_backend, "_SMALLEST_SIDE_PX", SMALL_SHAPE.image_size_px)
    model = small_model()
    assert can_preview(model.sam.image_encoder)
    phantom = make_phantom()
    image = slice_of(phantom.volume, "axial", phantom.slice_with_most("liver"))
    shown = []
    request = ExplainRequest(phantom.volume, image, model)
    (full,) = Engine().explain(request, [(40, 40, 100, 110)], on_preview=shown.append)
    (preview,) = shown
    assert (preview.encoding.backend, full.encoding.backend) == ("preview", "exact")
    assert full.encoding.is_new
    assert PREVIEW.note in preview.warnings
    assert PREVIEW.note not in full.warnings
    assert preview.segmentation.logits.shape == full.segmentation.logits.shape
    assert preview.segmentation.mask.shape == full.segmentation.mask.shape
    assert preview.explanation.layers[0].grid == (4, 4)
    assert preview.on_slice(preview.explanation.layers[0].stages[1]).shape == image.shape
    assert np.isfinite(preview.explanation.layers[0].stages[3]).all()
