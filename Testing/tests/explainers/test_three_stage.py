"""The maps are the definitions, written out the slow way; and they keep what honest maps keep."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medxai.display_range import display_range, for_display, range_of_one
from medxai.encoding.encoding import encode
from medxai.encoding.features import layer_features
from medxai.errors import InputError
from medxai.explainers.three_stage.concentration import concentration_of, effective_area, share_inside
from medxai.explainers.three_stage.parameters import ExplainerParameters, Preset, parameters_for
from medxai.explainers.three_stage.references import TokenWeights, on_grid, similarities
from medxai.explainers.three_stage.spatial import coverage_of, ring_of, spatial_weight
from medxai.explainers.three_stage.stages import explain
from medxai.maps import stage_map
from medxai.model_input.frame import ModelFrame
from medxai.model_input.grey import Window
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.families.sam import Sam
from medxai.segmentation.segmenting import segment
from medxai.slice.box import PixelBox
from medxai.volume.volume import Modality, make_volume
from support.answered import explained
from support.models import small_model

FRAME = ModelFrame(128, (128, 128), (60, 80))


def encoded(model, shape=(60, 80), seed=3, layers=None):
    grey = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    return encode(model, model.convention.prepare(grey), layers)


def unit(vector):
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 1e-9 else vector * 0


def slow_maps(features, coverage, probability, attention, ring, weight, p):
    """Stages 1 to 3 of one layer token by token, from the definitions in words."""
    f = features.unit.float().numpy().astype(np.float64)
    g = features.global_similarity.numpy().ravel()
    w, a, r = coverage.ravel(), attention.ravel(), ring.ravel()
    o = w * probability.ravel()
    q, b = unit(a @ f), unit(r @ f)
    stage1, stage2, stage3 = (np.zeros(len(f)) for _ in range(3))
    for i in range(len(f)):
        others = np.arange(len(f)) != i
        prototype = unit(w[others] @ f[others])
        stage1[i] = f[i] @ prototype
        stage2[i] = f[i] @ unit(p.prototype_share * prototype + (1 - p.prototype_share) * q)
        four = (
            p.global_weight * g[i]
            + p.prototype_weight * (f[i] @ unit(o[others] @ f[others]))
            + p.prompt_weight * (f[i] @ q)
            - p.context_weight * (f[i] @ b)
        )
        stage3[i] = weight.ravel()[i] * max(four, 0)
    return stage1, stage2, stage3


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize(
    "box", [PixelBox(14, 9, 50, 41), PixelBox(30, 30, 30, 30), PixelBox(0, 0, 79, 59), PixelBox(71, 52, 79, 59)]
)
def test_every_stage_equals_its_definition_token_by_token(model, preset, box):
    encoding = encoded(model)
    parameters = ExplainerParameters(preset=preset)
    explanation = explain(encoding, segment(model, encoding, [box]), parameters)[0]
    for features, maps in zip(encoding.layers, explanation.layers, strict=False):
        grid, frame = features.grid, encoding.frame
        h, w = grid
        logits = explanation.terminal.reshape(h, 4, w, 4)
        probability = (1 / (1 + np.exp(-logits))).mean((1, 3))
        expected = slow_maps(
            features,
            coverage_of(box, frame, grid),
            probability,
            explanation.interaction,
            ring_of(box, frame, grid, parameters.ring_growth),
            spatial_weight(box, frame, grid, parameters),
            parameters,
        )
        for stage, values in enumerate(expected, start=1):
            np.testing.assert_allclose(maps.stages[stage].ravel(), values, atol=1e-4)


def test_a_token_gains_nothing_from_its_own_membership():
    """Random tokens resemble nobody; without leaving a token out of its prototype those in the box would look alike."""
    generator = torch.Generator().manual_seed(0)
    features = layer_features("x", torch.randn(16, 16, 64, generator=generator), torch.ones(16, 16))
    coverage = torch.zeros(1, 256)
    coverage[0, 100:109] = 1
    even = torch.full((1, 256), 1 / 256)
    found = similarities(features, TokenWeights(coverage, coverage, even, even), 0.6)
    for inside in (found.prototype[0, 100:109], found.organ[0, 100:109]):
        assert inside.mean().abs() < 0.12
    naive = features.unit[100:109].float() @ torch.nn.functional.normalize(features.unit[100:109].float().sum(0), dim=0)
    assert naive.mean() > 0.25


@pytest.mark.parametrize("family", [LiteMedSam, Sam])
def test_nothing_outside_the_image_lights_up(family):
    model = small_model(family())
    encoding = encoded(model, shape=(40, 80))
    explanation = explain(encoding, segment(model, encoding, [PixelBox(10, 10, 30, 30)]))[0]
    assert encoding.frame.content_shape == (64, 128)
    for maps in explanation.layers:
        outside = encoding.frame.content_coverage(maps.grid) == 0
        assert outside.any()
        for values in maps.stages.values():
            assert (values[outside] == 0).all()
            assert np.abs(values[~outside]).max() > 0


def test_boxes_together_are_as_one_by_one(model):
    encoding = encoded(model)
    boxes = [PixelBox(3 * n, 2 * n, 3 * n + 20, 2 * n + 12) for n in range(9)]
    segmentations = segment(model, encoding, boxes)
    together = explain(encoding, segmentations)
    for one, segmentation in zip(together, segmentations, strict=False):
        alone = explain(encoding, [segmentation])[0]
        for a, b in zip(one.layers, alone.layers, strict=False):
            for stage in (1, 2, 3):
                np.testing.assert_allclose(a.stages[stage], b.stages[stage], atol=1e-5)


def test_the_terminal_map_is_the_logits_and_the_interaction_map_the_attention(model):
    encoding = encoded(model)
    segmentation = segment(model, encoding, [PixelBox(14, 9, 50, 41)])[0]
    explanation = explain(encoding, [segmentation])[0]
    np.testing.assert_array_equal(explanation.terminal, segmentation.logits)
    np.testing.assert_array_equal(explanation.interaction, segmentation.attention)


def test_stage_1_does_not_depend_on_the_mask_decoder():
    first, second = small_model(), small_model()
    with torch.no_grad():
        for parameter in second.sam.mask_decoder.parameters():
            parameter.add_(torch.randn_like(parameter))
    maps = []
    for model in (first, second):
        encoding = encoded(model)
        maps.append(explain(encoding, segment(model, encoding, [PixelBox(14, 9, 50, 41)]))[0].layers[0].stages)
    np.testing.assert_allclose(maps[0][1], maps[1][1], atol=1e-6)
    assert np.abs(maps[0][2] - maps[1][2]).max() > 1e-3


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 79),
    st.integers(0, 59),
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from([4, 8, 16, 33]),
    st.sampled_from(list(Preset)),
)
def test_coverage_ring_and_weight_keep_their_bounds(x, y, width, height, cells, preset):
    box = PixelBox(x, y, min(x + width, 79), min(y + height, 59))
    grid = (cells, cells)
    coverage, ring = coverage_of(box, FRAME, grid), ring_of(box, FRAME, grid, 0.5)
    assert coverage.sum() > 0
    assert ring.min() >= 0
    assert (coverage + ring).max() <= 1 + 1e-9
    parameters = ExplainerParameters(preset=preset)
    weight = spatial_weight(box, FRAME, grid, parameters)
    assert parameters.distant_floor <= weight.min()
    assert weight.max() <= 1 + 1e-12
    assert coverage.ravel()[weight.argmax()] > 0
    if preset is Preset.CONTOUR:
        assert (weight[coverage >= 1 - 1e-9] > 1 - 1e-9).all()


def test_attention_keeps_its_sum_on_finer_and_coarser_grids():
    attention = torch.rand(3, 8, 8)
    for grid in ((4, 4), (8, 8), (32, 32)):
        flat = on_grid(attention, grid)
        torch.testing.assert_close(flat.sum(1), torch.ones(3))
        assert flat.shape == (3, grid[0] * grid[1])


def test_the_narrowing_is_split_without_rest(model):
    encoding = encoded(model)
    explanation = explain(encoding, segment(model, encoding, [PixelBox(14, 9, 50, 41)]))[0]
    content = {maps.grid: encoding.frame.content_coverage(maps.grid) for maps in explanation.layers}
    metrics = concentration_of(explanation, content)
    first, last = explanation.layers[0].layer, explanation.layers[-1].layer
    for narrowing, metric in (
        (metrics.narrowing_share, metrics.share_inside),
        (metrics.narrowing_area, metrics.effective_area),
    ):
        assert narrowing.total == pytest.approx(narrowing.by_the_model + narrowing.by_construction)
        assert narrowing.total == pytest.approx(metric[stage_map(3, last)] - metric[stage_map(1, first)])
        assert narrowing.by_the_model == pytest.approx(metric[stage_map(1, last)] - metric[stage_map(1, first)])


def test_concentration_of_known_maps():
    even, inside = np.ones((4, 4)), np.zeros((4, 4))
    inside[:2] = 1
    assert share_inside(even, inside) == pytest.approx(0.5)
    assert share_inside(inside, inside) == pytest.approx(1)
    assert effective_area(even, 16) == pytest.approx(1)
    assert effective_area(inside, 16) == pytest.approx(0.5)
    assert share_inside(np.zeros((4, 4)), inside) is None
    assert effective_area(np.zeros((4, 4)), 16) is None


def test_a_map_without_range_is_shown_empty_and_never_amplified():
    flat = np.full((8, 8), 0.4) + np.random.default_rng(0).normal(0, 1e-6, (8, 8))
    shown = display_range([flat])
    assert not shown.informative
    assert (for_display(flat, shown) == 0).all()


def test_layers_of_a_stage_share_their_range_and_negative_values_stay_dark():
    weak, strong = np.linspace(-0.5, 0.2, 100), np.linspace(-0.5, 0.8, 100)
    shown = display_range([weak, strong])
    assert for_display(weak, shown).max() < 0.4
    assert for_display(strong, shown).max() == 1
    assert (for_display(strong, shown)[strong <= 0] == 0).all()


def test_a_layers_own_range_shows_the_most_of_it_but_amplifies_nothing():
    weak, strong, faint = np.linspace(-0.5, 0.4, 100), np.linspace(-0.5, 0.8, 100), np.linspace(-0.5, 0.01, 100)
    shared = display_range([weak, strong, faint])
    assert for_display(weak, shared).max() < 0.6
    assert for_display(weak, range_of_one(weak, shared)).max() == 1
    assert for_display(strong, range_of_one(strong, shared)).max() == 1
    assert for_display(faint, range_of_one(faint, shared)).max() < 0.05
    nothing = np.full((8, 8), 0.4)
    assert range_of_one(nothing, shared) == shared and not range_of_one(weak, display_range([nothing])).informative


def test_a_small_organ_keeps_its_shades():
    """0.4 % of a slice: a percentile of all values would lie below every one of the organ's own."""
    values = np.full((100, 100), -3.0)
    values[50:54, 50:60] = np.linspace(1, 4, 40).reshape(4, 10)
    shown = display_range([values])
    assert shown.upper > 3.5
    assert len(np.unique(for_display(values, shown))) > 30


def test_a_map_without_positive_values_has_nothing_to_show():
    assert not display_range([np.linspace(-2, -1, 50)]).informative


def test_an_unknown_preset_is_refused():
    with pytest.raises(InputError, match="paper or contour"):
        parameters_for("papre")


def test_a_box_whose_pixels_are_all_of_one_value_is_warned_of_where_the_window_hides_them_only(model):
    """Air beside a patient: noise around −1000 HU, black below −160 HU."""
    voxels = np.full((1, 64, 64), -1000.0) + np.random.default_rng(0).normal(0, 20, (1, 64, 64))
    voxels[:, 30:60, 10:60] = 60
    volume = make_volume("ct", voxels, np.eye(4), Modality.CT)

    def warned(box, window=None):
        result = explained(volume, 0, box, model, window=window)
        return any("one value in this window" in warning for warning in result.warnings)

    assert warned((4, 4, 23, 23))
    assert not warned((4, 4, 23, 23), Window(-1000, 200))
    assert not warned((4, 4, 23, 31))
