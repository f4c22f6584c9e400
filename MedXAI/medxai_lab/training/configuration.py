"""The training's configuration: immutable, read from TOML."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path

DEFAULT_FILE = Path(__file__).with_name("demo_model.toml")
"""The configuration that the shipped weights were trained with."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one image size.

    size: pixels a side, a multiple of 16. slices, boxes: slices a step and boxes a slice.
    The learning rate goes from learning_rate to final_learning_rate by a cosine.
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

    shards, validation_shards: collections of scenes to make (see synthesis.storage);
    validation_slices: held-out slices that are judged; *_weight: factors of the loss's parts.
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
        """The stage of a step and the step's number within it."""
        for stage in self.stages:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        raise ValueError("The step lies after the last stage: raise a stage's steps to go on.")


def read_configuration(path: Path = DEFAULT_FILE) -> Configuration:
    """Read a TOML file; ValueError names missing or unknown keys."""
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
