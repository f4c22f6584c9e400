"""The fast pass of a segment-anything ViT gives what segment-anything's own forward gives, without its memory."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from medxai.encoding.feature_extraction import run_encoder
from medxai.encoding.kernels.chunked_attention import Attending, attend, relative_positions
from medxai.encoding.kernels.exact_vit import can_run, exact_pass
from medxai.encoding.kernels.matrix_product import BlasProducts, OneDnnProducts, fastest_products
from medxai.encoding.kernels.window_order import window_order
from medxai.errors import Cancelled
from medxai.models.segment_anything_import import modeling
from medxai.progress import RunControl
from support.encoders import SHAPES, image_for, own_forward, relative_error, vit


@pytest.mark.parametrize("products", [BlasProducts(), OneDnnProducts()], ids=["blas", "onednn"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_embedding_and_every_layer_equal_the_models_own_forward(shape, products):
    encoder = vit(**shape)
    image = image_for(encoder)
    expected, captured = own_forward(encoder, image)
    embedding, tokens = exact_pass(encoder, image, tuple(captured), products=products)
    assert relative_error(embedding, expected) < 1e-5
    assert tokens.keys() == captured.keys()
    for name, found in tokens.items():
        assert relative_error(found, captured[name]) < 1e-5, name


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_double_precision_nothing_is_left_of_the_difference(shape):
    """Rounding shrinks with the precision; an error of the mathematics would not."""
    encoder = vit(**shape).double()
    image = image_for(encoder).double()
    expected, _ = own_forward(encoder, image)
    embedding, _ = exact_pass(encoder, image, (), products=BlasProducts())
    assert relative_error(embedding, expected) < 1e-13


def test_an_image_of_another_size_interpolates_the_relative_positions_as_segment_anything_does():
    encoder = vit(img_size=64, patch_size=8, window_size=0, use_abs_pos=False)
    image = torch.rand(1, 3, 48, 104, generator=torch.Generator().manual_seed(1))
    expected, captured = own_forward(encoder, image)
    embedding, tokens = exact_pass(encoder, image, ("block 1",))
    assert relative_error(embedding, expected) < 1e-5
    assert relative_error(tokens["block 1"], captured["block 1"]) < 1e-5


def test_tokens_are_snapshots_of_their_own_memory():
    encoder = vit(**SHAPES["cut windows, as in ViT-B"])
    image = image_for(encoder)
    _, together = exact_pass(encoder, image, ("block 0", "block 1", "block 2", "block 3"))
    for name, tokens in together.items():
        _, alone = exact_pass(encoder, image, (name,))
        assert torch.equal(tokens, alone[name]), name
    assert len({tokens.data_ptr() for tokens in together.values()}) == 4


def test_nothing_of_the_model_or_the_image_is_changed():
    encoder = vit(**SHAPES["cut windows, as in ViT-B"])
    image = image_for(encoder)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    kept = image.clone()
    places = {name: tensor.data_ptr() for name, tensor in encoder.state_dict().items()}
    exact_pass(encoder, image, ("block 0", "neck"))
    assert torch.equal(image, kept)
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name
        assert tensor.data_ptr() == places[name], name


def test_progress_names_every_block_and_the_neck():
    encoder = vit(**SHAPES["windows only"])
    seen = []
    exact_pass(encoder, image_for(encoder), (), RunControl(lambda _step, done, total: seen.append((done, total))))
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("after", range(4))
def test_cancellation_stops_before_the_next_block(after):
    encoder = vit(**SHAPES["another activation"])
    done: list[int] = []
    started: list[int] = []
    for index, block in enumerate(encoder.blocks):
        original = block.mlp.act.forward
        block.mlp.act.forward = lambda x, index=index, original=original: (started.append(index), original(x))[1]
    with pytest.raises(Cancelled):
        exact_pass(
            encoder, image_for(encoder), (), RunControl(lambda _s, d, _t: done.append(d), lambda: len(done) >= after)
        )
    assert done == list(range(1, after + 1))
    assert started == list(range(after))


class _LargestTensor(TorchDispatchMode):
    """The number of elements of the largest tensor of real numbers that any operation gave."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, Tensor) and tensor.is_floating_point():
                self.elements = max(self.elements, tensor.numel())
        return result


def test_no_score_matrix_is_ever_whole():
    encoder = vit(img_size=128, patch_size=2, embed_dim=8, num_heads=2, depth=1, window_size=0)
    image = image_for(encoder)
    scores = 2 * 4096**2
    with _LargestTensor() as plain, torch.inference_mode():
        encoder(image)
    with _LargestTensor() as chunked:
        exact_pass(encoder, image, ())
    assert plain.elements == scores
    assert chunked.elements <= max(2 << 20, torch.get_num_threads() << 19)


