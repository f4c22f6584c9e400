"""The fast pass of LiteMedSAM's encoder gives what the module's own forward gives."""

import pytest
import torch

from medxai.encoding.backends.registry import choose_backend
from medxai.encoding.feature_extraction import layer_names, run_encoder, run_own_forward
from medxai.encoding.kernels import bfloat16, exact_tiny_vit
from medxai.encoding.kernels.matrix_product import BlasProducts, OneDnnProducts
from medxai.errors import Cancelled
from medxai.models.networks.tiny_vit import TinyViT
from medxai.progress import RunControl
from support.encoders import relative_error


def tiny_vit(seed: int = 2) -> TinyViT:
    """One whose every parameter and statistic matters: none is zero or one as at the start of a training."""
    generator = torch.Generator().manual_seed(seed)
    encoder = TinyViT().eval().requires_grad_(False)
    for name, tensor in encoder.state_dict().items():
        if not tensor.is_floating_point():
            continue
        spread = 0.3 if tensor.ndim < 2 or "biases" in name else tensor[0].numel() ** -0.5
        value = torch.randn(tensor.shape, generator=generator) * spread
        around_one = "running_var" in name or (tensor.ndim == 1 and name.endswith("weight"))
        tensor.copy_((1 + value).abs() + 0.1 if around_one else value)
    return encoder


@pytest.fixture(scope="module")
def encoder() -> TinyViT:
    return tiny_vit()


def image_of(side: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("products", [BlasProducts(), OneDnnProducts()], ids=["blas", "onednn"])
@pytest.mark.parametrize("side", [120, 60])
def test_embedding_and_every_layer_equal_the_models_own_forward(encoder, side, products):
    """60: windows that are cut at every stage's edge, and strips that do not divide the grid."""
    image = image_of(side)
    expected = run_own_forward(encoder, image, layer_names(encoder))
    embedding, tokens = exact_tiny_vit.exact_pass(encoder, image, layer_names(encoder), products=products)
    assert relative_error(embedding, expected.embedding) < 1e-5
    assert tokens.keys() == expected.tokens.keys()
    for name, found in tokens.items():
        assert relative_error(found, expected.tokens[name]) < 1e-5, name


@pytest.mark.parametrize("hidden_bytes", [1, 70_000, 1 << 30])
def test_however_it_is_cut_into_strips_nothing_but_rounding_changes(hidden_bytes, monkeypatch):
    """In double precision, where an error of the mathematics would stay."""
    monkeypatch.setattr(exact_tiny_vit, "_HIDDEN_BYTES", hidden_bytes)
    double = tiny_vit().double()
    image = image_of(44).double()
    expected = run_own_forward(double, image, ("block 1", "neck"))
    embedding, tokens = exact_tiny_vit.exact_pass(double, image, ("block 1", "neck"), products=BlasProducts())
    assert relative_error(embedding, expected.embedding) < 1e-13
    assert relative_error(tokens["block 1"], expected.tokens["block 1"]) < 1e-13


def test_run_encoder_takes_it_by_itself_and_changes_nothing_of_the_model(encoder, monkeypatch):
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    monkeypatch.setattr(TinyViT, "forward", lambda *_: pytest.fail("the slow forward ran"))
    output = run_encoder(encoder, image_of(60), ("neck", "block 2"))
    assert list(output.tokens) == ["block 2", "neck"]
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_weights_changed_in_place_are_seen_by_the_next_pass():
    """The randomisation of weights, which the sanity checks make, must not meet a folded copy of the old ones."""
    changed = tiny_vit()
    image = image_of(28)
    first = run_encoder(changed, image, ("neck",)).embedding
    changed.layers[0].blocks[0].conv1.bn.running_mean += 1
    second = run_encoder(changed, image, ("neck",)).embedding
    assert relative_error(second, first) > 1e-3
    assert relative_error(second, run_own_forward(changed, image, ("neck",)).embedding) < 1e-5


@pytest.mark.parametrize("after", [0, 5, 11])
def test_cancellation_stops_before_the_next_block(encoder, after):
    done: list[int] = []
    control = RunControl(lambda _step, d, total: done.append(d), lambda: len(done) >= after)
    with pytest.raises(Cancelled):
        exact_tiny_vit.exact_pass(encoder, image_of(28), (), control)
    assert done == list(range(1, after + 1))


def test_what_it_does_not_know_is_left_to_the_model_itself():
    changed = tiny_vit()
    image = image_of(28)
    assert exact_tiny_vit.can_run(changed, image)
    assert not exact_tiny_vit.can_run(changed, image.repeat(2, 1, 1, 1))
    assert not exact_tiny_vit.can_run(changed, image.double())
    seen = []
    changed.blocks[3].mlp.register_forward_hook(lambda *_: seen.append(1))
    assert not exact_tiny_vit.can_run(changed, image)
    run_encoder(changed, image, ("neck",))
    assert seen == [1]


def test_the_fast_way_rounds_it_a_little(encoder, monkeypatch):
    monkeypatch.setattr(bfloat16, "why_not", lambda: "")
    backend = choose_backend("fast", encoder, torch.device("cpu"))
    assert backend.name == "fast bfloat16"
    image = image_of(60)
    expected = run_encoder(encoder, image, ("block 2", "neck"))
    found = backend.run(encoder, image, ("block 2", "neck"))
    assert 1e-4 < relative_error(found.embedding, expected.embedding) < 5e-2
    assert relative_error(found.tokens["block 2"], expected.tokens["block 2"]) < 5e-2
