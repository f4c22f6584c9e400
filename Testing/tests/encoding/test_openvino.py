"""The OpenVINO encoder gives what segment-anything's own forward gives, layers included."""

import importlib.util

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from medxai.encoding.backends.base import BackendFailed
from medxai.encoding.backends.registry import choose_backend
from medxai.encoding.feature_extraction import run_encoder, run_own_forward
from medxai.encoding.kernels import bfloat16, openvino_encoder
from medxai.errors import Cancelled
from medxai.models.networks.demo_encoder import DemoImageEncoder
from medxai.models.networks.tiny_vit import TinyViT
from medxai.progress import RunControl
from support.encoders import SHAPES, image_for, own_forward, relative_error, vit

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="openvino is not installed (pip install openvino)"
)
CPU = torch.device("cpu")
#: For tests of what is done with a graph: two blocks, since making one takes most of a test's time.
FEW_BLOCKS = dict(img_size=64, patch_size=8, window_size=4, global_attn_indexes=(1,), depth=2)


@needs_openvino
@pytest.mark.parametrize("name", ["cut windows, as in ViT-B", "no relative positions", "another activation"])
def test_embedding_and_layers_equal_the_models_own_forward(name, tmp_path):
    encoder = vit(**SHAPES[name])
    image = image_for(encoder)
    expected, captured = own_forward(encoder, image)
    backend = choose_backend("openvino", encoder, CPU, tmp_path)
    assert backend.name == "openvino"
    output = backend.run(encoder, image, tuple(captured))
    assert relative_error(output.embedding, expected) < 1e-5
    assert list(output.tokens) == list(captured)
    for layer, found in output.tokens.items():
        assert relative_error(found, captured[layer]) < 1e-5, layer


@needs_openvino
def test_litemedsams_encoder_too(tmp_path):
    torch.manual_seed(0)
    encoder = TinyViT().eval().requires_grad_(False)
    image = torch.rand(1, 3, 60, 60)
    layers = ("block 1", "block 5", "neck")
    expected = run_own_forward(encoder, image, layers)
    output = choose_backend("openvino", encoder, CPU, tmp_path).run(encoder, image, layers)
    assert relative_error(output.embedding, expected.embedding) < 1e-5
    for layer, found in output.tokens.items():
        assert relative_error(found, expected.tokens[layer]) < 1e-5, layer


