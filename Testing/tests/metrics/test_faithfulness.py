"""Deletion, insertion and infidelity: the same as a slow loop, known answers on a made-up model, and sense on a real scan."""

import numpy as np
import pytest
import torch

from medxai.explainers.base import Case
from medxai.maps import TERMINAL, MapId, Role
from medxai.metrics.faithfulness import Faithfulness, neck_faithfulness
from medxai.metrics.infidelity import Infidelity
from medxai.metrics.plan import FULL
from medxai.metrics.removal_order import highest_first, nearest_first, step_counts
from medxai.metrics.replaced_parts import HiddenPatches, HiddenTokens, blurred
from medxai.results import SaliencyMap
from medxai.segmentation.segmenting import mask_logits
from medxai.slice.box import PixelBox
from support.answered import organ_case


@pytest.fixture(scope="module")
def spleen(ct) -> Case:
    return organ_case(ct, "spleen", 13, patient="ct")


def terminal(case) -> SaliencyMap:
    return SaliencyMap(TERMINAL.at(), case.result.segmentation.logits)


def saliency(name, values) -> SaliencyMap:
    return SaliencyMap(MapId(name), values)


def metrics_of(judge, shown) -> dict[str, float]:
    return {row.metric: row.value for row in judge.rows(Role.METHOD, shown)}


def soft_dice(logits, mask):
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return 2 * probability[mask].sum() / (probability.sum() + mask.sum())


def slow_curve(case, answer, order, steps, hide):
    """(steps + 1, 2): the normalised scores, one state at a time."""
    mask = case.result.segmentation.logits > 0
    n = len(order)
    scores = []
    for k in range(steps + 1):
        kept = np.ones(n, bool) if hide else np.zeros(n, bool)
        for cell in order[: round(n * (k / steps) ** 2)]:
            kept[cell] = not hide
        logits = answer(kept)
        scores.append([logits[mask].astype(np.float64).mean(), soft_dice(logits, mask)])
    scores = np.array(scores)
    whole, hidden = (scores[0], scores[-1]) if hide else (scores[-1], scores[0])
    return (scores - hidden) / (whole - hidden)


def slow_area(counts, curve):
    return sum((counts[i + 1] - counts[i]) * (curve[i] + curve[i + 1]) / 2 for i in range(len(counts) - 1)) / counts[-1]


def test_the_areas_in_the_neck_are_those_of_a_slow_loop_over_the_decoder(spleen):
    result = spleen.result
    sam, frame = spleen.model.sam, result.encoding.frame
    with torch.inference_mode():
        image = torch.from_numpy(result.prepared.model_input.tensor_chw)
        whole, hidden = (sam.image_encoder(x[None]) for x in (image, blurred(image, frame.content_shape)))

    def answer(kept):
        embedding = hidden.clone().flatten(2)
        for cell in np.flatnonzero(kept):
            embedding[:, :, cell] = whole.flatten(2)[:, :, cell]
        return mask_logits(spleen.model, embedding.view_as(whole), frame, result.box.box)[0].numpy()

    steps = 4
    judge = Faithfulness(HiddenTokens(spleen), steps, 1, 0)
    found = metrics_of(judge, terminal(spleen))
    # The demo model's square is filled, a token has 4 x 4 logits.
    values = result.segmentation.logits.reshape(32, 4, 32, 4).mean((1, 3)).ravel()
    order = sorted(range(values.size), key=lambda i: -values[i])
    counts = [round(len(order) * (k / steps) ** 2) for k in range(steps + 1)]
    for curve, hide in (("deletion", True), ("insertion", False)):
        area = slow_area(counts, slow_curve(spleen, answer, order, steps, hide))
        assert found[f"neck_{curve}_logit"] == pytest.approx(area[0], abs=1e-5)
        # Of the tokens far from box and mask a few stand for all.
        assert found[f"neck_{curve}_dice"] == pytest.approx(area[1], abs=1e-3)


def test_a_hidden_patch_is_the_blurred_image_and_every_other_the_image_itself(spleen):
    parts = HiddenPatches(spleen)
    seen = []
    parts._embedding_of = lambda tensor: seen.append(tensor) or spleen.encoding.embedding
    kept = np.ones((1, 256), bool)
    kept[0, 16 * 3 + 5] = False
    parts.scores(kept)
    image = torch.from_numpy(spleen.result.prepared.model_input.tensor_chw)
    patch = np.s_[:, 48:64, 80:96]
    expected = image.clone()
    expected[patch] = blurred(image, (256, 256))[patch]
    assert torch.equal(seen[0], expected)
    assert not torch.equal(expected, image)


def test_mixtures_are_decoded_as_their_embeddings_are(spleen):
    parts = HiddenTokens(spleen)
    states = np.random.default_rng(0).random((3, *parts.grid)) < 0.6
    embeddings = torch.where(torch.from_numpy(states)[:, None], parts._embedding, parts._blurred)
    result = spleen.result
    expected = mask_logits(spleen.model, embeddings, result.encoding.frame, result.box.box)
    found = parts._logits(states)
    asked = parts._asked.repeat_interleave(4, 0).repeat_interleave(4, 1)
    assert asked.float().mean() < 0.6
    torch.testing.assert_close(found[:, asked], expected[:, asked], atol=1e-4, rtol=1e-4)
    assert not found[:, ~asked].any()


def test_few_points_and_few_far_tokens_change_the_areas_little(spleen):
    """Against twenty-four steps and every token decoded; Resources/docs/evidence.md states how little."""

    class Slow(HiddenTokens):
        def __init__(self, case):
            super().__init__(case)
            self._decoder = None

    quick = Faithfulness(HiddenTokens(spleen), FULL.neck_steps, 1, 0)
    slow = Faithfulness(Slow(spleen), 24, 1, 0)
    order = highest_first(HiddenTokens(spleen).on_cells(terminal(spleen).values), np.random.default_rng(0))
    assert np.abs(quick.areas(order) - slow.areas(order)).max() < 0.05


