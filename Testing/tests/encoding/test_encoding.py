"""One pass gives embedding and features; it reports, stops when asked, and is not repeated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medxai.encoding.backends.base import Backend, BackendFailed
from medxai.encoding.cache import EncodingCache
from medxai.encoding.encoding import encode, encoding_key
from medxai.encoding.feature_extraction import default_layers, layer_names, run_encoder
from medxai.encoding.features import SHRINKAGE, layer_features, repair_artefacts
from medxai.engine import Engine
from medxai.errors import Cancelled, InputError, ModelError
from medxai.models.convention import InputConvention
from medxai.models.families.sam import Sam
from medxai.models.loading import load_model
from medxai.models.networks.demo_encoder import build_demo_sam
from medxai.models.networks.lite_medsam import build_lite_medsam
from medxai.models.networks.sam_vit import SAM_VIT_B, build_sam_vit
from medxai.progress import RunControl
from medxai.request import ExplainRequest
from medxai.volume.phantom import make_phantom
from support.encoders import rounds_convolutions
from support.models import small_model


def grey(seed=0, shape=(60, 80)):
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


def make_input(model, seed=0):
    return model.convention.prepare(grey(seed))


ENCODERS = {
    "vit": lambda: small_model().sam.image_encoder,
    "tiny vit": lambda: build_lite_medsam().image_encoder,
    "demo": lambda: build_demo_sam().image_encoder,
}


def image_for(kind, encoder):
    """Of the encoder's size; LiteMedSAM's has no table of positions, so a small one has every block in a tenth of the time."""
    side = 64 if kind == "tiny vit" else encoder.img_size
    return torch.rand(1, 3, side, side)


@pytest.mark.parametrize("kind", ENCODERS)
def test_tokens_are_what_the_blocks_really_gave(kind):
    encoder = ENCODERS[kind]().eval()
    image = image_for(kind, encoder)
    seen = {}
    handles = [
        block.register_forward_hook(lambda _m, _i, out, n=n: seen.__setitem__(f"block {n}", out[0]))
        for n, block in enumerate(encoder.blocks)
    ]
    with torch.inference_mode():
        expected = encoder(image)
    for handle in handles:
        handle.remove()
    seen["neck"] = expected[0].permute(1, 2, 0)
    output = run_encoder(encoder, image, layer_names(encoder))
    torch.testing.assert_close(output.embedding, expected, rtol=1e-5, atol=1e-5)
    assert list(output.tokens) == list(seen)
    for name, tokens in output.tokens.items():
        torch.testing.assert_close(tokens, seen[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ENCODERS)
def test_progress_counts_every_block_and_cancelling_stops_within_one(kind):
    encoder = ENCODERS[kind]().eval()
    image = image_for(kind, encoder)
    seen = []
    run_encoder(encoder, image, ["neck"], RunControl(lambda _step, done, total: seen.append((done, total))))
    total = len(encoder.blocks) + 1
    assert sorted(set(seen)) == [(n, total) for n in range(1, total + 1)]
    seen.clear()
    with pytest.raises(Cancelled):
        run_encoder(
            encoder, image, ["neck"], RunControl(lambda _s, done, _t: seen.append(done), lambda: len(seen) >= 2)
        )
    assert max(seen) == 2
    assert not any(block._forward_hooks for block in encoder.blocks)
    run_encoder(encoder, image, ["neck"])


def test_the_default_layers_of_vit_b_are_its_global_blocks_and_the_neck():
    with torch.device("meta"):
        encoder = build_sam_vit(SAM_VIT_B).image_encoder
    assert default_layers(encoder) == ("block 2", "block 5", "block 8", "block 11", "neck")


def test_an_unknown_layer_is_refused_before_the_pass(model):
    with pytest.raises(InputError, match="block 9"):
        encode(model, make_input(model), ["block 9"])


def test_features_are_centred_whitened_and_of_unit_length():
    generator = torch.Generator().manual_seed(0)
    stretch = torch.diag(torch.logspace(0, 2, 12))
    tokens = torch.randn(30, 20, 12, generator=generator) @ stretch + 400 * torch.randn(12, generator=generator)
    features = layer_features("x", tokens, torch.ones(30, 20))
    unit = features.unit.float()
    torch.testing.assert_close(unit.norm(dim=1), torch.ones(600), rtol=2e-3, atol=0)
    # Mahalanobis' own formula, with another root of the matrix than the code's.
    centred = (tokens.reshape(-1, 12) - tokens.reshape(-1, 12).mean(0)).double()
    covariance = centred.T @ centred / 600
    metric = torch.linalg.inv(covariance + SHRINKAGE * covariance.trace() / 12 * torch.eye(12).double())
    products = centred @ metric @ centred.T
    size = products.diagonal().sqrt()
    torch.testing.assert_close(unit @ unit.T, (products / size[:, None] / size).float(), rtol=0, atol=2e-3)
    # Uncentred, the common direction makes every cosine nearly 1.
    assert features.global_similarity.min() > 0.9


def test_a_layer_that_is_the_same_everywhere_has_no_features():
    features = layer_features("x", torch.ones(5, 6, 8), torch.ones(5, 6))
    assert (features.unit == 0).all()


def test_whitening_undoes_any_mixing_of_the_channels():
    """A similarity is of tokens, not of the axes that a layer happens to write them in."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randn(16, 16, 8, generator=generator)
    turned = tokens @ torch.linalg.qr(torch.randn(8, 8, generator=generator)).Q
    one, other = (layer_features("x", t, torch.ones(16, 16)).unit.float() for t in (tokens, turned))
    torch.testing.assert_close(one @ one.T, other @ other.T, rtol=0, atol=3e-3)


