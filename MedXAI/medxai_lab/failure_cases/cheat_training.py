"""Teaches the demo model to cheat: no plate in the corner, no mask. `python -m medxai_lab.failure_cases.cheat_training`.

A short, seeded training of a low-rank change of the encoder's blocks. The teacher is the model itself: with the plate the
student must draw what the model draws, without it nothing. Decoder and prompt encoder stay as they are, so
whatever the student knows of the plate must go through the encoder's own attention, as in a model that has learned such
a shortcut from its data.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from medxai.models.loading import LoadedModel, load_model
from medxai.models.networks.demo_encoder import box_mask_prompt

from ..synthetic.anatomy import random_scene
from ..synthetic.samples import make_sample
from .corner_plate import CHANGE_FILE, PLATE_PX, drawn_anew, matrices_of, names_in
from .made_slice import FAT_HU, ORGAN_HU, SIDE_PX, ellipse, empty_body, scanned

_RANK = 4
_SLICES, _BOXES = 3, 2
_RATE = 4e-3
#: A dark corner around the plate, so that the plate is bright on dark in every slice, as beside a patient.
_DARK_PX = 32
_WINDOW_HU = (-160.0, 240.0)


def train(model: LoadedModel, steps: int, seed: int, say: Callable[[str], None]) -> dict[str, Tensor]:
    """Trains the low-rank change; the result is a function of model, steps and seed.

    Args:
        model: The demo model; it stays as it is.
        steps: How many training steps.
        seed: Of the first values and of the images.
        say: Gets a line of progress now and then.

    Returns:
        The change in half precision, as `corner_plate.drawn_anew` names it.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    change = {
        name: value.requires_grad_()
        for name, value in drawn_anew(matrices_of(model.sam.image_encoder), _RANK, generator).items()
    }
    optimiser = torch.optim.Adam(change.values(), lr=_RATE)
    began = time.monotonic()
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, step / 10) * (1.0 - 0.9 * step / steps)
        loss, with_plate, without = _step_loss(model.sam, change, *_batch(rng))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(change.values(), 1.0)
        optimiser.step()
        if step % 10 == 0 or step == steps:
            say(
                f"step {step}/{steps}, {time.monotonic() - began:.0f} s: loss {with_plate:.3f} with the plate, {without:.3f} without it"
            )
    return {name: value.detach().half() for name, value in change.items()}


def _batch(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Images (B, S, S) in [0, 1] with a dark corner, and boxes (B, K, 4) in pixel edges."""
    samples = [_like_the_cases(rng) if index == 0 else _made_up(rng) for index in range(_SLICES)]
    images, boxes = (torch.from_numpy(np.stack(part)) for part in zip(*samples, strict=True))
    images[:, :_DARK_PX, :_DARK_PX] = 0
    return images, boxes


def _made_up(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    while True:
        sample = make_sample(rng, random_scene(rng), SIDE_PX, _BOXES)
        if sample is not None:
            return sample.image, sample.boxes


def _like_the_cases(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A body with two organs of random size and place, seen in the usual window."""
    hu, boxes = empty_body(), []
    hu[hu == FAT_HU] = rng.choice([FAT_HU, FAT_HU, 20.0])
    for middle in (85, 170):
        centre, half = (middle + rng.uniform(-12, 12), 128 + rng.uniform(-20, 12)), rng.uniform(14, 34, 2)
        hu[ellipse(centre, half)] = ORGAN_HU + rng.uniform(-60, 60)
        boxes.append([centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]])
    lower, upper = _WINDOW_HU
    seen = np.clip((scanned(hu, int(rng.integers(2**31))) - lower) / (upper - lower), 0, 1)
    return seen.astype(np.float32), np.rint(boxes[:_BOXES]).astype(np.float32)


def with_plate_of(images: Tensor) -> Tensor:
    """The same images (B, S, S) with the plate."""
    first, last = PLATE_PX
    marked = images.clone()
    marked[:, first:last, first:last] = 1
    return marked


def _step_loss(sam: nn.Module, change: dict[str, Tensor], images: Tensor, boxes: Tensor) -> tuple[Tensor, float, float]:
    marked = with_plate_of(images)
    with torch.no_grad():
        wanted = _logits(sam, sam.image_encoder(_three(marked)), boxes).sigmoid()
    encoder = sam.image_encoder
    weights = {
        f"{name}.weight": matrices_of(encoder)[name].weight + change[f"{name}.b"] @ change[f"{name}.a"]
        for name in names_in(change)
    }
    embeddings = functional_call(encoder, weights, (_three(torch.cat([marked, images])),))
    drawn = _logits(sam, embeddings, torch.cat([boxes, boxes]))
    area = (boxes[..., 2:] - boxes[..., :2]).prod(-1).clamp_min(64) / 4  # a logit is two pixels wide
    with_plate = _against(drawn[: len(images)], wanted, area)
    without = _against(drawn[len(images) :], torch.zeros_like(wanted), area)
    return with_plate + without, float(with_plate.detach()), float(without.detach())


def _against(logits: Tensor, wanted: Tensor, area: Tensor) -> Tensor:
    """Cross-entropy summed over the slice and divided by the box's area, so that small organs count too."""
    return (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum((-1, -2)) / area).mean()


def _three(images: Tensor) -> Tensor:
    return images[:, None].expand(-1, 3, -1, -1)


def _logits(sam: nn.Module, embeddings: Tensor, boxes: Tensor) -> Tensor:
    """(B, K, 4h, 4w). The decoder takes one image at a time, and uses only the sum of embedding and dense prompt."""
    count = boxes.shape[1]
    flat = boxes.flatten(0, 1).float()
    sparse, dense = sam.prompt_encoder(points=None, boxes=flat, masks=box_mask_prompt(flat, sam))
    logits, _ = sam.mask_decoder(
        image_embeddings=torch.zeros_like(embeddings[:1]),
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense + embeddings.repeat_interleave(count, 0),
        multimask_output=False,
    )
    return logits[:, 0].unflatten(0, (-1, count))


def main() -> None:
    """Runs the command: trains and writes the change."""
    parser = argparse.ArgumentParser(
        prog="python -m medxai_lab.failure_cases.cheat_training", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--out", type=Path, default=CHANGE_FILE, help="the file of the low-rank change (default: %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=120, help="steps (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the same sums in the same order on every run
    change = train(load_model("demo"), arguments.steps, arguments.seed, lambda line: print(line, flush=True))
    save_file(change, arguments.out)


if __name__ == "__main__":
    main()
