"""The demo model: its network, its prompt, its shipped weights, and that they have learned something."""

import time

import numpy as np
import pytest
import torch

from medxai.engine import Engine
from medxai.metrics.box_dice import dice, mean_over_organs
from medxai.metrics.volume_dice import DiceRequest, volume_dice
from medxai.models.loading import load_model
from medxai.models.networks.demo_encoder import BOX_PROMPT_OUTSIDE, DemoImageEncoder, box_mask_prompt, build_demo_sam
from medxai.models.registry import registered
from medxai.volume.labelled_volume import labelled
from medxai.volume.reading import read_volume
from medxai_lab.synthetic.anatomy import random_scene
from medxai_lab.training.configuration import read_configuration
from medxai_lab.training.learner import Learner, set_input_size
from medxai_lab.training.loop import learning_rate
from medxai_lab.training.validation import validate, validation_samples
from support.scans import SHARED_DATA

DATA = SHARED_DATA
WEIGHTS = registered("demo").bundled


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


def test_the_encoder_gives_tappable_token_grids_and_an_embedding():
    encoder = DemoImageEncoder().eval()
    shapes = []
    for block in encoder.blocks:
        block.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape)))
    with torch.inference_mode():
        embedding = encoder(torch.rand(2, 3, 128, 128))
    assert embedding.shape == (2, 96, 16, 16)
    assert len(shapes) == len(encoder.blocks) >= 4
    assert set(shapes) == {(2, 16, 16, 128)}
    with pytest.raises(ValueError, match="multiples of 16"):
        encoder(torch.rand(1, 3, 100, 100))


def test_the_box_prompt_is_an_ellipse_within_the_box():
    sam = build_demo_sam()
    (prompt,) = box_mask_prompt(torch.tensor([[64.0, 32.0, 192.0, 96.0]]), sam)[:, 0]
    assert prompt.shape == (128, 128)
    assert prompt[0, 0] == prompt[31, 10] == BOX_PROMPT_OUTSIDE
    assert prompt[31:33, 63:65].mean() == pytest.approx(1.0, abs=0.01)
    inside = prompt > BOX_PROMPT_OUTSIDE
    assert inside.nonzero().min(0).values.tolist() == [16, 32]
    assert inside.nonzero().max(0).values.tolist() == [47, 95]
    assert (prompt > 0).sum() / inside.sum() == pytest.approx(np.pi / 4, abs=0.02)


def test_a_one_pixel_box_leaves_a_trace():
    sam = build_demo_sam()
    prompt = box_mask_prompt(torch.tensor([[10.0, 10.0, 11.0, 11.0], [11.0, 11.0, 11.0, 11.0]]), sam)
    assert torch.isfinite(prompt).all()
    assert (prompt[0] > BOX_PROMPT_OUTSIDE).sum() == 1


def test_many_slices_at_once_are_decoded_as_one_by_one():
    torch.manual_seed(0)
    learner = Learner().eval()
    set_input_size(learner.sam, 64)
    images, boxes = torch.rand(2, 3, 64, 64), torch.tensor([[[8.0, 8, 40, 40], [4, 20, 60, 50]]]).repeat(2, 1, 1)
    with torch.inference_mode():
        together = learner(images, boxes)["logits"]
        alone = learner(images[1:], boxes[1:, :1])["logits"]
    assert together.shape == (2, 2, 32, 32)
    assert torch.allclose(together[1, 0], alone[0, 0], atol=1e-4)


def test_the_rate_warms_up_and_ends_where_the_configuration_says():
    configuration = read_configuration()
    last = configuration.stages[-1]
    assert learning_rate(configuration, 0) < configuration.stages[0].learning_rate / 50
    assert learning_rate(configuration, configuration.steps - 1) < last.learning_rate / 100
    assert last.size == 256


def test_a_configuration_with_a_wrong_key_is_refused(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("seeed = 1\n[[stage]]\nsize = 64\n")
    with pytest.raises(ValueError, match="boxes"):
        read_configuration(wrong)


def test_the_weights_are_small_and_load_fast(demo):
    assert WEIGHTS.stat().st_size <= 16 * 2**20
    start = time.perf_counter()
    again = load_model("demo")
    assert time.perf_counter() - start < 1.0
    assert again.checksum_sha256 == demo.checksum_sha256
    assert all(torch.isfinite(value).all() for value in again.sam.state_dict().values())


def test_it_beats_the_ellipse_on_made_up_slices_it_has_not_seen(demo):
    scenes = [random_scene(np.random.default_rng((123456, i))) for i in range(8)]
    found = validate(demo.sam, validation_samples(scenes, 8, 256, boxes=4))
    assert found.model > found.ellipse + 0.05
    assert found.ellipse > 0.4  # the questions are fair


def test_the_same_box_on_another_image_gives_another_answer(demo):
    """Two crescents, open to the right and to the left, in the same box: each gets its own answer."""
    y, x = np.mgrid[:256, :256]
    right = (np.hypot(x - 127.5, y - 127.5) < 60) & (np.hypot(x - 172, y - 127.5) > 45)
    left = right[:, ::-1]
    box = torch.tensor([[68.0, 68.0, 188.0, 188.0]])
    sam = demo.sam

    def answer(shape):
        noise = np.random.default_rng(0).normal(0, 0.02, shape.shape)
        image = np.clip(np.where(shape, 0.7, 0.3) + noise, 0, 1).astype(np.float32)
        image = (image - image.min()) / (image.max() - image.min())
        with torch.inference_mode():
            sparse, dense = sam.prompt_encoder(points=None, boxes=box, masks=box_mask_prompt(box, sam))
            logits, _ = sam.mask_decoder(
                sam.image_encoder(torch.from_numpy(image).expand(1, 3, -1, -1)),
                sam.prompt_encoder.get_dense_pe(),
                sparse,
                dense,
                False,
            )
            logits = torch.nn.functional.interpolate(logits, (256, 256), mode="bilinear")
        return logits[0, 0].numpy() > 0

    assert dice(answer(right), right) > dice(answer(right), left)
    assert dice(answer(left), left) > dice(answer(left), right)


@pytest.mark.parametrize(
    ("modality", "organs"),
    [
        ("CT", {5: "liver", 1: "spleen", 2: "right kidney", 3: "left kidney", 6: "stomach"}),
        ("MR", {5: "liver", 1: "spleen", 2: "right kidney", 3: "left kidney"}),
    ],
)
def test_it_beats_the_ellipse_on_real_organs(demo, modality, organs):
    volume = DATA / f"{modality.lower()}_abdomen.nii.gz"
    if not volume.exists():
        pytest.skip(f"the real volumes are not here ({volume.name} in shared/data)")
    reference = read_volume(volume.with_name(f"{modality.lower()}_abdomen_organs.nii.gz"))
    mean = mean_over_organs(
        volume_dice(DiceRequest(labelled(read_volume(volume, modality), reference), organs, demo), Engine())
    )
    assert mean.model > mean.ellipse + 0.03
