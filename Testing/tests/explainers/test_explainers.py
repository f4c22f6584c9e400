"""MedXAI's own maps and the baselines on a real slice, and the registry of all explainers."""

import importlib.abc
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medxai.engine import Engine
from medxai.errors import InputError
from medxai.explainers import random_weights, registry
from medxai.explainers.grad_cam import GradCam
from medxai.explainers.occlusion import Occlusion
from medxai.explainers.random_weights import RandomWeights, with_random_weights
from medxai.explainers.rise import Rise
from medxai.explainers.three_stage.parameters import Preset, parameters_for
from medxai.maps import STAGE3_UNWEIGHTED, Role
from medxai.model_input.grey import Window
from medxai.models.convention import InputConvention
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.loading import LoadedModel, load_model
from medxai.models.networks.lite_medsam import build_lite_medsam
from medxai.models.networks.sam_vit import SamVitShape
from medxai.request import ExplainRequest
from medxai.slice.slice_image import oblique_slice_of
from medxai.volume.volume import make_volume
from support.answered import organ_case
from support.models import small_model

SLICE = 13


def case_of(scan, model, organ="liver", preset=Preset.PAPER):
    return organ_case(scan, organ, SLICE, model, parameters=parameters_for(preset))


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.fixture(scope="module")
def case(ct, demo):
    return case_of(ct, demo)


def maps_of(key, case):
    """Values by what identifies a map besides its explainer."""
    (explainer,) = registry.make([key])
    return {(found.map_id.map, found.map_id.layer): found.values for found in explainer.explain(case)}


def test_medxais_maps_are_the_results_own(case):
    maps = maps_of("medxai", case)
    explanation = case.result.explanation
    assert len(maps) == 4 * len(explanation.layers) + 2
    for layer in explanation.layers:
        assert maps["stage2", layer.layer] is layer.stages[2]
        assert maps[STAGE3_UNWEIGHTED.map, layer.layer] is layer.stage3_unweighted
    assert maps["terminal", ""] is explanation.segmentation.logits
    assert maps["interaction", ""].sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("architecture", ["demo", "small ViT", "TinyViT"])
def test_random_weights_are_new_throughout_and_leave_the_trained_ones_alone(architecture, demo):
    model = {"demo": lambda: demo, "small ViT": lambda: looking_trained(small_model()), "TinyViT": tiny_vit}[
        architecture
    ]()
    before = {name: tensor.clone() for name, tensor in model.sam.state_dict().items()}
    generator = torch.get_rng_state()
    random, again, other = (with_random_weights(model, seed).sam.state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), generator)
    for name, tensor in model.sam.state_dict().items():
        assert torch.equal(tensor, before[name]), name
        assert torch.equal(random[name], again[name]), name
        assert random[name].isfinite().all()
        if tensor.is_floating_point():
            assert not torch.equal(random[name], tensor), name
            if (
                tensor.numel() > 1 and float(random[name].std()) > 0
            ):  # not a norm, which starts at 1 and 0 whatever the seed
                assert not torch.equal(random[name], other[name]), name
    tables = [
        name for name in before if name.endswith(("pos_embed", "rel_pos_h", "attention_biases", "gaussian_matrix"))
    ]
    assert tables
    for name in tables:
        assert float(random[name].std()) == pytest.approx(float(before[name].std()), rel=0.3)


def looking_trained(model: LoadedModel) -> LoadedModel:
    """With every tensor that is learned away from where a new network starts."""
    generator = torch.Generator().manual_seed(5)
    running = [buffer for name, buffer in model.sam.named_buffers() if "running" in name]
    with torch.no_grad():
        for tensor in [*model.sam.parameters(), *running]:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.3 + 0.01)
    return model


def tiny_vit() -> LoadedModel:
    convention = InputConvention(LiteMedSam(), 256)
    return looking_trained(
        LoadedModel("lite", "lite", "LiteMedSAM TinyViT", build_lite_medsam(), convention, "", torch.device("cpu"))
    )


def test_norms_and_running_statistics_of_random_weights_are_those_of_a_new_network():
    random = with_random_weights(tiny_vit(), 0).sam
    block = random.image_encoder.layers[1].blocks[0]
    assert torch.equal(block.local_conv.bn.running_var, torch.ones_like(block.local_conv.bn.running_var))
    assert torch.equal(random.image_encoder.neck[1].weight, torch.ones(256))  # segment-anything's LayerNorm2d
    assert torch.equal(random.image_encoder.neck[1].bias, torch.zeros(256))
    assert block.attn.bias_index.max() == block.window**2 - 1  # not learned, so kept