def test_many_embeddings_are_decoded_as_one_at_a_time(spleen, model):
    embedding = spleen.encoding.embedding
    several = torch.cat([embedding, embedding.flip(2), embedding * 0.5])
    result = spleen.result
    together = mask_logits(spleen.model, several, result.encoding.frame, result.box.box)
    alone = [mask_logits(spleen.model, one, result.encoding.frame, result.box.box) for one in several.split(1)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)
    np.testing.assert_allclose(together[0].numpy(), result.segmentation.logits, atol=1e-4)
    handle = spleen.model.sam.mask_decoder.register_forward_hook(lambda *_: None)  # segment-anything's own pass instead
    try:
        slow = mask_logits(spleen.model, several, result.encoding.frame, result.box.box)
    finally:
        handle.remove()
    assert torch.allclose(together, slow, atol=1e-3)


class MadeUp(HiddenTokens):
    """A model that answers with the share of its drivers (row 3 of the tokens) that are kept, on a real slice."""

    def scores(self, kept):
        share = kept[:, 96:128].mean(1)
        return np.stack([4 * share, share], axis=1)


def test_on_a_made_up_model_the_true_driver_gets_the_areas_that_can_be_reckoned(spleen):
    judge = Faithfulness(MadeUp(spleen), 8, 3, 0, infidelity_samples=40)
    driver = np.zeros((32, 32), np.float32)
    driver[3] = 1
    true = metrics_of(judge, saliency("true", driver))
    # 1024 tokens, the 16 of the first step halve the answer; the next, at 64, has none left.
    assert true["neck_deletion_logit"] == pytest.approx((16 * 0.75 + 48 * 0.25) / 1024)
    assert true["neck_insertion_logit"] == pytest.approx(1 - true["neck_deletion_logit"])
    assert true["neck_deletion_logit_less_random"] < -0.4
    assert true["neck_insertion_dice_less_random"] > 0.4
    false = metrics_of(judge, saliency("false", 1 - driver))
    assert false["neck_deletion_logit"] == pytest.approx(
        1 - 240 / 2 / 1024
    )  # the driver goes between the last two points
    uniform = metrics_of(judge, saliency("uniform", np.ones((32, 32), np.float32)))
    assert abs(uniform["neck_deletion_logit_less_random"]) < 0.1


def test_infidelity_is_nought_for_the_weights_of_a_linear_model_and_grows_with_what_is_wrong(spleen):
    pytest.importorskip("captum", reason="needs the package captum")
    judge = Infidelity(MadeUp(spleen), 60, 0)
    driver = np.zeros(1024)
    driver[96:128] = 1
    noise = np.random.default_rng(0).random(1024)
    found = [judge.of(driver * 17), judge.of(driver + 0.1 * noise), judge.of(noise), judge.of(1 - driver)]
    assert found[0] == pytest.approx(0, abs=1e-9)
    assert found[0] < found[1] < found[2] <= found[3] + 0.05 <= 1.05
    assert judge.of(np.zeros(1024)) is None


def test_on_a_real_spleen_the_masks_own_logits_beat_random_order_in_both_spaces(spleen):
    neck = metrics_of(neck_faithfulness(spleen, FULL), terminal(spleen))
    assert neck["neck_deletion_dice_less_random"] < -0.1
    assert neck["neck_insertion_dice_less_random"] > 0.1
    judge = Faithfulness(HiddenPatches(spleen), 3, 1, 0)
    assert metrics_of(judge, terminal(spleen))["image_insertion_dice_less_random"] > 0.1


def test_no_metric_where_hiding_the_slice_changes_nothing_or_nothing_was_segmented(spleen):
    class Indifferent(MadeUp):
        def scores(self, kept):
            return np.full((len(kept), 2), [1.0, 0.9])

    class Empty(MadeUp):
        has_mask = False

    assert Faithfulness(Indifferent(spleen), 4, 1, 0).rows(Role.METHOD, terminal(spleen)) == ()
    assert Faithfulness(Empty(spleen), 4, 1, 0).rows(Role.METHOD, terminal(spleen)) == ()


def test_outside_hides_only_what_the_mask_does_not_touch(spleen):
    class Watched(MadeUp):
        def scores(self, kept):
            self.seen = kept
            return super().scores(kept)

    parts = Watched(spleen)
    judge = Faithfulness(parts, 4, 1, 0)
    judge.rows(Role.METHOD, terminal(spleen))
    on_mask = (spleen.result.segmentation.logits > 0).reshape(32, 4, 32, 4).any((1, 3)).ravel()
    outside_states = parts.seen[6:]
    assert outside_states[:, on_mask].all()
    assert not outside_states[:, ~on_mask].all(1).any()


def test_orders_start_with_the_highest_and_the_nearest_and_ties_are_random(spleen):
    frame = spleen.result.encoding.frame
    assert highest_first(np.array([1.0, 3.0, 2.0]), np.random.default_rng(0)).tolist() == [1, 2, 0]
    ties = [tuple(highest_first(np.ones(50), np.random.default_rng(seed))) for seed in range(3)]
    assert len(set(ties)) == 3
    rows, columns = frame.slice_shape
    box = PixelBox(0, 0, columns // 4, rows // 4)
    centres = np.array([[200.0, 200.0], [60.0, 60.0], [32.0, 32.0], [90.0, 32.0]])
    assert nearest_first(centres, box, frame).tolist() == [2, 1, 3, 0]
    assert step_counts(256, 8).tolist() == [0, 4, 16, 36, 64, 100, 144, 196, 256]
