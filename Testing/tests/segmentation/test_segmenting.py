"""The mask is segment-anything's own, brought to the slice as MedSAM does; the attention is the decoder's own."""

import math

import numpy as np
import pytest
import torch

from medxai.encoding.encoding import encode
from medxai.models.convention import InputConvention
from medxai.models.families.demo import Demo
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.families.sam import MedSam, Sam
from medxai.models.segment_anything_import import modeling
from medxai.segmentation.prompting import prompt_embeddings
from medxai.segmentation.segmenting import segment
from medxai.slice.box import PixelBox
from support.encoders import rounds_convolutions
from support.models import small_model

BOX = PixelBox(14, 9, 50, 41)


def encoded(model, shape=(60, 80)):
    grey = np.random.default_rng(3).integers(0, 255, shape, dtype=np.uint8)
    model_input = model.convention.prepare(grey)
    return model_input, encode(model, model_input)


def test_logits_equal_the_official_forward_pass():
    """`Sam.forward` normalises and pads itself: given what undoes to our input, it has to come out the same."""
    model = small_model()
    model_input, encoding = encoded(model)
    ours = segment(model, encoding, [BOX])[0]
    sam = model.sam
    image = torch.from_numpy(model_input.tensor_chw) * sam.pixel_std + sam.pixel_mean
    box = torch.from_numpy(model_input.frame.scale_xyxy(BOX.xyxy)).float()[None]
    official = sam([{"image": image, "boxes": box, "original_size": (60, 80)}], multimask_output=False)[0]
    np.testing.assert_allclose(
        ours.logits,
        official["low_res_logits"][0, 0].numpy(),
        rtol=1e-4,
        atol=1e-4 * official["low_res_logits"].abs().max().item(),
    )
    assert ours.logits.std() > 1e-4


def test_the_mask_equals_the_official_medsam_pipeline():
    model = small_model()
    _, encoding = encoded(model)
    ours = segment(model, encoding, [BOX])[0]
    low = torch.sigmoid(torch.from_numpy(ours.logits))[None, None]
    expected = (
        torch.nn.functional.interpolate(low, size=(60, 80), mode="bilinear", align_corners=False)[0, 0].numpy() > 0.5
    )
    assert (ours.mask == expected).mean() > 0.9995
    assert ours.mask.shape == (60, 80)


class _Remembering(torch.nn.Module):
    """segment-anything's attention, written out with its weights kept."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, q, k, v):
        inner = self.inner
        q, k, v = inner.q_proj(q), inner.k_proj(k), inner.v_proj(v)
        q, k, v = (inner._separate_heads(x, inner.num_heads) for x in (q, k, v))
        self.weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)
        return inner.out_proj(inner._recombine_heads(self.weights @ v))


def test_the_attention_is_the_decoders_own():
    model = small_model()
    _, encoding = encoded(model)
    ours = segment(model, encoding, [BOX])[0]
    transformer = model.sam.mask_decoder.transformer
    watched = [_Remembering(layer.cross_attn_token_to_image) for layer in transformer.layers]
    for layer, watch in zip(transformer.layers, watched, strict=False):
        layer.cross_attn_token_to_image = watch
    watched.append(_Remembering(transformer.final_attn_token_to_image))
    transformer.final_attn_token_to_image = watched[-1]
    with torch.inference_mode():
        sparse, dense = model.sam.prompt_encoder(
            None, torch.from_numpy(encoding.frame.scale_xyxy(BOX.xyxy)).float()[None], None
        )
        model.sam.mask_decoder(encoding.embedding, model.sam.prompt_encoder.get_dense_pe(), sparse, dense, False)
    # Tokens: IoU, four masks, two corners; mask token 0 and both corners count.
    expected = torch.stack([w.weights[0].mean(0)[[1, 5, 6]].mean(0) for w in watched]).mean(0).view(8, 8)
    np.testing.assert_allclose(ours.attention, expected.numpy(), atol=1e-6)
    assert ours.attention.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("family", [MedSam, Sam, LiteMedSam])
def test_many_boxes_at_once_are_as_one_by_one(family):
    model = small_model(family())
    _, encoding = encoded(model)
    boxes = [PixelBox(x, x // 2, x + 10 + n, x // 2 + 15) for n, x in enumerate(range(0, 33, 3))]
    together = segment(model, encoding, boxes)
    assert len(together) == len(boxes)
    for box, found in zip(boxes, together, strict=False):
        alone = segment(model, encoding, [box])[0]
        assert found.box == box
        np.testing.assert_allclose(found.logits, alone.logits, atol=1e-5)
        np.testing.assert_allclose(found.attention, alone.attention, atol=1e-6)


def test_the_demo_model_gets_the_box_as_mask_prompt_too():
    from medxai.models.networks.demo_encoder import box_mask_prompt, build_demo_sam

    torch.manual_seed(0)
    sam = build_demo_sam()
    sparse, dense = sam.prompt_encoder(
        None, torch.tensor([[40.0, 50, 120, 130]]), box_mask_prompt(torch.tensor([[40.0, 50, 120, 130]]), sam)
    )
    _, without = sam.prompt_encoder(None, torch.tensor([[40.0, 50, 120, 130]]), None)
    box = torch.tensor([[40.0, 50, 120, 130]])
    assert Demo().has_mask_prompt
    torch.testing.assert_close(prompt_embeddings(Demo(), sam, box), (sparse, dense))
    assert (dense - without).abs().max() > 1e-3
    assert modeling().Sam is type(sam)


@pytest.mark.parametrize("is_own_decoder", [True, False])
def test_on_a_graphics_processor_no_convolution_of_prompt_or_decoder_is_rounded(is_own_decoder, monkeypatch):
    """On an H200 a rounded mask prompt changed the ledger of the demo model by a tenth of its range."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    model = small_model(Demo())
    _, encoding = encoded(model)
    if not is_own_decoder:  # a decoder that is watched runs by its own forward
        model.sam.mask_decoder.register_forward_hook(lambda *_: None)
    seen = {}

    def look(module, _inputs):
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            seen.setdefault(type(module), set()).add(rounds_convolutions())

    with torch.nn.modules.module.register_module_forward_pre_hook(look):
        segment(model, encoding, [BOX])
    assert seen.pop(torch.nn.Conv2d) == {False}
    assert seen == ({} if is_own_decoder else {torch.nn.ConvTranspose2d: {False}})
    assert rounds_convolutions()


def test_every_model_gets_the_box_as_it_was_trained_to_take_it():
    """MedSAM by the last pixels' indexes, the demo model by their far edges; in model pixels."""
    from dataclasses import replace

    from medxai.models.networks.demo_encoder import build_demo_sam

    model = small_model()
    demo = replace(model, sam=build_demo_sam(), convention=InputConvention(Demo(), 256))
    for one, last in ((model, (50, 41)), (demo, (51, 42))):
        _, encoding = encoded(one)
        seen = []
        prompt_encoder = one.sam.prompt_encoder
        handle = prompt_encoder.register_forward_pre_hook(
            lambda _m, _a, k, seen=seen: seen.append(k["boxes"]), with_kwargs=True
        )
        segment(one, encoding, [BOX])
        handle.remove()
        size = one.convention.size_px
        expected = [14 * size / 80, 9 * size / 60, last[0] * size / 80, last[1] * size / 60]
        np.testing.assert_allclose(seen[0][0].numpy(), expected, rtol=1e-6)