def test_the_random_baseline_reruns_the_whole_method(ct, demo):
    case = case_of(ct, demo, preset=Preset.CONTOUR)
    trained, random = (
        maps_of("medxai", case),
        {(m.map_id.map, m.map_id.layer): m.values for m in RandomWeights(3).explain(case)},
    )
    assert random.keys() == trained.keys()
    for key, values in random.items():
        assert values.shape == trained[key].shape
        assert np.isfinite(values).all()
        # Blocks compare the same image with the same box, so they resemble the trained ones, but none may be one of them.
        assert np.corrcoef(values.ravel(), trained[key].ravel())[0, 1] < 0.97, key
        assert values.std() > 0
    direct = Engine().explain(replace(case.request, model=with_random_weights(demo, 3)), [case.box])[0]
    np.testing.assert_array_equal(random["stage3", "neck"], direct.explanation.layer("neck").stages[3])


def test_the_random_model_is_made_once_for_a_model_and_anew_for_another(ct, case, monkeypatch):
    made = []

    def counting(model, seed):
        made.append(model)
        return with_random_weights(model, seed)

    monkeypatch.setattr(random_weights, "with_random_weights", counting)
    explainer = RandomWeights()
    other = small_model()
    for one in (case, case, case_of(ct, other), case_of(ct, replace(other, sam=small_model(seed=4).sam))):
        explainer.explain(one)
    assert [model.name for model in made] == ["demo", "small", "small"]  # the last two carry the same checksum


def test_intensity_lights_up_what_is_as_bright_as_the_box():
    voxels = np.zeros((3, 64, 64), np.float32)
    voxels[:, 10:26, 10:26] = 100  # in the box
    voxels[:, 40:56, 40:56] = 100  # elsewhere, as bright
    voxels[:, 40:56, 10:26] = 200
    model = small_model()
    volume = make_volume("made up", voxels, np.eye(4))
    request = ExplainRequest.of_slice(volume, "axial", 1, model=model, window=Window(100, 200))
    case = Engine().case(request, (8, 8, 27, 27))
    maps = maps_of("intensity", case)
    pixels = case.result.on_slice(maps["pixels", ""])
    share = (16 / 20) ** 2  # of the box that is bright
    grey = np.array([0, 0.5, 1.0])
    mean, deviation = share * 0.5, 0.5 * np.sqrt(share * (1 - share))
    expected = np.exp(-0.5 * ((grey - mean) / deviation) ** 2)
    np.testing.assert_allclose(
        [pixels[60, 60], pixels[18, 18], pixels[48, 18]], expected, atol=0.06
    )  # the model's square blurs edges
    assert pixels[48, 48] == pytest.approx(pixels[18, 18], abs=1e-3)
    tokens = torch.nn.functional.interpolate(
        torch.from_numpy(maps["pixels", ""])[None, None], size=(8, 8), mode="area"
    )[0, 0]
    np.testing.assert_allclose(maps["tokens", ""], tokens.numpy(), atol=1e-5)


def test_a_padded_image_has_no_baseline_beside_it(ct):
    case = case_of(ct, small_model(LiteMedSam()))
    height, width = case.result.encoding.frame.content_shape
    assert (height, width) != (128, 128)
    for name in ("intensity", "uniform", "centre-gaussian", "box-plateau", "box"):
        for values in maps_of(name, case).values():
            scale = values.shape[0] / 128
            assert values[int(np.ceil(height * scale)) :].sum() == 0
            assert values[:, int(np.ceil(width * scale)) :].sum() == 0
            assert values.max() > 0.4


@pytest.mark.parametrize("preset, name", [(Preset.PAPER, "centre-gaussian"), (Preset.CONTOUR, "box-plateau")])
def test_the_spatial_baseline_is_exactly_what_stage_three_is_multiplied_by(ct, demo, preset, name):
    case = case_of(ct, demo, preset=preset)
    neck = case.result.explanation.layer("neck")
    weight = maps_of(name, case)["", ""]
    lit = neck.stage3_unweighted > 0.01
    assert lit.sum() > 100
    np.testing.assert_allclose(neck.stages[3][lit] / neck.stage3_unweighted[lit], weight[lit], rtol=1e-4)
    other = maps_of({"centre-gaussian": "box-plateau", "box-plateau": "centre-gaussian"}[name], case)["", ""]
    assert np.abs(other - weight).max() > 0.05


def test_the_box_and_the_uniform_map_are_what_they_say(case):
    result = case.result
    on_slice = result.on_slice(maps_of("box", case)["", ""])
    inside = result.segmentation.box.mask(on_slice.shape)
    assert np.array_equal(on_slice > 0.5, inside)
    uniform = result.on_slice(maps_of("uniform", case)["", ""])
    assert np.array_equal(uniform, result.prepared.image.inside.astype(np.float32))


