"""The OpenVINO encoder gives what segment-anything's own forward gives, layers included."""

import importlib.util
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from medxai.encoding.backends.base import Backend, BackendFailed
from medxai.encoding.backends.registry import choose_backend
from medxai.encoding.feature_extraction import EncoderOutput, run_encoder, run_own_forward
from medxai.encoding.kernels import bfloat16, openvino_encoder
from medxai.encoding.kernels.openvino_import import openvino_module
from medxai.errors import Cancelled
from medxai.models.networks.demo_encoder import DemoImageEncoder
from medxai.models.networks.tiny_vit import TinyViT
from medxai.progress import RunControl
from support.encoders import SHAPES, image_for, own_forward, relative_error, vit

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="openvino is not installed (pip install openvino)"
)
CPU = torch.device("cpu")
#: For tests of what is done with a graph: one block, since making a graph takes most of a test's time.
ONE_BLOCK = dict(img_size=64, patch_size=8, window_size=4, depth=1)
LAYERS = ("block 0", "neck")


@dataclass(frozen=True)
class Made:
    """An encoder whose graph was made and compiled once, for all tests that only use it.

    Attributes:
        encoder: The encoder.
        image: (1, 3, H, W).
        folder: Where its compiled model was kept.
        backend: Which has it in memory.
        output: Of the first run.
        graph: OpenVINO's model before it was compiled.
        telemetry: What the library's reporter was started with, which has to be nothing.
        logged: What went to the root logger, and so to the user's screen, meanwhile.
    """

    encoder: nn.Module
    image: Tensor
    folder: Path
    backend: Backend
    output: EncoderOutput
    graph: object
    telemetry: list[object]
    logged: list[logging.LogRecord]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    encoder, folder = vit(**ONE_BLOCK), tmp_path_factory.mktemp("compiled") / "new folder"
    image, graphs, told, logged = image_for(encoder), [], [], []
    make = openvino_encoder._graph
    openvino_module()  # first, as always: it hides the reporter from OpenVINO's own import
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("openvino_telemetry"):
            telemetry = importlib.import_module("openvino_telemetry")
            patch.setattr(telemetry.Telemetry, "init", lambda *words, **_options: told.append(words))
        patch.setattr(openvino_encoder, "_graph", lambda *words: graphs.append(make(*words)) or graphs[-1])
        frontend = importlib.import_module("openvino.frontend.pytorch.fx_decoder").TorchFXPythonDecoder
        patch.setattr(frontend, "_decomp_table", None, raising=False)  # else only a process's first graph makes notes
        patch.setattr(logging.getLogger(), "callHandlers", logged.append)  # after the logger's own filters
        backend = choose_backend("openvino", encoder, CPU, folder)
        output = backend.run(encoder, image, LAYERS)
    (graph,) = graphs
    yield Made(encoder, image, folder, backend, output, graph, told, logged)


@needs_openvino
def test_making_a_graph_puts_nothing_on_the_screen(made):
    assert not made.logged


@needs_openvino
@pytest.mark.parametrize("name", ["cut windows, as in ViT-B", "no relative positions", "another activation"])
def test_embedding_and_layers_equal_the_models_own_forward(name, tmp_path):
    windows_then_whole = {"depth": 2, "global_attn_indexes": (1,)}
    encoder = vit(**{**SHAPES[name], **windows_then_whole})
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
    for stage in encoder.layers:  # blocks of a stage are alike: one of each has every operation
        del stage.blocks[1:]
    image = torch.rand(1, 3, 60, 60)
    layers = ("block 0", "block 2", "neck")
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
def test_results_are_not_overwritten_by_the_next_slice(made):
    kept = made.output.embedding.clone(), made.output.tokens["block 0"].clone()
    other = made.backend.run(made.encoder, image_for(made.encoder, 9), LAYERS)
    assert not torch.equal(other.embedding, kept[0])
    assert torch.equal(made.output.embedding, kept[0])
    assert torch.equal(made.output.tokens["block 0"], kept[1])


