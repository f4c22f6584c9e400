"""MedXAI's own maps and the null baselines on a real slice, and the catalogue of all explainers."""

import importlib.abc
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medxai.encoding.cache import EncodingCache
from medxai.engine import Explainer, clip_box, explain_volume_slice, prepare_slice
from medxai.errors import InputError
from medxai.explainers import random_weights
from medxai.explainers import registry as catalogue
from medxai.explainers.base import Case, Kind
from medxai.explainers.random_weights import RandomWeights, with_random_weights
from medxai.explainers.three_stage.maps import UNWEIGHTED
from medxai.explainers.three_stage.parameters import Preset, parameters_for
from medxai.model_input.convention import InputConvention
from medxai.model_input.grey import Window
from medxai.model_input.model_input import Preparation
from medxai.models.lite_medsam import build_lite_medsam
from medxai.models.loading import LoadedModel, load_model
from medxai.models.sam_vit import SamVitShape
from medxai.slice.box import box_of_mask
from medxai.slice.slice_image import oblique_slice_of
from medxai.volume.volume import make_volume
from support.models import small_model

SLICE = 13


def case_of(scan, model, organ="liver", preset=Preset.PAPER) -> Case:
    reference = scan.mask(organ, SLICE)
    box = tuple(box_of_mask(reference).xyxy)
    result = explain_volume_slice(scan.volume, "axial", SLICE, box, model, parameters_for(preset))
    return Case(f"{organ}/{SLICE}", "one", organ, result, reference)


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.fixture(scope="module")
def case(ct, demo):
    return case_of(ct, demo)


def maps_by_name(name, case):
    (explainer,) = catalogue.make([name])
    return {(found.stage, found.layer): found.values for found in explainer.explain(case)}


def test_medxais_maps_are_the_results_own(case):
    maps = maps_by_name("medxai", case)
    explanation = case.result.explanation
    assert len(maps) == 4 * len(explanation.layers) + 2
    for layer in explanation.layers:
        assert maps["2", layer.layer] is layer.stages[2]
        assert maps[UNWEIGHTED, layer.layer] is layer.stage3_unweighted
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
    convention = InputConvention(Preparation.LITE_MEDSAM, 256)
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


def test_the_random_null_reruns_the_whole_method(ct, demo):
    case = case_of(ct, demo, preset=Preset.CONTOUR)
    trained, random = (
        maps_by_name("medxai", case),
        {(m.stage, m.layer): m.values for m in RandomWeights(3).explain(case)},
    )
    assert random.keys() == trained.keys()
    for key, values in random.items():
        assert values.shape == trained[key].shape
        assert np.isfinite(values).all()
        # Blocks compare the same image with the same box, so they resemble the trained ones, but none may be one of them.
        assert np.corrcoef(values.ravel(), trained[key].ravel())[0, 1] < 0.97, key
        assert values.std() > 0
    explainer = Explainer(with_random_weights(demo, 3), EncodingCache())
    direct = explainer.explain(case.result.prepared, [case.result.box], parameters_for(Preset.CONTOUR))[0]
    np.testing.assert_array_equal(random["3", "neck"], direct.explanation.layer("neck").stages[3])


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
    result = explain_volume_slice(
        make_volume("planted", voxels, np.eye(4)), "axial", 1, (8, 8, 27, 27), model, window=Window(100, 200)
    )
    maps = maps_by_name("intensity", Case("planted", "one", "square", result))
    pixels = result.on_slice(maps["", "pixels"])
    share = (16 / 20) ** 2  # of the box that is bright
    grey = np.array([0, 0.5, 1.0])
    mean, deviation = share * 0.5, 0.5 * np.sqrt(share * (1 - share))
    expected = np.exp(-0.5 * ((grey - mean) / deviation) ** 2)
    np.testing.assert_allclose(
        [pixels[60, 60], pixels[18, 18], pixels[48, 18]], expected, atol=0.06
    )  # the model's square blurs edges
    assert pixels[48, 48] == pytest.approx(pixels[18, 18], abs=1e-3)
    tokens = torch.nn.functional.interpolate(
        torch.from_numpy(maps["", "pixels"])[None, None], size=(8, 8), mode="area"
    )[0, 0]
    np.testing.assert_allclose(maps["", "tokens"], tokens.numpy(), atol=1e-5)


def test_a_padded_image_has_no_null_beside_it(ct):
    case = case_of(ct, small_model(Preparation.LITE_MEDSAM))
    height, width = case.result.encoding.frame.content_shape
    assert (height, width) != (128, 128)
    for name in ("intensity", "uniform", "centre-gaussian", "box-plateau", "box"):
        for values in maps_by_name(name, case).values():
            scale = values.shape[0] / 128
            assert values[int(np.ceil(height * scale)) :].sum() == 0
            assert values[:, int(np.ceil(width * scale)) :].sum() == 0
            assert values.max() > 0.4