def test_run_encoder_takes_the_fast_pass_by_itself(monkeypatch):
    encoder = vit(**SHAPES["cut windows, as in ViT-B"])
    image = image_for(encoder)
    expected, captured = own_forward(encoder, image)
    monkeypatch.setattr(type(encoder), "forward", lambda *_: pytest.fail("the slow forward ran"))
    output = run_encoder(encoder, image, ("neck", "block 2"))
    assert list(output.tokens) == ["block 2", "neck"]
    assert relative_error(output.embedding, expected) < 1e-5
    assert relative_error(output.tokens["block 2"], captured["block 2"]) < 1e-5


def test_what_it_does_not_know_is_left_to_the_model_itself():
    shape = SHAPES["windows only"]
    encoder = vit(**shape)
    image = image_for(encoder)
    assert can_run(encoder, image)

    class Changed(type(encoder)):
        def forward(self, x):
            return super().forward(x) * 2

    changed = vit(**shape)
    changed.__class__ = Changed
    assert not can_run(changed, image)
    assert torch.equal(run_encoder(changed, image, ("neck",)).embedding, changed(image))

    seen = []
    encoder.blocks[1].mlp.register_forward_hook(lambda *_: seen.append(1))
    assert not can_run(encoder, image)
    run_encoder(encoder, image, ("neck",))
    assert seen == [1]

    assert not can_run(vit(**shape), image.double())
    assert not can_run(vit(**shape).train(), image)
    assert not can_run(vit(**shape), image.repeat(2, 1, 1, 1))
    assert not can_run(vit(**shape), image.to("meta"))


@pytest.mark.parametrize("budget", [1, 300, 5000, 1 << 30])
def test_every_way_to_cut_the_attention_gives_the_same(budget, monkeypatch):
    """Chunks of windows, of heads and of rows, and none."""
    monkeypatch.setattr("medxai.encoding.kernels.chunked_attention._SCORES_AT_ONCE", budget)
    monkeypatch.setattr("medxai.encoding.kernels.chunked_attention._SCORES_PER_CORE", 0)
    generator = torch.Generator().manual_seed(0)
    (rows, columns), (key_rows, key_columns) = (3, 4), (5, 4)
    q = torch.randn(6, 12, 3, 8, generator=generator, dtype=torch.float64)
    k, v = torch.randn(2, 6, 20, 3, 8, generator=generator, dtype=torch.float64)
    by_rows, by_columns = (torch.randn(2 * n - 1, 8, generator=generator, dtype=torch.float64) for n in (5, 4))
    scores = torch.einsum("bihd,bjhd->bhij", q, k) * 0.3
    for i in range(12):
        for j in range(20):
            step_down, step_right = i // columns - j // key_columns, i % columns - j % key_columns
            offset = by_rows[step_down + key_rows - 1] + by_columns[step_right + key_columns - 1]
            scores[:, :, i, j] += q[:, i] @ offset
    expected = torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), v)
    out = torch.empty_like(q)
    tables = relative_positions(by_rows, by_columns, 5, 4).for_queries(rows, columns)
    attend(q, k, v, Attending((rows, columns), (key_rows, key_columns), tables, 0.3), out)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("height", "width", "side"), [(64, 64, 14), (9, 5, 4), (4, 4, 4), (3, 5, 8), (1, 7, 2)])
def test_window_order_lists_each_window_of_segment_anything_once(height, width, side):
    order = window_order(height, width, side)
    raster = torch.arange(height * width)
    assert torch.equal(raster[order.from_raster][order.to_raster], raster)
    partition = modeling().image_encoder.window_partition
    padded, _ = partition((raster + 1).view(1, height, width, 1), side)
    expected = {tuple((window[window > 0] - 1).tolist()) for window in padded.flatten(1)}
    start, found = 0, set()
    for group in order.groups:
        for window in order.from_raster[start : start + group.tokens].view(group.count, -1):
            found.add(tuple(window.tolist()))
        start += group.tokens
    assert start == height * width
    assert found == expected


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("products", [BlasProducts(), OneDnnProducts()], ids=["blas", "onednn"])
def test_products_are_those_of_the_layer(products, bias):
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(20, 12, bias=bias).requires_grad_(False)
    x, residual = torch.randn(33, 20, generator=generator), torch.randn(33, 12, generator=generator)
    out, summed = torch.full((33, 12), torch.nan), residual.clone()
    with torch.inference_mode():
        products.write(layer, x, out)
        products.add(layer, x, summed)
        torch.testing.assert_close(out, layer(x))
        torch.testing.assert_close(summed, residual + layer(x))


def test_the_choice_of_products_is_made_once_per_number_of_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert fastest_products() is fastest_products()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert isinstance(fastest_products(), BlasProducts), "one thread: the workers of a cohort agree without measuring"