def test_every_map_of_every_explainer_is_sound_on_an_oblique_slice(ct):
    """Off the volume nothing is lit, whatever an explainer says of the air there."""
    missing = [reason for reason in registry.why_not().values() if reason]
    if missing:
        pytest.skip(missing[0])
    plane = np.eye(4)
    plane[:3, :3] = np.linalg.qr([[0.8, 0.3, 0.2], [0.3, 0.8, 0.5], [0.5, -0.4, 0.8]])[0]
    centre = (np.array(ct.volume.shape_ijk) - 1) / 2
    plane[:, 3] = ct.volume.ijk_to_ras_mm @ [*centre, 1]
    image = oblique_slice_of(ct.volume, plane)
    assert not image.inside.all()
    model = small_model()
    rows, columns = image.shape
    box = (columns // 3, rows // 3, columns // 2, rows // 2)
    case = Engine().case(ExplainRequest(ct.volume, image, model), box)
    seen = set()
    for explainer in registry.make(["all", "ledger"]):
        for found in explainer.explain(case):
            assert found.map_id.explainer == explainer.key
            assert found.values.dtype == np.float32
            assert found.values.ndim == 2
            assert found.values.shape[0] == found.values.shape[1]  # over the model's square
            on_slice = case.result.on_slice(found.values)
            assert on_slice.shape == image.shape
            assert np.isfinite(on_slice).all()
            assert (on_slice[~image.inside] == 0).all()
            assert found.map_id not in seen
            seen.add(found.map_id)
    assert {map_id.explainer for map_id in seen} == set(registry.explainers())
    assert {map_id.key for map_id in seen} == {info.key for info in registry.map_infos()}


@pytest.mark.parametrize("others", [("comparisons", "baselines"), ("peers", "nulls")], ids=["today's", "earlier"])
def test_the_registry_makes_what_it_lists(others):
    made = registry.make([*others, "medxai", "rise", "ledger"])
    assert tuple(explainer.key for explainer in made) == tuple(registry.explainers())
    roles = [explainer.role for explainer in made]
    assert roles == sorted(roles, key=list(Role).index)
    assert set(registry.explainers()) - set(registry.groups()["all"]) == {"ledger"}, "parts of an answer are not ranked"
    assert [e.key for e in registry.make(["uniform", "box", "uniform"])] == ["box", "uniform"]
    for asked in (["grad-cam", "smooth-grad"], []):
        with pytest.raises(InputError, match="no explainer.*choose from medxai"):
            registry.make(asked)


def test_a_key_is_taken_once():
    with pytest.raises(ValueError, match="two explainers are called 'rise'"):

        @registry.register
        class Another(Rise):
            """Another explainer of that name."""

    assert registry.explainers()["rise"] is Rise


class Absent(importlib.abc.MetaPathFinder):
    """An import system in which some packages are not installed."""

    def __init__(self, *packages):
        self._packages = packages

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def test_the_registry_says_what_is_missing(case, monkeypatch):
    packages = ("captum", "pytorch_grad_cam", "xaitk_saliency")
    for name in [n for n in sys.modules if n.split(".")[0] in packages]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(*packages), *sys.meta_path])
    reasons = registry.why_not()
    assert {name for name, reason in reasons.items() if reason} == set(registry.groups()["comparisons"])
    assert not any(info.role is Role.COMPARISON for info in registry.map_infos())
    assert all("pip install " in reason for reason in reasons.values() if reason)
    assert "pip install captum" in reasons["occlusion"]
    assert len(registry.make(["medxai", "baselines"])) == 7
    with pytest.raises(
        InputError,
        match="explainers eigen-cam, score-cam need the package grad-cam.*explainer occlusion needs the package captum",
    ):
        registry.make(["occlusion", "score-cam", "eigen-cam", "uniform"])
    for explainer in (GradCam(), Occlusion(), Rise()):
        with pytest.raises(InputError, match="not installed; install it with 'pip install"):
            explainer.explain(case)


def test_other_peoples_packages_are_not_imported_before_they_are_used():
    code = (
        "import sys, medxai.explainers.registry as r\n"
        "r.make(['medxai', 'baselines']); r.why_not(); r.map_infos()\n"
        "print(sorted({'captum', 'pytorch_grad_cam', 'xaitk_saliency', 'torchvision', 'cv2'} & set(sys.modules)))"
    )
    folder = Path(registry.__file__).parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_large_encoder_is_not_run_a_hundred_times(ct):
    shape = SamVitShape(
        image_size_px=512,
        patch_size_px=128,
        width=48,
        depth=4,
        heads=2,
        global_blocks=(1, 3),
        window_tokens=3,
        embedding_channels=32,
        decoder_mlp_width=64,
        iou_head_width=32,
    )
    case = case_of(ct, small_model(shape=shape))
    for name in ("occlusion", "rise", "score-cam"):
        (explainer,) = registry.make([name])
        with pytest.raises(InputError, match=rf"{name} needs \d+ passes of 'small SAM'.*at most 64"):
            explainer.explain(case)
    maps = registry.make(["grad-cam"])[0].explain(case)
    assert [m.map_id.layer for m in maps] == [
        "block 3",
        "neck",
    ]  # not all that are tapped: earlier gradients would fill the memory
