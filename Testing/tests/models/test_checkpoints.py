"""Checkpoints are known by their own keys, read safely, and refused in one sentence."""

import pickle

import pytest
import safetensors.torch
import torch

from medxai.errors import ModelError
from medxai.explainers import grad_cam_import
from medxai.models.download import verify
from medxai.models.loading import load_model
from medxai.models.networks.lite_medsam import build_lite_medsam
from medxai.models.networks.sam_vit import SAM_VIT_B, SamVitShape, build_sam_vit, shape_of
from medxai.models.networks.tiny_vit import WindowAttention
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from support.models import SMALL_SHAPE, small_model


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.sam.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("form", ["pth", "safetensors", "training checkpoint", "data parallel", "half precision"])
def test_a_checkpoint_is_recognised_and_loaded_unchanged(form, tmp_path, model):
    state, path = state_of(model), tmp_path / "c.pth"
    if form == "pth":
        torch.save(state, path)
    elif form == "safetensors":
        path = tmp_path / "c.safetensors"
        safetensors.torch.save_file(state, path)
    elif form == "training checkpoint":
        torch.save({"model": state, "optimizer": {"lr": torch.tensor(1.0)}, "epoch": 3}, path)
    elif form == "data parallel":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    else:
        path = tmp_path / "c.safetensors"
        state = {name: tensor.half().float() for name, tensor in state.items()}
        safetensors.torch.save_file({name: tensor.half() for name, tensor in state.items()}, path)
    loaded = load_model(path)
    assert same(loaded.sam.state_dict(), state)
    assert loaded.convention.size_px == SMALL_SHAPE.image_size_px
    assert "not in the registry" in loaded.note
    assert len(loaded.checksum_sha256) == 64
    assert not any(parameter.requires_grad for parameter in loaded.sam.parameters())


@pytest.mark.parametrize(
    "shape",
    [
        SMALL_SHAPE,
        SamVitShape(
            image_size_px=160, patch_size_px=20, width=64, depth=3, heads=4, global_blocks=(2,), window_tokens=3
        ),
    ],
)
def test_the_shape_of_any_sam_is_read_off_its_state(shape):
    assert shape_of(build_sam_vit(shape).state_dict()) == shape


def test_vit_b_is_recognised_by_its_own_shapes():
    with torch.device("meta"):
        assert shape_of(build_sam_vit(SAM_VIT_B).state_dict()) == SAM_VIT_B


def test_lite_medsam_is_recognised(tmp_path):
    sam = build_lite_medsam()
    torch.save(sam.state_dict(), tmp_path / "lite.pth")
    loaded = load_model(tmp_path / "lite.pth")
    assert loaded.architecture == "LiteMedSAM TinyViT"
    assert loaded.convention.size_px == 256
    assert same(loaded.sam.state_dict(), sam.state_dict())


def test_tiny_vit_numbers_its_attention_biases_as_its_checkpoints_do():
    """Distances are numbered in the order in which pairs of tokens, row by row, first show them."""
    window, met = 7, {}
    places = [(row, column) for row in range(window) for column in range(window)]
    numbers = [[met.setdefault((abs(a[0] - b[0]), abs(a[1] - b[1])), len(met)) for b in places] for a in places]
    assert WindowAttention(8, 2, window).bias_index.tolist() == numbers


