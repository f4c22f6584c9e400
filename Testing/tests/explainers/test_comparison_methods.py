"""Other people's explainers on the loaded weights: the same logits, their own formulas, and nothing left behind."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medxai.encoding.feature_extraction import layer_names
from medxai.errors import Cancelled, InputError
from medxai.explainers import registry
from medxai.explainers.differentiable import image_of, segmenter_for
from medxai.explainers.eigen_cam import EigenCam
from medxai.explainers.grad_cam import GradCam
from medxai.explainers.grad_cam_import import grad_cam_package
from medxai.explainers.hires_cam import HiResCam
from medxai.explainers.layer_integrated_gradients import LayerIntegratedGradients
from medxai.explainers.occlusion import Occlusion
from medxai.explainers.rise import Rise
from medxai.explainers.score_cam import ScoreCam
from medxai.explainers.scoring import MaskScore, emptied, mean_weights
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.families.sam import MedSam, Sam
from medxai.progress import RunControl
from support.answered import DEMO, organ_case
from support.encoders import rounds_convolutions
from support.models import small_model

SLICE = 13
LIBRARY = Path(registry.__file__).parents[2]

pytestmark = pytest.mark.skipif(
    any(registry.why_not().values()),
    reason="needs the packages of other people's explainers: the extra 'comparison' of pyproject.toml",
)


@pytest.fixture(scope="module")
def liver(ct):
    return organ_case(ct, "liver", SLICE)


@pytest.fixture(scope="module")
def small(ct):
    return replace(organ_case(ct, "liver", SLICE, small_model()), reference_mask=None)


@pytest.fixture
def case(request, liver, small):
    return {"demo": liver, "small ViT": small}[request.param]


both = pytest.mark.parametrize("case", ["demo", "small ViT"], indirect=True)


def score_of(case):
    return MaskScore(segmenter_for(case), mean_weights(case.result))


@pytest.mark.parametrize("organ", ["liver", "aorta"])
@pytest.mark.parametrize("which", ["demo", MedSam, LiteMedSam, Sam])
def test_the_differentiable_model_gives_the_results_own_logits(ct, which, organ):
    case = organ_case(ct, organ, SLICE, DEMO if which == "demo" else small_model(which()))
    result = case.result
    with torch.no_grad():
        image = image_of(case)
        logits = segmenter_for(case)(torch.cat([image, image.flip(3)]))
    assert logits.shape == (2, 1, *result.segmentation.logits.shape)
    # Two threads sum in another order than one: 1.3e-4 was seen on logits of 15.
    np.testing.assert_allclose(logits[0, 0].numpy(), result.segmentation.logits, atol=5e-4)
    assert (logits[0] - logits[1]).abs().max() > 1e-3  # each image its own mask


def test_gradients_reach_the_image_but_not_the_weights(small):
    image = image_of(small).requires_grad_()
    score_of(small)(image).sum().backward()
    assert image.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in small.model.sam.parameters())


def gradients_by_autograd(case, name):
    """A layer's activations and the gradient of the mean logit in the mask, (d, h, w) each, by nothing but torch."""
    kept = []
    model = segmenter_for(case)
    handle = model.layer(name).register_forward_hook(lambda _m, _i, output: kept.append(output))
    logits = model(image_of(case).requires_grad_())[0, 0]
    mask = torch.from_numpy(case.result.segmentation.logits > 0)
    (gradient,) = torch.autograd.grad(logits[mask].mean(), kept[0])
    handle.remove()
    along = (2, 0, 1) if name.startswith("block") else (0, 1, 2)
    return kept[0][0].detach().permute(along), gradient[0].permute(along)


@both
def test_grad_cam_and_hires_cam_are_what_autograd_gives(case):
    layers = layer_names(case.model.sam.image_encoder)[-3:]
    found = {}
    for explainer in (GradCam(layers), HiResCam(layers)):
        found[explainer.key] = {m.map_id.layer: m.values for m in explainer.explain(case)}
        assert tuple(found[explainer.key]) == layers
    for layer in layers:
        activations, gradient = gradients_by_autograd(case, layer)
        by_channel = torch.relu((gradient.mean((1, 2))[:, None, None] * activations).sum(0))
        by_element = torch.relu((gradient * activations).sum(0))
        assert by_channel.max() > 1e-5
        np.testing.assert_allclose(found["grad-cam"][layer], by_channel.numpy(), atol=1e-6)
        np.testing.assert_allclose(found["hires-cam"][layer], by_element.numpy(), atol=1e-6)