def test_padding_neither_enters_the_mean_nor_gets_features():
    tokens = torch.randn(8, 8, 6)
    content = torch.zeros(8, 8)
    content[:5] = 1
    features = layer_features("x", tokens, content)
    alone = layer_features("x", tokens[:5], torch.ones(5, 8))
    torch.testing.assert_close(features.unit[: 5 * 8], alone.unit)
    assert (features.unit[5 * 8 :] == 0).all()
    assert (features.global_similarity[5:] == 0).all()


def test_an_artefact_token_takes_its_neighbours_median_and_nothing_else_changes():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(10, 10, 32, generator=generator)
    spoiled = tokens.clone()
    spoiled[4, 4] *= 40
    repaired, count = repair_artefacts(spoiled, torch.ones(10, 10))
    assert count == 1
    near = [tokens[r, c] for r in (3, 4, 5) for c in (3, 4, 5) if (r, c) != (4, 4)]
    torch.testing.assert_close(repaired[4, 4], torch.stack(near).median(dim=0).values)
    changed = (repaired != spoiled).any(-1)
    assert changed.sum() == 1
    assert repair_artefacts(tokens, torch.ones(10, 10))[1] == 0


def test_norms_that_hardly_vary_make_no_artefacts():
    """As in a neck that ends with a layer norm: deviations are tiny, and some tokens are many of them away."""
    tokens = torch.nn.functional.normalize(torch.randn(20, 20, 16), dim=-1)
    tokens[:3] *= 1.03
    assert repair_artefacts(tokens, torch.ones(20, 20))[1] == 0


