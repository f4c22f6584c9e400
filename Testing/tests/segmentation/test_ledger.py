"""The parts of the logits: they add up to the decoder's own, for every SAM, and each holds what its own tokens put in."""

import numpy as np
import pytest
import torch

from medxai.errors import InputError
from medxai.models.networks.sam_vit import SamVitShape, mask_decoder_for, prompt_encoder_for
from medxai.segmentation.ledger import PARTS, logit_parts
from support.models import SMALL_SHAPE

#: ViT-B's decoder on a quarter of its grid a side, since it is the same for each token, and a small one.
SHAPES = {"ViT-B": SamVitShape(image_size_px=256), "small": SMALL_SHAPE}


class Parts:
    """A decoder of a SAM's shape with random weights, and one box's prompt."""

    def __init__(self, shape: SamVitShape, seed: int = 0):
        torch.manual_seed(seed)
        channels = shape.embedding_channels
        self.prompts = prompt_encoder_for(channels, shape.grid, shape.image_size_px).eval()
        self.decoder = mask_decoder_for(channels, shape.decoder_mlp_width, shape.iou_head_width).eval()
        self.embedding = torch.randn(1, channels, shape.grid, shape.grid)
        box = torch.tensor([[0.2, 0.3, 0.7, 0.8]]) * shape.image_size_px
        with torch.inference_mode():
            self.prompt = self.prompts(points=None, boxes=box, masks=None)
            self.pe = self.prompts.get_dense_pe()

    def logits(self) -> np.ndarray:
        with torch.inference_mode():
            return self.decoder(self.embedding, self.pe, *self.prompt, multimask_output=False)[0][0, 0].numpy()

    def ledger(self, is_mask_prompt: bool = False) -> np.ndarray:
        return logit_parts(self.decoder, self.embedding, self.pe, self.prompt, is_mask_prompt).numpy()


@pytest.fixture(scope="module")
def small() -> Parts:
    return Parts(SMALL_SHAPE)


@pytest.mark.parametrize("name", SHAPES)
def test_nine_parts_add_up_to_the_decoders_own_logits(name: str) -> None:
    made = Parts(SHAPES[name])
    parts = made.ledger()
    assert len(parts) == len(PARTS) == 9
    np.testing.assert_allclose(parts.sum(0), made.logits(), atol=1e-4)
    assert (np.abs(parts).max(axis=(1, 2)) > 0).all()


def test_another_decoder_gives_other_parts(small: Parts) -> None:
    other = Parts(SMALL_SHAPE)
    other.decoder = Parts(SMALL_SHAPE, seed=1).decoder
    assert torch.equal(other.embedding, small.embedding)
    for ours, theirs in zip(small.ledger(), other.ledger(), strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] < 0.9


def test_a_token_that_gives_nothing_has_no_part(small: Parts) -> None:
    """With attentions from image to prompt that give nothing, all is the image's own and the constants'."""
    made = Parts(SMALL_SHAPE)
    for layer in made.decoder.transformer.layers:
        layer.cross_attn_image_to_token.v_proj.weight.data.zero_()
    parts = dict(zip(PARTS, made.ledger(), strict=True))
    silent = [part for name, part in parts.items() if name not in ("image", "constant")]
    assert not np.any(silent) and np.abs(parts["image"]).max() > 0
    np.testing.assert_allclose(parts["image"] + parts["constant"], made.logits(), atol=1e-4)


def test_a_mask_prompt_is_booked_with_the_corners(small: Parts) -> None:
    made = Parts(SMALL_SHAPE)
    made.prompt = made.prompt[0], torch.randn_like(made.prompt[1])
    constant, corners = (dict(zip(PARTS, made.ledger(is_mask), strict=True)) for is_mask in (False, True))
    np.testing.assert_allclose(sum(corners.values()), made.logits(), atol=1e-4)
    moved = constant["constant"] - corners["constant"]
    for name in ("corner-1", "corner-2"):
        np.testing.assert_allclose(corners[name] - constant[name], moved / 2, atol=1e-9)
    np.testing.assert_array_equal(constant["image"], corners["image"])


def test_another_decoder_than_segment_anythings_is_refused(small: Parts) -> None:
    made = Parts(SMALL_SHAPE)
    made.decoder.num_mask_tokens = 3
    with pytest.raises(InputError, match="segment-anything's own mask decoder"):
        made.ledger()