@both
def test_hires_cam_of_a_layer_before_a_norm_is_empty_instead_of_rounding(case):
    """A norm does not see how long a token is, so activation times gradient sums to nothing."""
    last = layer_names(case.model.sam.image_encoder)[-2]
    block, neck = (m.values for m in HiResCam((last, "neck")).explain(case))
    assert block.max() == 0
    assert neck.max() > 1e-5


@both
def test_eigen_cam_is_the_first_principal_component(case):
    (found,) = EigenCam(("neck",)).explain(case)
    tokens = case.encoding.embedding[0].flatten(1).T.double().numpy()
    _, _, directions = np.linalg.svd(tokens - tokens.mean(0), full_matrices=False)
    projected = ((tokens - tokens.mean(0)) @ directions[0]).reshape(found.values.shape)
    either = [np.abs(found.values - np.maximum(sign * projected, 0)).max() for sign in (1, -1)]
    assert min(either) < 1e-3 * np.abs(projected).max()


def test_score_cam_weighs_each_channel_by_what_the_image_seen_through_it_scores(small, capfd):
    (found,) = ScoreCam(("neck",)).explain(small)
    assert capfd.readouterr() == ("", "")  # the library's progress bar
    image = image_of(small)
    activations = small.encoding.embedding.clone()
    seen = torch.nn.functional.interpolate(activations, size=image.shape[-2:], mode="bilinear", align_corners=True)[0]
    low, high = seen.amin((1, 2), keepdim=True), seen.amax((1, 2), keepdim=True)
    with torch.no_grad():
        scores = score_of(small)(image * ((seen - low) / (high - low))[:, None])
    expected = torch.relu((scores.softmax(0)[:, None, None] * activations[0]).sum(0))
    np.testing.assert_allclose(found.values, expected.numpy(), atol=1e-5)


def test_grad_cam_has_a_map_for_every_layer_and_the_necks_needs_no_pass_of_the_encoder(liver):
    (explainer,) = registry.make(["grad-cam"])
    maps = {m.map_id.layer: m.values for m in explainer.explain(liver)}
    assert tuple(maps) == liver.result.encoding.layers == tuple(layer.name for layer in liver.encoding.layers)
    np.testing.assert_array_equal(GradCam(("neck",)).explain(liver)[0].values, maps["neck"])
    np.testing.assert_allclose(GradCam(("block 0",)).explain(liver)[0].values, maps["block 0"], atol=1e-8)
    with passes_of(liver) as counted:
        GradCam(("neck",)).explain(liver)
        assert sum(counted) == 0  # the embedding is known
        with pytest.raises(InputError, match="no layer 'block 99'"):
            GradCam(("block 99",)).explain(liver)


def test_the_engine_compares_with_any_explainer_of_the_registry(liver):
    (own,) = GradCam(("neck",)).explain(liver)
    found = {m.map_id: m.values for m in liver.engine.compare(liver.request, liver.box, "grad-cam")}
    np.testing.assert_array_equal(found[own.map_id], own.values)
    with pytest.raises(InputError, match="no explainer 'smooth-grad'"):
        liver.engine.compare(liver.request, liver.box, "smooth-grad")


@contextmanager
def passes_of(case) -> Iterator[list[int]]:
    """How many images went through the encoder, call by call. A hook travels with the copy that the others work on."""
    counted = []
    handle = case.model.sam.image_encoder.register_forward_pre_hook(lambda _m, inputs: counted.append(len(inputs[0])))
    yield counted
    handle.remove()