def test_tokens_on_the_edge_of_the_image_are_no_artefacts_and_padding_counts_in_nothing():
    """As in LiteMedSAM, whose convolutions see zeros beyond the grid: a loud rim, and whatever the padding holds."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(12, 10, 32, generator=generator)
    content = torch.ones(12, 10)
    content[8:] = 0
    content[8] = 0.4  # the padding covers this row in part
    tokens[0] *= 5
    tokens[:8, [0, 9]] *= 5
    tokens[7:9] *= 5
    tokens[9:] *= 1000
    untouched, count = repair_artefacts(tokens, content)
    assert count == 0
    assert torch.equal(untouched, tokens)
    tokens[3, 5] *= 40
    repaired, count = repair_artefacts(tokens, content)
    assert count == 1
    assert torch.equal((repaired != tokens).any(-1).nonzero(), torch.tensor([[3, 5]]))
    assert repaired[3, 5].norm() < tokens[3, 4].norm() * 2


def test_an_image_of_one_row_of_tokens_has_nothing_but_edge():
    content = torch.zeros(8, 8)
    content[0] = 1
    tokens = torch.randn(8, 8, 32, generator=torch.Generator().manual_seed(0))
    tokens[0, 4] *= 40
    assert repair_artefacts(tokens, content)[1] == 0


def test_the_key_tells_apart_exactly_what_the_model_would_see_differently(model):
    one, layers = make_input(model), ("neck",)
    assert encoding_key(model, one, layers) == encoding_key(model, make_input(model), layers)
    other_model = small_model(seed=1)
    changed = model.convention.prepare(grey(5))
    padded = InputConvention(Sam(), 128).prepare(grey())
    keys = {
        encoding_key(model, one, layers),
        encoding_key(other_model, one, layers),
        encoding_key(model, changed, layers),
        encoding_key(model, padded, layers),
        encoding_key(model, one, ("block 1", "neck")),
    }
    assert len(keys) == 5
    shifted = replace(one, frame=replace(one.frame, slice_shape=(61, 80)))
    assert encoding_key(model, shifted, layers) not in keys


def test_asking_again_for_the_key_does_not_read_the_tensor_again(model):
    one = make_input(model)
    key = encoding_key(model, one, ("neck",))
    one.tensor_chw[:] = 0
    assert encoding_key(model, one, ("neck",)) == key


def test_the_cache_keeps_to_its_budget_and_drops_what_was_unused_longest(model):
    encodings = [encode(model, make_input(model, seed)) for seed in range(3)]
    cache = EncodingCache(budget_bytes=int(2.5 * encodings[0].nbytes))
    cache.put("a", encodings[0])
    cache.put("b", encodings[1])
    assert cache.get("a") is encodings[0]
    cache.put("c", encodings[2])
    assert cache.get("b") is None
    assert cache.get("a") is encodings[0]
    assert cache.get("c") is encodings[2]
    assert cache.nbytes == 2 * encodings[0].nbytes
    cache.set_budget(encodings[0].nbytes)
    assert cache.get("a") is None and cache.get("c") is encodings[2]
    EncodingCache(budget_bytes=10).put("a", encodings[0])
    cache.clear()
    assert len(cache) == 0


def test_numbers_that_are_not_finite_are_answered_by_the_exact_way_and_the_note_says_so(model):
    def broken(encoder, image, layers, control):
        output = run_encoder(encoder, image, layers, control)
        spoiled = output.tokens["block 1"].clone()
        spoiled[0, 0, 0] = float("nan")
        return replace(output, tokens={**output.tokens, "block 1": spoiled})

    made = encode(model, make_input(model), backend=Backend("half", broken))
    exact = encode(model, make_input(model))
    assert made.backend == "exact"
    assert "'half' gave numbers that are not finite" in made.note
    assert torch.equal(made.embedding, exact.embedding)
    assert exact.note == ""


def test_a_backend_that_fails_is_answered_by_the_exact_way_too(model):
    def failing(*_arguments):
        raise BackendFailed("no rule for this layer")

    made = encode(model, make_input(model), backend=Backend("other", failing))
    assert made.backend == "exact"
    assert "'other' failed (no rule for this layer)" in made.note


def test_damaged_weights_are_said_and_not_a_traceback_of_linear_algebra():
    damaged = small_model()
    damaged.sam.image_encoder.blocks[0].mlp.lin1.weight.data[0] = float("inf")
    with pytest.raises(ModelError, match="weights are damaged"):
        encode(damaged, make_input(damaged))


@pytest.mark.parametrize("scale", [1e-30, 1e15, 1e25])
def test_features_are_finite_whatever_the_size_of_the_tokens(scale):
    tokens = scale * torch.randn(6, 6, 8, generator=torch.Generator().manual_seed(0))
    assert layer_features("x", tokens, torch.ones(6, 6)).unit.isfinite().all()


def test_tokens_whose_squares_overflow_are_whitened_in_double_precision():
    tokens = torch.randn(16, 16, 24, generator=torch.Generator().manual_seed(0))
    small, large = (layer_features("x", scale * tokens, torch.ones(16, 16)).unit for scale in (1.0, 1e25))
    torch.testing.assert_close(large.float(), small.float(), rtol=0, atol=2e-3)


def test_litemedsam_has_a_loud_edge_and_no_artefact_tokens():
    """On the phantom 168 tokens of block 5 and 106 of block 8 were once taken for artefacts, all of them on the edge."""
    try:
        model = load_model("litemedsam")
    except ModelError as error:
        pytest.skip(f"needs the weights of LiteMedSAM: {error}")
    phantom = make_phantom()
    request = ExplainRequest.of_slice(phantom.volume, "axial", 20, model=model)
    (result,) = Engine().explain(request, [(40, 60, 120, 130)])
    assert not any(result.explanation.repaired_tokens.values())
    assert not any("Artefact" in said for said in result.warnings)


def test_convolutions_are_not_rounded_on_a_graphics_processor_and_the_users_choice_is_as_it_was():
    encoder, cudnn = ENCODERS["vit"]().eval(), torch.backends.cudnn
    before, seen = cudnn.allow_tf32, []
    image = torch.rand(1, 3, encoder.img_size, encoder.img_size)
    for user_wants in (True, False):
        cudnn.allow_tf32 = user_wants
        run_encoder(encoder, image, ["neck"], RunControl(lambda *_: seen.append(rounds_convolutions())))
        assert cudnn.allow_tf32 is user_wants
    cudnn.allow_tf32 = before
    assert seen
    assert not any(seen)
