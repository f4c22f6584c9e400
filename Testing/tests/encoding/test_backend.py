"""Which backend is used: exact by default, fast only where it is faster, and a note where the chosen one does not work."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from medxai.encoding import backends
from medxai.encoding.backends import registry
from medxai.encoding.backends.base import Backend
from medxai.encoding.backends.exact import EXACT
from medxai.encoding.backends.registry import choices, choose_backend, factories
from medxai.encoding.encoding import encoding_key
from medxai.encoding.feature_extraction import run_encoder
from medxai.encoding.kernels import bfloat16
from medxai.encoding.kernels.autocast import autocast_pass
from medxai.encoding.kernels.exact_vit import exact_pass
from medxai.engine import Engine
from medxai.errors import InputError
from medxai.models.networks.demo_encoder import DemoImageEncoder
from medxai.request import ExplainRequest, ModelChoice
from medxai.volume.phantom import make_phantom
from support.encoders import SHAPES, image_for, own_forward, relative_error, vit

CPU = torch.device("cpu")
WITH = {"avx512_bf16": True}


def test_exact_is_the_models_own_precision_everywhere():
    encoder = vit(**SHAPES["windows only"])
    for device in ("cpu", "cuda", "mps"):
        assert choose_backend("exact", encoder, torch.device(device)) == EXACT
    image = image_for(encoder)
    own = run_encoder(encoder, image, ("neck",)).embedding
    assert torch.equal(EXACT.run(encoder, image, ("neck",)).embedding, own)
    assert EXACT.note == ""


def test_an_unknown_wish_names_the_choices():
    with pytest.raises(InputError, match="choose exact, fast, openvino or openvino-fast"):
        choose_backend("int8", vit(**SHAPES["windows only"]), CPU)
    assert choices() == ("exact", "fast", "openvino", "openvino-fast")


def test_without_bfloat16_instructions_nothing_is_measured_and_the_answer_is_no():
    reason = bfloat16.why_not(
        lambda: {"avx2": True, "avx512_bf16": False, "cpu_name": "any"}, lambda: pytest.fail("measured")
    )
    assert "no bfloat16 instructions" in reason


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_with_the_instructions_the_measured_gain_decides(name):
    assert "only 1.2 times as fast" in bfloat16.why_not(lambda: {name: True}, lambda: 1.2)
    assert bfloat16.why_not(lambda: {name: True}, lambda: 1.6) == ""


def test_the_gain_is_the_ratio_of_the_best_rounds_without_the_first():
    lasting = iter([0.001, 0.001, 0.4, 0.2, 0.3, 0.1])  # more than a second in all, so no more is asked

    def seconds_of(work):
        work()
        return next(lasting)

    assert bfloat16.measured_gain(seconds_of) == pytest.approx(3)


def test_what_this_machine_says_agrees_with_its_instructions():
    reason = bfloat16.why_not()
    if not any(bfloat16._capabilities().get(name) for name in bfloat16._INSTRUCTIONS):
        assert "no bfloat16 instructions" in reason
    backend = choose_backend("fast", vit(**SHAPES["windows only"]), CPU)
    assert (backend.name == "exact") == bool(reason)


def test_bfloat16_rounds_a_little_and_changes_no_weight(monkeypatch):
    monkeypatch.setattr(bfloat16, "why_not", lambda: "")
    encoder = vit(**SHAPES["cut windows, as in ViT-B"])
    image = image_for(encoder)
    expected, captured = own_forward(encoder, image)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    backend = choose_backend("fast", encoder, CPU)
    assert backend.name == "fast bfloat16"
    output = backend.run(encoder, image, ("block 1", "neck"))
    assert output.embedding.dtype == torch.float32
    assert 1e-4 < relative_error(output.embedding, expected) < 5e-2
    assert relative_error(output.tokens["block 1"], captured["block 1"]) < 5e-2
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_bfloat16_attention_keeps_the_position_bias_exact():
    """With strong positions a rounded bias would cost five times as much as rounded queries, keys and values."""
    encoder = vit(**SHAPES["global only"])
    for block in encoder.blocks:
        block.attn.rel_pos_h.mul_(20)
        block.attn.rel_pos_w.mul_(20)
    image = image_for(encoder)
    expected, _ = own_forward(encoder, image)

    class RoundsOnlyAttention(type(bfloat16.fastest_products())):
        attention_dtype = torch.bfloat16

    embedding, _ = exact_pass(encoder, image, (), products=RoundsOnlyAttention())
    assert 1e-5 < relative_error(embedding, expected) < 3e-3


def test_a_model_that_is_no_vit_is_encoded_exactly_and_the_note_says_so(monkeypatch):
    monkeypatch.setattr(bfloat16, "why_not", lambda: "")
    backend = choose_backend("fast", DemoImageEncoder().eval(), CPU)
    assert backend.name == "exact"
    assert "made for SAM's ViT encoders and LiteMedSAM's" in backend.note


def test_a_device_that_is_not_there_or_whose_kernel_fails_gives_the_exact_backend_and_the_reason(monkeypatch):
    encoder = vit(**SHAPES["windows only"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    absent = choose_backend("fast", encoder, torch.device("cuda"))
    assert (absent.name, absent.note) == (
        "exact",
        "PyTorch finds no CUDA device for the fast precision; the exact one is used.",
    )

    def broken(*_arguments, **_options):
        raise RuntimeError("no kernel image is available\nfor this card")

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", broken)
    failing = choose_backend("fast", encoder, torch.device("mps"))
    assert failing.name == "exact"
    assert "does not work on this mps device" in failing.note


def test_autocast_gives_float32_results():
    """On the CPU, with a model that the exact pass leaves to torch, as on CUDA and MPS; its blocks give bfloat16."""
    encoder = vit(**SHAPES["no absolute positions"])
    encoder.blocks[0].register_forward_hook(lambda *_: None)
    image = image_for(encoder)
    expected, _ = own_forward(encoder, image)
    output = autocast_pass(torch.bfloat16, encoder, image, ("block 1", "neck"))
    assert output.embedding.dtype == output.tokens["block 1"].dtype == torch.float32
    assert 1e-5 < relative_error(output.embedding, expected) < 5e-2


def test_encodings_of_two_backends_are_kept_apart_and_the_note_reaches_the_user(tmp_path):
    """The fast precision is not made for the demo encoder: the note says so, and the exact result is one and the same."""
    phantom = make_phantom()
    engine, box = Engine(), (40, 40, 100, 110)
    index = phantom.slice_with_most("liver")

    def explained(backend):
        request = ExplainRequest.of_slice(phantom.volume, "axial", index, model=ModelChoice("demo", "cpu", backend))
        return engine.explain(request, [box])[0]

    exact, fast = explained("exact"), explained("fast")
    assert exact.encoding.is_new
    assert not fast.encoding.is_new, "the fast way fell back on the exact one, whose encoding is there"
    note = choose_backend("fast", engine.load(ModelChoice("demo", "cpu")).sam.image_encoder, torch.device("cpu")).note
    assert note and note in fast.warnings
    assert note not in exact.warnings


def test_an_encoding_of_one_backend_is_never_taken_for_anothers(model):
    grey = np.arange(900, dtype=np.uint8).reshape(30, 30)
    model_input = model.convention.prepare(grey)
    keys = {encoding_key(model, model_input, ("neck",), Backend(name, run_encoder)) for name in ("exact", "other")}
    assert len(keys) == 2


def test_the_ways_are_listed_with_title_and_sentence_before_torch_is_installed():
    program = (
        "import sys; from medxai.encoding.backends.registry import choices, factories; found = factories();"
        "assert choices() and all(f.key and f.title and f.sentence for f in found); assert 'torch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


PLUGIN = """
from medxai.encoding.backends.base import Backend, BackendFactory
from medxai.encoding.backends.registry import register