@pytest.mark.parametrize(
    "explainer", [Occlusion(5), LayerIntegratedGradients(9), Rise(21), ScoreCam()], ids=lambda e: e.key
)
def test_the_stated_passes_are_those_that_are_made_and_can_be_cancelled(small, explainer):
    with passes_of(small) as counted:
        maps = explainer.explain(small)
    assert all(np.isfinite(m.values).all() for m in maps)
    assert explainer.encoder_passes(small) - 3 <= sum(counted) <= explainer.encoder_passes(small)
    asked = []

    def third_time():
        asked.append(1)
        return len(asked) > 2

    with passes_of(small) as counted, pytest.raises(Cancelled):
        explainer.explain(small, RunControl(is_cancelled=third_time))
    assert len(counted) <= 4
    assert not any(module._forward_hooks for module in small.model.sam.modules())


@both
def test_other_methods_leave_nothing_on_the_loaded_model(case):
    sam = case.model.sam
    wanted = [parameter.requires_grad for parameter in sam.parameters()]
    with torch.inference_mode():  # as a caller may well be in
        explainers = [
            *registry.make(["grad-cam", "hires-cam", "eigen-cam"]),
            LayerIntegratedGradients(2),
            Rise(2),
            Occlusion(1),
        ]
        maps = [found for explainer in explainers for found in explainer.explain(case)]
    assert all(np.isfinite(found.values).all() for found in maps)
    assert [parameter.requires_grad for parameter in sam.parameters()] == wanted
    assert all(parameter.grad is None for parameter in sam.parameters())
    for module in sam.modules():
        assert not module._forward_hooks and not module._backward_hooks and not module._forward_pre_hooks


def ends_of(case):
    """The score of the image, and that of the emptied one."""
    image = image_of(case)
    with torch.no_grad():
        return score_of(case)(torch.cat([image, emptied(image, case.encoding.frame)])).tolist()


def test_occlusion_falls_where_the_organ_is(liver):
    (found,) = Occlusion(6).explain(liver)
    on_slice = liver.result.on_slice(found.values)
    assert on_slice[liver.reference_mask].mean() > 2 * on_slice[~liver.reference_mask].mean() > 0
    (whole,) = Occlusion(1).explain(liver)  # one square over everything
    full, empty = ends_of(liver)
    np.testing.assert_allclose(whole.values, full - empty, atol=1e-4)


def test_an_emptied_image_keeps_its_padding_and_its_mean(ct):
    case = organ_case(ct, "liver", SLICE, small_model(Sam()))
    image, (height, width) = image_of(case), case.encoding.frame.content_shape
    empty = emptied(image, case.encoding.frame)
    assert height < image.shape[-2]
    assert empty[..., height:, :].abs().max() == 0
    content = empty[0, :, :height, :width]
    torch.testing.assert_close(content.amax((1, 2)), content.amin((1, 2)))
    torch.testing.assert_close(content.mean((1, 2)), image[0, :, :height, :width].mean((1, 2)))


def score_with_empty_layer(case, layer):
    """The image's score where only a layer gives the emptied image's tokens; the demo encoder has a way around its blocks."""
    image = image_of(case)
    score, kept = score_of(case), []
    module = score.segmenter.layer(layer)
    with torch.no_grad():
        keeping = module.register_forward_hook(lambda _m, _i, output: kept.append(output))
        score(emptied(image, case.encoding.frame))
        keeping.remove()
        replacing = module.register_forward_hook(lambda _m, _i, _output: kept[0])
        value = score(image).item()
        replacing.remove()
    return value


@both
def test_integrated_gradients_add_up_to_what_the_layer_contributes(case):
    last = layer_names(case.model.sam.image_encoder)[-2]
    full, _ = ends_of(case)
    for found in LayerIntegratedGradients(16, (last, "neck")).explain(case):
        layer = found.map_id.layer
        assert found.values.shape == case.result.encoding.grid == case.encoding.embedding.shape[-2:]
        assert found.values.sum() == pytest.approx(full - score_with_empty_layer(case, layer), rel=0.1), layer