@needs_openvino
def test_the_graph_is_written_down_without_computing_the_forward():
    """Else 4,096 tokens would need their whole score matrix for it."""
    encoder = vit(img_size=64, patch_size=2, embed_dim=8, num_heads=2, depth=1, window_size=0)
    largest = []

    class Largest(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            if type(result) is torch.Tensor:
                largest.append(result.numel())
            return result

    with Largest():
        choose_backend("openvino", encoder, CPU).run(encoder, image_for(encoder), ("neck",))
    assert max(largest) < 1024**2


@needs_openvino
def test_the_compiled_model_is_kept_on_disk_and_results_are_not_overwritten(tmp_path):
    encoder = vit(**FEW_BLOCKS)
    first, second = image_for(encoder, 1), image_for(encoder, 2)
    backend = choose_backend("openvino", encoder, CPU, tmp_path / "compiled")
    output = backend.run(encoder, first, ("block 1",))
    kept = output.embedding.clone(), output.tokens["block 1"].clone()
    (kept_file,) = (tmp_path / "compiled").iterdir()
    assert not torch.equal(backend.run(encoder, second, ("block 1",)).embedding, kept[0])
    assert torch.equal(output.embedding, kept[0])
    assert torch.equal(output.tokens["block 1"], kept[1])
    other_weights = vit(seed=9, **FEW_BLOCKS)
    choose_backend("openvino", other_weights, CPU, tmp_path / "compiled").run(other_weights, first, ("block 1",))
    assert len(list((tmp_path / "compiled").iterdir())) == 2
    kept_file.write_bytes(b"half a file")
    repaired = choose_backend("openvino", encoder, CPU, tmp_path / "compiled").run(encoder, first, ("block 1",))
    assert relative_error(repaired.embedding, kept[0]) < 1e-6


@needs_openvino
def test_the_kept_model_is_loaded_and_not_made_again(tmp_path, monkeypatch):
    encoder = vit(**FEW_BLOCKS)
    image = image_for(encoder)
    first = choose_backend("openvino", encoder, CPU, tmp_path).run(encoder, image, ("neck",))
    monkeypatch.setattr(openvino_encoder, "_graph", lambda *_: pytest.fail("the graph was made again"))
    again = choose_backend("openvino", encoder, CPU, tmp_path).run(encoder, image, ("neck",))
    assert relative_error(again.embedding, first.embedding) < 1e-6


@needs_openvino
def test_a_graph_that_openvino_cannot_make_is_a_failure_that_the_exact_way_answers(monkeypatch):
    encoder = vit(**FEW_BLOCKS)

    def unknown(*_arguments):
        raise RuntimeError("No conversion rule found for\n some operation")

    monkeypatch.setattr(openvino_encoder, "_graph", unknown)
    with pytest.raises(BackendFailed, match="No conversion rule found for some operation"):
        choose_backend("openvino", encoder, CPU).run(encoder, image_for(encoder), ("neck",))


@needs_openvino
def test_nothing_is_told_to_a_server(monkeypatch):
    """`openvino.convert_model` would report its use; the library's reporter is never even made."""
    telemetry = pytest.importorskip("openvino_telemetry")
    monkeypatch.setattr(telemetry.Telemetry, "init", lambda *_a, **_k: pytest.fail("telemetry was started"))
    encoder = vit(**FEW_BLOCKS)
    choose_backend("openvino", encoder, CPU).run(encoder, image_for(encoder), ("neck",))


@needs_openvino
def test_cancellation_before_and_during_the_run():
    encoder = vit(**FEW_BLOCKS)
    image = image_for(encoder)
    backend = choose_backend("openvino", encoder, CPU)
    with pytest.raises(Cancelled):
        backend.run(encoder, image, ("neck",), RunControl(is_cancelled=lambda: True))
    large = vit(img_size=128, patch_size=2, depth=2, window_size=0)
    answers = iter([False])  # once: then the graph is under way
    with pytest.raises(Cancelled):
        choose_backend("openvino", large, CPU).run(
            large, image_for(large), ("neck",), RunControl(is_cancelled=lambda: next(answers, True))
        )
    done = []
    output = backend.run(encoder, image, ("neck",), RunControl(lambda _step, d, total: done.append((d, total))))
    assert done == [(3, 3)]
    assert relative_error(output.embedding, own_forward(encoder, image)[0]) < 1e-5


def test_where_it_cannot_serve_the_exact_encoder_does_and_says_so(monkeypatch):
    encoder = vit(**SHAPES["another activation"])
    image = image_for(encoder)
    other = DemoImageEncoder().eval()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    missing = choose_backend("openvino", encoder, CPU)
    assert missing.name == "exact"
    assert "pip install openvino" in missing.note
    assert torch.equal(
        missing.run(encoder, image, ("neck",)).embedding, run_encoder(encoder, image, ("neck",)).embedding
    )
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert "made for SAM's ViT" in choose_backend("openvino", other, CPU).note
    assert "is on cuda" in choose_backend("openvino", encoder, torch.device("cuda")).note


@needs_openvino
def test_rounding_is_only_for_processors_with_the_instructions(monkeypatch):
    encoder = vit(**FEW_BLOCKS)
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: False)
    refused = choose_backend("openvino-fast", encoder, CPU)
    assert refused.name == "exact"
    assert "no bfloat16 instructions" in refused.note
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: True)
    fast = choose_backend("openvino-fast", encoder, CPU)
    assert fast.name == "openvino bfloat16"
    image = image_for(encoder)
    expected, _ = own_forward(encoder, image)
    assert relative_error(fast.run(encoder, image, ("neck",)).embedding, expected) < 5e-2


@needs_openvino
def test_what_openvino_says_of_this_processor_agrees_with_torch():
    """A processor that torch finds AVX-512 or AMX bfloat16 on has it for OpenVINO too."""
    known = bfloat16._capabilities()
    if known.get("avx512_bf16") or known.get("amx_bf16"):
        assert openvino_encoder.has_bfloat16()
    elif known and not known.get("avx512_f") and not known.get("avx10_2") and known.get("architecture") == "x86_64":
        assert not openvino_encoder.has_bfloat16()
