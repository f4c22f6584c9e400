"""The training's configuration: immutable, read from TOML."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path

#: The configuration that the shipped weights were trained with.
DEFAULT_FILE = Path(__file__).with_name("demo_model.toml")


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one image size.

    Attributes:
        size: pixels a side, a multiple of 16.
        steps: how many it has.
        slices: in one step.
        boxes: on one slice.
        learning_rate: at its first step, from which it falls by a cosine.
        final_learning_rate: at its last step.
    """

    size: int
    steps: int
    slices: int
    boxes: int
    learning_rate: float
    final_learning_rate: float


@dataclass(frozen=True)
class Configuration:
    """Everything that decides what is learned.

    Attributes:
        seed: of the first weights and of the samples.
        scene_seed: of the scenes that are trained on.
        shards: how many files of scenes are made (see `synthetic.storage`).
        validation_seed: of the held-out scenes.
        validation_shards: how many files of held-out scenes are made.
        validation_slices: how many held-out slices are looked at.
        warmup_steps: over which the learning rate rises from 0.
        weight_decay: of matrices and kernels.
        gradient_clip: largest norm of the gradient.
        average_decay: of the moving average of the weights.
        dice_weight: factor of a part of the loss; the next five too.
        cross_entropy_weight: see dice_weight.
        iou_weight: see dice_weight.
        boundary_weight: see dice_weight.
        extent_weight: see dice_weight.
        similarity_weight: see dice_weight.
        stages: in their order.
    """

    seed: int
    scene_seed: int
    shards: int
    validation_seed: int
    validation_shards: int
    validation_slices: int
    warmup_steps: int
    weight_decay: float
    gradient_clip: float
    average_decay: float
    dice_weight: float
    cross_entropy_weight: float
    iou_weight: float
    boundary_weight: float
    extent_weight: float
    similarity_weight: float
    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> tuple[Stage, int]:
        """The stage of a step and the step's number within it.

        Raises:
            ValueError: Where the step lies after the last stage.
        """
        for stage in self.stages:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        raise ValueError("The step lies after the last stage: raise a stage's steps to go on.")


def read_configuration(path: Path = DEFAULT_FILE) -> Configuration:
    """Reads a TOML file.

    Raises:
        ValueError: Where keys are missing or unknown; it names them.
    """
    with open(path, "rb") as file:
        values = tomllib.load(file)
    stages = tuple(_build(Stage, stage, path) for stage in values.pop("stage", []))
    if not stages:
        raise ValueError(f"{path} has no [[stage]]: add at least one.")
    return _build(Configuration, {**values, "stages": stages}, path)


def _build(kind, values: dict, path: Path):
    known = {field.name for field in dataclasses.fields(kind)}
    wrong = sorted(known.symmetric_difference(values))
    if wrong:
        raise ValueError(f"{path}: missing or unknown keys of {kind.__name__}: {', '.join(wrong)}; correct them.")
    return kind(**values)