@pytest.mark.parametrize("preset, name", [(Preset.PAPER, "centre-gaussian"), (Preset.CONTOUR, "box-plateau")])
def test_the_spatial_null_is_exactly_what_stage_three_is_multiplied_by(ct, demo, preset, name):
    case = case_of(ct, demo, preset=preset)
    neck = case.result.explanation.layer("neck")
    weight = maps_by_name(name, case)["", ""]
    lit = neck.stage3_unweighted > 0.01
    assert lit.sum() > 100
    np.testing.assert_allclose(neck.stages[3][lit] / neck.stage3_unweighted[lit], weight[lit], rtol=1e-4)
    other = maps_by_name({"centre-gaussian": "box-plateau", "box-plateau": "centre-gaussian"}[name], case)["", ""]
    assert np.abs(other - weight).max() > 0.05


def test_the_box_and_the_uniform_map_are_what_they_say(case):
    result = case.result
    on_slice = result.on_slice(maps_by_name("box", case)["", ""])
    inside = result.segmentation.box.mask(on_slice.shape)
    assert np.array_equal(on_slice > 0.5, inside)
    uniform = result.on_slice(maps_by_name("uniform", case)["", ""])
    assert np.array_equal(uniform, result.prepared.image.inside.astype(np.float32))


def test_every_map_of_every_explainer_is_sound_on_an_oblique_slice(ct):
    """Off the volume nothing is lit, whatever an explainer says of the air there."""
    missing = [reason for reason in catalogue.installed().values() if reason]
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
    box = clip_box(image, columns // 3, rows // 3, columns // 2, rows // 2)
    prepared = prepare_slice(ct.volume, image, model.convention)
    case = Case("oblique", "one", "?", Explainer(model, EncodingCache()).explain(prepared, [box])[0])
    seen = set()
    for explainer in catalogue.make(["all"]):
        for found in explainer.explain(case):
            assert found.explainer == explainer.name
            assert found.values.dtype == np.float32
            assert found.values.ndim == 2
            assert found.values.shape[0] == found.values.shape[1]  # over the model's square
            on_slice = case.result.on_slice(found.values)
            assert on_slice.shape == image.shape
            assert np.isfinite(on_slice).all()
            assert (on_slice[~image.inside] == 0).all()
            key = (found.explainer, found.stage, found.layer)
            assert key not in seen
            seen.add(key)
    assert {name for name, _, _ in seen} == set(catalogue.names())


def test_the_catalogue_makes_what_it_lists():
    made = catalogue.make(["peers", "nulls", "medxai", "rise"])
    assert tuple(explainer.name for explainer in made) == catalogue.names()
    kinds = [explainer.kind for explainer in made]
    assert kinds == sorted(kinds, key=[Kind.METHOD, Kind.NULL, Kind.PEER].index)
    assert [e.name for e in catalogue.make(["uniform", "box", "uniform"])] == ["box", "uniform"]
    for asked in (["grad-cam", "smooth-grad"], []):
        with pytest.raises(InputError, match="no explainer.*choose from medxai"):
            catalogue.make(asked)


class Absent(importlib.abc.MetaPathFinder):
    """An import system in which some packages are not installed."""

    def __init__(self, *packages):
        self._packages = packages

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def test_the_catalogue_says_what_is_missing(case, monkeypatch):
    from medxai.explainers import grad_cam
    from medxai.explainers.captum_attribution import Occlusion
    from medxai.explainers.rise import Rise

    packages = ("captum", "pytorch_grad_cam", "xaitk_saliency")
    for name in [n for n in sys.modules if n.split(".")[0] in packages]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(*packages), *sys.meta_path])
    reasons = catalogue.installed()
    assert not grad_cam.is_installed()
    assert {name for name, reason in reasons.items() if reason} == set(catalogue.GROUPS["peers"])
    assert all("pip install " in reason for reason in reasons.values() if reason)
    assert "pip install captum" in reasons["occlusion"]
    assert len(catalogue.make(["medxai", "nulls"])) == 7
    with pytest.raises(
        InputError,
        match="explainers eigen-cam, score-cam need the package grad-cam.*explainer occlusion needs the package captum",
    ):
        catalogue.make(["occlusion", "score-cam", "eigen-cam", "uniform"])
    for work in (
        lambda: grad_cam.grad_cam_map(case.result),
        lambda: Occlusion().explain(case),
        lambda: Rise().explain(case),
    ):
        with pytest.raises(InputError, match="not installed; install it with 'pip install"):
            work()


def test_other_peoples_packages_are_not_imported_before_they_are_used():
    code = (
        "import sys, medxai.explainers.registry as c, medxai.explainers.grad_cam as g\n"
        "c.make(['medxai', 'nulls']); c.installed(); g.is_installed()\n"
        "print(sorted({'captum', 'pytorch_grad_cam', 'xaitk_saliency', 'torchvision', 'cv2'} & set(sys.modules)))"
    )
    folder = Path(catalogue.__file__).parents[2]
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
        (explainer,) = catalogue.make([name])
        with pytest.raises(InputError, match=rf"{name} needs \d+ passes of 'small SAM'.*at most 64"):
            explainer.explain(case)
    maps = catalogue.make(["grad-cam"])[0].explain(case)
    assert [m.layer for m in maps] == [
        "block 3",
        "neck",
    ]  # not all that are tapped: earlier gradients would fill the memory
