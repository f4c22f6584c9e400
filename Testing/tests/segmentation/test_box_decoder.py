"""The decoder for many boxes gives what segment-anything's own decoder gives, for masks and for attention."""

import numpy as np
import pytest
import torch

from medxai.encoding.encoding import encode
from medxai.models.convention import InputConvention
from medxai.models.families.demo import Demo
from medxai.models.loading import LoadedModel
from medxai.models.networks.demo_encoder import build_demo_sam
from medxai.models.segment_anything_import import modeling
from medxai.segmentation import box_decoder
from medxai.segmentation.box_decoder import SliceTokens, can_run, decode_boxes
from medxai.segmentation.segmenting import segment
from medxai.slice.box import PixelBox
from support.decoders import GRID, SHAPES, decoder, own, prompts
from support.models import small_model


def decode(mask_decoder, embedding, pe, sparse, dense, is_shared=False):
    return decode_boxes(mask_decoder, SliceTokens.of(embedding, dense, pe, is_shared), sparse)


@pytest.mark.parametrize("same_dense", [True, False])
@pytest.mark.parametrize("boxes", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_answer_equals_the_decoders_own(shape, boxes, same_dense):
    mask_decoder = decoder(**shape)
    embedding, pe, sparse, dense = prompts(boxes, same_dense)
    expected, expected_attention, expected_iou = own(mask_decoder, embedding, pe, sparse, dense)
    logits, attention, iou = decode(mask_decoder, embedding, pe, sparse, dense[:1] if same_dense else dense, same_dense)
    torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(attention, expected_attention, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(iou, expected_iou, rtol=1e-10, atol=1e-12)
    assert expected.std() > 0.1
    assert expected_attention.std(dim=1).min() > 1e-4  # no uniform attention that anything would equal


def test_boxes_on_images_of_their_own_are_as_each_image_alone():
    mask_decoder = decoder()
    _, pe, sparse, dense = prompts(5, same_dense=True)
    images = torch.randn(5, 32, *GRID, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    logits, attention, _ = decode(mask_decoder, images, pe, sparse, dense[:1])
    for index, image in enumerate(images.split(1)):
        expected, expected_attention, _ = own(mask_decoder, image, pe, sparse[index : index + 1], dense[:1])
        torch.testing.assert_close(logits[index : index + 1], expected, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(attention[index : index + 1], expected_attention, rtol=1e-10, atol=1e-12)


def test_boxes_one_after_another_on_kept_tokens_are_as_the_decoders_own():
    mask_decoder = decoder()
    embedding, pe, sparse, dense = prompts(3, same_dense=True)
    kept = SliceTokens.of(embedding, dense[:1], pe, is_shared=True)
    before = kept.tokens.clone()
    for box in sparse.split(1):
        expected, _, _ = own(mask_decoder, embedding, pe, box, dense[:1])
        torch.testing.assert_close(decode_boxes(mask_decoder, kept, box).logits, expected, rtol=1e-10, atol=1e-10)
    assert torch.equal(kept.tokens, before)


def test_upscaling_in_pieces_is_upscaling_at_once(monkeypatch):
    mask_decoder = decoder()
    given = prompts(2, same_dense=False)
    at_once = decode(mask_decoder, *given).logits
    monkeypatch.setattr(box_decoder, "_TOKENS_AT_ONCE", 7)
    in_pieces = decode(mask_decoder, *given).logits
    torch.testing.assert_close(in_pieces, at_once, rtol=1e-12, atol=1e-12)


def test_boxes_with_their_own_mask_prompts_keep_them_in_a_batch():
    """The demo model: each box is a mask prompt too, so the image's tokens differ from box to box."""
    torch.manual_seed(0)
    model = LoadedModel(
        "demo",
        "demo",
        "demo",
        build_demo_sam(),
        InputConvention(Demo(), 256),
        "seed-0",
        torch.device("cpu"),
    )
    grey = np.random.default_rng(3).integers(0, 255, (60, 80), dtype=np.uint8)
    encoding = encode(model, model.convention.prepare(grey))
    boxes = [PixelBox(5, 5, 30, 30), PixelBox(40, 20, 75, 55)]
    together = segment(model, encoding, boxes)
    for box, found in zip(boxes, together, strict=True):
        np.testing.assert_allclose(found.logits, segment(model, encoding, [box])[0].logits, atol=1e-5)
    assert np.abs(together[0].logits - together[1].logits).max() > 1e-3


def test_neither_weights_nor_inputs_are_changed():
    mask_decoder = decoder()
    given = prompts(3, same_dense=True)
    before = [tensor.clone() for tensor in (*mask_decoder.state_dict().values(), *given)]
    decode(mask_decoder, *given[:3], given[3][:1], is_shared=True)
    for tensor, kept in zip((*mask_decoder.state_dict().values(), *given), before, strict=True):
        assert torch.equal(tensor, kept)


def test_another_decoder_is_left_to_itself():
    assert can_run(small_model().sam.mask_decoder)

    class Other(modeling().transformer.Attention):
        pass

    changed = decoder()
    changed.transformer.layers[0].cross_attn_image_to_token = Other(32, 8, 2)
    assert not can_run(changed)

    hooked = decoder()
    hooked.transformer.register_forward_hook(lambda *_: None)
    assert not can_run(hooked)

    derived = decoder()
    derived.__class__ = type("Derived", (type(derived),), {})
    assert not can_run(derived)