@register
class Shifted(BackendFactory):
    key, title, sentence = "shifted", "Shifted", "Adds one to the embedding."

    def make(self, encoder, device, cache_folder=None):
        from dataclasses import replace

        from medxai.encoding.feature_extraction import run_encoder

        def run(*arguments):
            output = run_encoder(*arguments)
            return replace(output, embedding=output.embedding + 1)

        return Backend(self.key, run)
"""


@pytest.fixture
def plugin_folder(tmp_path, monkeypatch):
    (tmp_path / "backends").mkdir()
    monkeypatch.setenv("MEDXAI_PLUGINS", str(tmp_path))
    monkeypatch.setattr(backends, "__path__", list(backends.__path__))
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))
    yield tmp_path / "backends"
    for name in ("shifted_backend", "broken_backend"):
        sys.modules.pop(f"medxai.encoding.backends.{name}", None)


def test_one_file_in_a_plugin_folder_is_another_way_to_encode(plugin_folder):
    (plugin_folder / "shifted_backend.py").write_text(PLUGIN)
    assert "shifted" in choices()
    assert "Shifted" in {factory.title for factory in factories()}
    encoder = vit(**SHAPES["windows only"])
    image = image_for(encoder)
    found = choose_backend("shifted", encoder, CPU).run(encoder, image, ("neck",))
    assert torch.equal(found.embedding, run_encoder(encoder, image, ("neck",)).embedding + 1)


def test_a_plugin_file_that_cannot_be_imported_is_named(plugin_folder):
    (plugin_folder / "broken_backend.py").write_text("import no_such_library")
    with pytest.raises(InputError, match=r"broken_backend\.py' cannot be imported .*no_such_library.*MEDXAI_PLUGINS"):
        choices()
