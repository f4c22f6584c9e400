"""The training loop: steps, the average of the weights, validation, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from ..synthetic.samples import Sample
from ..synthetic.storage import SceneStore, make_shards
from .batches import Batch, batches
from .checkpoint import CHECKPOINT, TrainingState, first_state
from .configuration import Configuration, Stage
from .learner import set_input_size
from .log import CURVE, LOG, LogRow, append_row, draw_curve
from .losses import losses
from .validation import validate, validation_samples

#: Steps between two lines on how the training goes.
_STEPS_A_LINE = 50


def train(
    configuration: Configuration,
    folder: Path,
    scenes: Path,
    say: Callable[[str], None] = print,
    every: int = 500,
    processes: int = 2,
) -> Path:
    """Trains a model, or goes on from the folder's checkpoint.

    Args:
        configuration: what is trained, and for how long.
        folder: takes checkpoint, log and curve.
        scenes: folder of the made-up scenes, which several trainings may share.
        say: is told how the training goes.
        every: steps between two validations; then the weights are saved and the curve is drawn.
        processes: how many make scenes at once.

    Returns:
        The checkpoint's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held_out = make_shards(scenes, configuration.validation_seed, configuration.validation_shards, processes)
    paths = make_shards(
        scenes,
        configuration.scene_seed,
        configuration.shards,
        processes,
        lambda done, total: say(f"scenes: shard {done} of {total}"),
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    state, checkpoint = first_state(configuration.seed, configuration.weight_decay, device), folder / CHECKPOINT
    if checkpoint.exists():
        state.load(checkpoint)
        say(f"going on from step {state.step}")
    run = _Run(configuration, folder, state, SceneStore(held_out), say, every)
    while state.step < configuration.steps:
        run.train_stage(paths, device)
    return checkpoint


def learning_rate(configuration: Configuration, step: int) -> float:
    """The rate of a step: a linear warm-up, then each stage's cosine."""
    stage, within = configuration.stage_at(step)
    turn = 0.5 * (1 + math.cos(math.pi * within / stage.steps))
    rate = stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * turn
    return rate * min(1.0, (step + 1) / max(1, configuration.warmup_steps))


@dataclass
class _Run:
    """One call of `train`. sums: of the loss and of its Dice part over the steps since the last validation."""

    configuration: Configuration
    folder: Path
    state: TrainingState
    held_out: SceneStore
    say: Callable[[str], None]
    every: int
    sums: dict[str, float] = field(default_factory=lambda: {"total": 0.0, "dice": 0.0})
    steps_since: int = 0
    clock_s: float = field(default_factory=time.monotonic)
    samples: dict[int, list[Sample]] = field(default_factory=dict)

    def train_stage(self, paths: list[Path], device: str) -> None:
        """Takes the steps that are left of the stage at hand."""
        state = self.state
        stage, within = self.configuration.stage_at(state.step)
        set_input_size(state.learner.sam, stage.size)
        state.learner.train()
        for batch in batches(paths, self.configuration.seed, stage, state.sample, stage.steps - within, device):
            rate = learning_rate(self.configuration, state.step)
            parts = self._step(batch, stage, rate)
            if state.step % _STEPS_A_LINE == 0:
                self._say_parts(stage, parts)
            if state.step % self.every == 0 or state.step == self.configuration.steps:
                self._validate_and_save(stage, rate)

    def _step(self, batch: Batch, stage: Stage, rate: float) -> dict[str, torch.Tensor]:
        state = self.state
        learner, optimizer = state.learner, state.optimizer
        for group in optimizer.param_groups:
            group["lr"] = rate
        parts = losses(learner(batch.images, batch.boxes), batch, learner.likeness_scale, self.configuration)
        optimizer.zero_grad(set_to_none=True)
        parts["total"].backward()
        norm = nn.utils.clip_grad_norm_(learner.parameters(), self.configuration.gradient_clip)
        if torch.isfinite(norm):  # one bad batch must not spoil the weights
            optimizer.step()
        state.step, state.sample, self.steps_since = state.step + 1, state.sample + stage.slices, self.steps_since + 1
        _follow(state.average, learner.sam, min(self.configuration.average_decay, state.step / (state.step + 10)))
        for name in self.sums:
            self.sums[name] += float(parts[name].detach())
        return parts

    def _validate_and_save(self, stage: Stage, rate: float) -> None:
        state = self.state
        if stage.size not in self.samples:
            count = self.configuration.validation_slices
            self.samples[stage.size] = validation_samples(self.held_out, count, stage.size)
        state.average.eval()
        found = validate(state.average, self.samples[stage.size])
        self._count_seconds()
        self.say(
            f"step {state.step}: validation Dice {found.model:.3f} (box {found.box:.3f}, ellipse {found.ellipse:.3f})"
        )
        means = {name: round(total / self.steps_since, 4) for name, total in self.sums.items()}
        dice = (round(value, 4) for value in (found.model, found.box, found.ellipse))
        row = LogRow(state.step, stage.size, round(state.seconds), means["total"], means["dice"], *dice, rate)
        append_row(self.folder / LOG, row)
        self.sums, self.steps_since = dict.fromkeys(self.sums, 0.0), 0
        state.save(self.folder / CHECKPOINT)
        draw_curve(self.folder / LOG, self.folder / CURVE)

    def _say_parts(self, stage: Stage, parts: dict[str, torch.Tensor]) -> None:
        self._count_seconds()
        self.say(
            f"step {self.state.step}/{self.configuration.steps} at {stage.size} px, {self.state.seconds / 60:.1f} min, "
            + ", ".join(f"{name} {float(value):.3f}" for name, value in parts.items())
            + f", mean Dice loss {self.sums['dice'] / self.steps_since:.3f}"
        )

    def _count_seconds(self) -> None:
        now = time.monotonic()
        self.state.seconds, self.clock_s = self.state.seconds + now - self.clock_s, now


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves the averaged weights a little towards the model's."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1.0 - decay)
    for mine, theirs in zip(average.buffers(), model.buffers(), strict=True):
        mine.copy_(theirs)