def test_the_naming_of_transformers_gives_the_same_masks(tmp_path):
    transformers = pytest.importorskip(
        "transformers", reason="needs the package transformers (part of the extra 'test')"
    )
    # transformers imports torchvision where it finds it, and fails on one that does not fit torch; after this it loads.
    if grad_cam_import.GRAD_CAM.is_installed:
        grad_cam_import.grad_cam_package()
    config = transformers.SamConfig(
        vision_config=dict(
            hidden_size=48,
            num_hidden_layers=4,
            num_attention_heads=2,
            image_size=128,
            patch_size=16,
            window_size=5,
            global_attn_indexes=[1, 3],
            mlp_dim=192,
            output_channels=32,
            num_pos_feats=16,
        ),
        prompt_encoder_config=dict(hidden_size=32, image_size=128, patch_size=16),
        mask_decoder_config=dict(hidden_size=32, mlp_dim=64, iou_head_hidden_dim=32),
    )
    torch.manual_seed(1)
    theirs = transformers.SamModel(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(std=0.25)
    safetensors.torch.save_file(
        {name: t.contiguous().clone() for name, t in theirs.state_dict().items()}, tmp_path / "hf.safetensors"
    )
    ours = load_model(tmp_path / "hf.safetensors").sam
    image, boxes = torch.rand(1, 3, 128, 128), torch.tensor([[[20.0, 30.0, 90.0, 100.0]]])
    with torch.inference_mode():
        # A mask prompt too, so that its own small network is compared as well.
        prompt = torch.randn(1, 1, 32, 32)
        expected = theirs(pixel_values=image, input_boxes=boxes, input_masks=prompt, multimask_output=False).pred_masks[
            0, 0
        ]
        sparse, dense = ours.prompt_encoder(points=None, boxes=boxes[0], masks=prompt)
        logits, _ = ours.mask_decoder(
            ours.image_encoder(image), ours.prompt_encoder.get_dense_pe(), sparse, dense, False
        )
    assert expected.std() > 1e-3
    torch.testing.assert_close(logits[0], expected, rtol=1e-4, atol=1e-5)


class _Danger:
    def __reduce__(self):
        return exec, ("raise SystemExit('the checkpoint ran code')",)


def test_a_pickle_that_would_run_code_is_refused_and_not_run(tmp_path, model):
    torch.save({**state_of(model), "extra": _Danger()}, tmp_path / "evil.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(_Danger()))
    for name in ("evil.pth", "raw.pth"):
        with pytest.raises(ModelError, match="could run code"):
            load_model(tmp_path / name)


@pytest.mark.parametrize("name", ["c.pth", "c.safetensors"])
def test_a_truncated_checkpoint_is_refused(name, tmp_path, model):
    path = tmp_path / name
    safetensors.torch.save_file(state_of(model), path) if "safe" in name else torch.save(state_of(model), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="damaged"):
        load_model(path)


def test_checkpoints_of_something_else_are_refused(tmp_path, model):
    torch.save({"fc.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="no checkpoint of a model that MedXAI knows"):
        load_model(tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="no state dict"):
        load_model(tmp_path / "list.pth")
    state = state_of(model)
    del state["mask_decoder.iou_token.weight"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(ModelError, match="iou_token"):
        load_model(tmp_path / "part.pth")
    (tmp_path / "text.pth").write_text("no checkpoint")
    with pytest.raises(ModelError):
        load_model(tmp_path / "text.pth")


def test_other_weights_do_not_run_under_a_published_name(tmp_path, model):
    """Bytes that a disk has lost gave a mask under LiteMedSAM's name, and random weights did, too."""
    entry = registered("litemedsam")
    path = tmp_path / entry.file_name
    torch.save(state_of(model), path)
    with path.open("ab") as file:
        file.truncate(entry.size_bytes)  # its size alone is right
    with pytest.raises(ModelError, match="not the published file of 'litemedsam'.*models download litemedsam"):
        load_model("litemedsam", ModelStore(tmp_path))


def test_an_unknown_name_and_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="choose one of medsam, medsam-hf, litemedsam, demo"):
        load_model("medsan")
    with pytest.raises(ModelError, match="medxai models download medsam"):
        load_model("medsam", ModelStore(tmp_path))
    with pytest.raises(ModelError, match="choose one of"):
        registered("medsan")


def test_segment_anything_imports_beside_a_torchvision_that_does_not_fit(tmp_path):
    import subprocess
    import sys

    fake = tmp_path / "torchvision"
    fake.mkdir()
    (fake / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    code = "from medxai.models.segment_anything_import import modeling; print(modeling().Sam.__name__)"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == "Sam", run.stderr


def test_the_bundled_weights_are_the_registered_ones():
    entry = registered("demo")
    assert verify(entry).checked_against == "SHA-256"
    loaded = load_model(entry.bundled)
    assert (loaded.name, loaded.note) == ("demo", "")
    assert loaded.family.has_mask_prompt


def test_models_of_different_seeds_differ():
    assert not same(state_of(small_model(seed=0)), state_of(small_model(seed=1)))
