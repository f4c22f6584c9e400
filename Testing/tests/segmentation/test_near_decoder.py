"""Boxes near each other, decoded together: exact where all tokens are near, and only where logits are asked for."""

import pytest
import torch

from medxai.segmentation.box_decoder import SliceTokens
from medxai.segmentation.near_decoder import decode_near_boxes
from support.decoders import GRID, SHAPES, decoder, own, prompts


def cells(rows: slice, columns: slice) -> torch.Tensor:
    """(h, w) bool, a rectangle of the grid."""
    chosen = torch.zeros(GRID, dtype=torch.bool)
    chosen[rows, columns] = True
    return chosen


EVERYWHERE, SOME = cells(slice(None), slice(None)), cells(slice(1, 4), slice(2, 6))


@pytest.mark.parametrize("same_dense", [True, False])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_with_all_tokens_near_the_answer_is_the_decoders_own(shape, same_dense):
    mask_decoder = decoder(**shape)
    embedding, pe, sparse, dense = prompts(3, same_dense)
    expected, _, _ = own(mask_decoder, embedding, pe, sparse, dense)
    image = SliceTokens.of(embedding, dense[:1] if same_dense else dense, pe, same_dense)
    logits = decode_near_boxes(mask_decoder, image, sparse, EVERYWHERE, EVERYWHERE)
    torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("same_dense", [True, False])
def test_far_tokens_that_are_alike_count_as_many_as_they_are_and_change_as_the_boxes_say(same_dense):
    """Where neighbours are alike and the boxes are one, to take them together is no approximation."""
    mask_decoder = decoder()
    embedding, pe, sparse, dense = prompts(1, same_dense)
    h, w = GRID
    embedding, pe, dense = (
        x[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :h, :w] for x in (embedding, pe, dense)
    )
    expected, _, _ = own(mask_decoder, embedding, pe, sparse, dense)
    boxes = dense if same_dense else dense.expand(2, -1, -1, -1)
    image = SliceTokens.of(embedding, boxes, pe, same_dense)
    found = decode_near_boxes(mask_decoder, image, sparse.expand(2, -1, -1), SOME, SOME)
    wanted = SOME.repeat_interleave(4, 0).repeat_interleave(4, 1)
    for one in found:
        torch.testing.assert_close(one[wanted], expected[0][wanted], rtol=1e-10, atol=1e-10)
        assert not one[~wanted].any()


def test_the_slices_tokens_stay_as_they_are_for_the_next_box():
    mask_decoder = decoder()
    embedding, pe, sparse, dense = prompts(3, same_dense=True)
    kept = SliceTokens.of(embedding, dense[:1], pe, is_shared=True)
    before = kept.tokens.clone()
    first = decode_near_boxes(mask_decoder, kept, sparse, SOME, SOME)
    again = decode_near_boxes(mask_decoder, kept, sparse, SOME, SOME)
    assert torch.equal(kept.tokens, before)
    torch.testing.assert_close(again, first, rtol=1e-12, atol=1e-12)