@needs_openvino
def test_the_compiled_model_is_kept_on_disk_and_loaded_instead_of_made_again(made, monkeypatch):
    assert len(list(made.folder.iterdir())) == 1
    monkeypatch.setattr(openvino_encoder, "_graph", lambda *_: pytest.fail("the graph was made again"))
    again = choose_backend("openvino", made.encoder, CPU, made.folder).run(made.encoder, made.image, LAYERS)
    assert relative_error(again.embedding, made.output.embedding) < 1e-6


@needs_openvino
def test_other_weights_have_a_file_of_their_own(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "compiled")
    other = vit(seed=9, **ONE_BLOCK)
    output = choose_backend("openvino", other, CPU, tmp_path / "compiled").run(other, made.image, LAYERS)
    assert relative_error(output.embedding, own_forward(other, made.image)[0]) < 1e-5
    assert len(list((tmp_path / "compiled").iterdir())) == 2


@needs_openvino
def test_a_damaged_file_is_made_anew(made, tmp_path, monkeypatch):
    (name,) = (path.name for path in made.folder.iterdir())
    (tmp_path / name).write_bytes(b"half a file")
    monkeypatch.setattr(openvino_encoder, "_graph", lambda *_: made.graph)
    repaired = choose_backend("openvino", made.encoder, CPU, tmp_path).run(made.encoder, made.image, LAYERS)
    assert relative_error(repaired.embedding, made.output.embedding) < 1e-6
    assert (tmp_path / name).stat().st_size > 1000


@needs_openvino
def test_a_graph_that_openvino_cannot_make_is_a_failure_that_the_exact_way_answers(monkeypatch):
    encoder = vit(**ONE_BLOCK)

    def unknown(*_arguments):
        raise RuntimeError("No conversion rule found for\n some operation")

    monkeypatch.setattr(openvino_encoder, "_graph", unknown)
    with pytest.raises(BackendFailed, match="No conversion rule found for some operation"):
        choose_backend("openvino", encoder, CPU).run(encoder, image_for(encoder), ("neck",))


@needs_openvino
def test_nothing_is_told_to_a_server(made):
    """`openvino.convert_model` would report its use; the library's reporter is never even made."""
    pytest.importorskip("openvino_telemetry")
    assert not made.telemetry


@needs_openvino
def test_cancellation_before_and_during_the_run(made):
    with pytest.raises(Cancelled):
        made.backend.run(made.encoder, made.image, LAYERS, RunControl(is_cancelled=lambda: True))
    large = vit(img_size=128, patch_size=2, depth=1, window_size=0)
    answers = iter([False])  # once: then the graph is under way
    with pytest.raises(Cancelled):
        choose_backend("openvino", large, CPU).run(
            large, image_for(large), ("neck",), RunControl(is_cancelled=lambda: next(answers, True))
        )
    done = []
    control = RunControl(lambda _step, d, total: done.append((d, total)))
    output = made.backend.run(made.encoder, made.image, LAYERS, control)
    assert done == [(2, 2)]
    assert relative_error(output.embedding, own_forward(made.encoder, made.image)[0]) < 1e-5


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
def test_rounding_is_only_for_processors_with_the_instructions(made, monkeypatch):
    encoder, image = made.encoder, made.image
    monkeypatch.setattr(openvino_encoder, "_graph", lambda *_: made.graph)
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: False)
    refused = choose_backend("openvino-fast", encoder, CPU)
    assert refused.name == "exact"
    assert "no bfloat16 instructions" in refused.note
    monkeypatch.setattr(openvino_encoder, "has_bfloat16", lambda: True)
    fast = choose_backend("openvino-fast", encoder, CPU)
    assert fast.name == "openvino bfloat16"
    expected, _ = own_forward(encoder, image)
    assert relative_error(fast.run(encoder, image, LAYERS).embedding, expected) < 5e-2


@needs_openvino
def test_what_openvino_says_of_this_processor_agrees_with_torch():
    """A processor that torch finds AVX-512 or AMX bfloat16 on has it for OpenVINO too."""
    known = bfloat16._capabilities()
    if known.get("avx512_bf16") or known.get("amx_bf16"):
        assert openvino_encoder.has_bfloat16()
    elif known and not known.get("avx512_f") and not known.get("avx10_2") and known.get("architecture") == "x86_64":
        assert not openvino_encoder.has_bfloat16()