def test_rise_is_fixed_by_its_seed_and_finds_the_organ(liver, small):
    explainer = Rise(masks=24, seed=2)
    (first,), (again,), (other,) = (
        one.explain(small) for one in (explainer, replace(explainer), replace(explainer, seed=3))
    )
    np.testing.assert_array_equal(first.values, again.values)
    assert np.abs(first.values - other.values).max() > 0.1
    on_slice = liver.result.on_slice(Rise(masks=48).explain(liver)[0].values)
    assert on_slice[liver.reference_mask].mean() > on_slice[~liver.reference_mask].mean()


def test_a_box_without_a_mask_is_refused_by_name(small):
    segmentation = replace(small.result.segmentation, logits=np.full_like(small.result.segmentation.logits, -1))
    empty = replace(
        small, result=replace(small.result, explanation=replace(small.result.explanation, segmentation=segmentation))
    )
    for explainer in registry.make(["grad-cam", "occlusion", "rise"]):
        with pytest.raises(InputError, match="segmented nothing"):
            explainer.explain(empty)


def test_a_second_box_on_the_slice_has_maps_of_its_own(ct, liver):
    spleen = organ_case(ct, "spleen", SLICE, liver.request.model, liver.engine)
    assert spleen.model is liver.model
    assert spleen.encoding is liver.encoding
    of_liver, of_spleen = (GradCam(("neck",)).explain(case)[0].values for case in (liver, spleen))
    assert np.abs(of_spleen - of_liver).max() > 1e-4


#: Runs in a fresh process, in which no torchvision was imported; each folder has a grad-cam of its own.
IMPORT = f"""
import importlib, sys
sys.path.insert(0, {str(LIBRARY)!r})
from medxai.errors import InputError
from medxai.explainers.grad_cam_import import grad_cam_package
for folder in sys.argv[1:]:
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        print(grad_cam_package().GradCAM.__name__)
    except InputError as error:
        print(error)
    sys.path.remove(folder)
"""


@pytest.fixture(scope="module")
def said_at_import(tmp_path_factory):
    """What the import of two made-up packages grad-cam says: one that is broken, and one whose torchvision does not fit."""
    broken, unfitting = (tmp_path_factory.mktemp(name) for name in ("broken", "unfitting"))
    for folder in (broken, unfitting):
        (folder / "pytorch_grad_cam").mkdir()
    (broken / "pytorch_grad_cam" / "__init__.py").write_text("raise RuntimeError('the disk is on fire')")
    (unfitting / "pytorch_grad_cam" / "__init__.py").write_text(
        "import torch\n"
        "for operator in ('medxai_one', 'medxai_two'):\n"
        "    torch.library.register_fake(f'torchvision::{operator}')(lambda a, b, c: a)\n"
        "from . import score_cam\n"
        "class GradCAM: pass\n"
    )
    (unfitting / "pytorch_grad_cam" / "score_cam.py").write_text("")
    command = [sys.executable, "-c", IMPORT, str(broken), str(unfitting)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_grad_cam_is_imported_beside_a_torchvision_without_its_operators(said_at_import):
    """A torchvision of the same behaviour where the installed one fits; the same failure in the same words where not."""
    assert said_at_import[1] == "GradCAM"
    assert grad_cam_package().GradCAM.__name__ == "GradCAM"  # the real one, beside whatever torchvision is here


def test_a_grad_cam_that_is_broken_otherwise_says_so(said_at_import):
    said = said_at_import[0]
    assert said.startswith("The package grad-cam cannot be imported (the disk is on fire); install it anew with")


@pytest.mark.parametrize("key", registry.groups()["comparisons"])
def test_on_a_graphics_processor_no_method_lets_convolutions_be_rounded(small, key, monkeypatch):
    """Neither on the way to the logits nor on the way back to the gradients."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    seen = []

    def look(module, _inputs, output):
        if isinstance(module, torch.nn.Conv2d):
            seen.append(rounds_convolutions())
            if output.requires_grad:
                output.register_hook(lambda _gradient: seen.append(rounds_convolutions()))

    with torch.nn.modules.module.register_module_forward_hook(look):
        registry.make([key])[0].explain(small)
    assert seen
    assert not any(seen)
    assert rounds_convolutions()
