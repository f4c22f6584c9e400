"""The training loop: steps, averages, checkpoints, validation, the curve."""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from ..synthetic.storage import SceneStore, make_shards
from .batches import batches
from .configuration import Configuration
from .curve import draw_curve
from .learner import Learner, set_input_size
from .losses import losses
from .validation import validate, validation_samples

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
CURVE = "curve.png"
_COLUMNS = ("step", "size", "seconds", "loss", "dice_loss", "validation", "box", "ellipse", "lr")


def train(
    configuration: Configuration,
    folder: Path,
    scenes: Path,
    say: Callable[[str], None] = print,
    every: int = 500,
    processes: int = 2,
) -> Path:
    """Train, or go on from the folder's checkpoint; returns the checkpoint's path.

    folder: takes checkpoint, log and curve. scenes: takes the made scenes, which several trainings
    may share. Every `every` steps the weights are validated, saved and the curve drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    progress = lambda done, total: say(f"scenes: shard {done} of {total}")
    held_out = make_shards(scenes, configuration.validation_seed, configuration.validation_shards, processes)
    paths = make_shards(scenes, configuration.scene_seed, configuration.shards, processes, progress)
    store = SceneStore(held_out)
    judged: dict[int, list] = {}

    torch.manual_seed(configuration.seed)
    learner = Learner().to(device)
    average = copy.deepcopy(learner.sam).requires_grad_(False)
    optimizer = torch.optim.AdamW(_groups(learner, configuration.weight_decay), betas=(0.9, 0.98))
    step, sample, seconds = 0, 0, 0.0
    path = folder / CHECKPOINT
    if path.exists():
        saved = torch.load(path, map_location=device, weights_only=True)
        learner.load_state_dict(saved["learner"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        step, sample, seconds = saved["step"], saved["sample"], saved["seconds"]
        say(f"going on from step {step}")

    def save() -> None:
        temporary = path.with_suffix(".tmp")
        torch.save(
            {
                "learner": learner.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
                "sample": sample,
                "seconds": seconds,
            },
            temporary,
        )
        os.replace(temporary, path)

    sums = {"total": 0.0, "dice": 0.0}
    since, clock = 0, time.monotonic()
    while step < configuration.steps:
        stage, within = configuration.stage_at(step)
        set_input_size(learner.sam, stage.size)
        learner.train()
        for batch in batches(paths, configuration.seed, stage, sample, stage.steps - within, device):
            rate = learning_rate(configuration, step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            parts = losses(learner(batch.images, batch.boxes), batch, learner.likeness_scale, configuration)
            optimizer.zero_grad(set_to_none=True)
            parts["total"].backward()
            norm = nn.utils.clip_grad_norm_(learner.parameters(), configuration.gradient_clip)
            if torch.isfinite(norm):  # one bad batch must not spoil the weights
                optimizer.step()
            step, sample, since = step + 1, sample + stage.slices, since + 1
            _follow(average, learner.sam, min(configuration.average_decay, step / (step + 10)))
            for name in sums:
                sums[name] += float(parts[name].detach())
            if step % 50 == 0:
                now = time.monotonic()
                seconds, clock = seconds + now - clock, now
                say(
                    f"step {step}/{configuration.steps} at {stage.size} px, {seconds / 60:.1f} min, "
                    + ", ".join(f"{name} {float(value):.3f}" for name, value in parts.items())
                    + f", mean Dice loss {sums['dice'] / since:.3f}"
                )
            if step % every == 0 or step == configuration.steps:
                if stage.size not in judged:
                    judged[stage.size] = validation_samples(store, configuration.validation_slices, stage.size)
                average.eval()
                figures = validate(average, judged[stage.size])
                now = time.monotonic()
                seconds, clock = seconds + now - clock, now
                say(
                    f"step {step}: validation Dice {figures.model:.3f} "
                    f"(box {figures.box:.3f}, ellipse {figures.ellipse:.3f})"
                )
                _log(
                    folder / LOG,
                    (
                        step,
                        stage.size,
                        round(seconds),
                        round(sums["total"] / since, 4),
                        round(sums["dice"] / since, 4),
                        round(figures.model, 4),
                        round(figures.box, 4),
                        round(figures.ellipse, 4),
                        rate,
                    ),
                )
                sums, since = dict.fromkeys(sums, 0.0), 0
                save()
                draw_curve(folder / LOG, folder / CURVE)
    return path


def learning_rate(configuration: Configuration, step: int) -> float:
    """The rate of a step: a linear warm-up, then each stage's cosine."""
    stage, within = configuration.stage_at(step)
    turn = 0.5 * (1 + math.cos(math.pi * within / stage.steps))
    rate = stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * turn
    return rate * min(1.0, (step + 1) / max(1, configuration.warmup_steps))


def _groups(model: nn.Module, decay: float) -> list[dict]:
    """Weight decay for matrices and kernels only."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1.0 - decay)
    for mine, theirs in zip(average.buffers(), model.buffers()):
        mine.copy_(theirs)


def _log(path: Path, row: tuple) -> None:
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(_COLUMNS)
        writer.writerow(row)
