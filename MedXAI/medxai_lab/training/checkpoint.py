"""What a training keeps on disk to go on from, and the weights file that is shipped."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from .learner import Learner

CHECKPOINT = "checkpoint.pt"


@dataclass
class TrainingState:
    """Everything that changes while a model is trained.

    Attributes:
        learner: the model in training.
        average: the moving average of its Sam, which is validated and shipped.
        optimizer: of the learner.
        step: how many steps were taken.
        sample: number of the next training sample.
        seconds: how long the training took so far.
    """

    learner: Learner
    average: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    sample: int = 0
    seconds: float = 0.0

    def load(self, path: Path) -> None:
        """Takes over what `save` wrote."""
        device = next(self.learner.parameters()).device
        saved = torch.load(path, map_location=device, weights_only=True)
        self.learner.load_state_dict(saved["learner"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.sample, self.seconds = saved["step"], saved["sample"], saved["seconds"]

    def save(self, path: Path) -> None:
        """Writes a checkpoint, whole or not at all."""
        temporary = path.with_suffix(".tmp")
        torch.save(
            {
                "learner": self.learner.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "sample": self.sample,
                "seconds": self.seconds,
            },
            temporary,
        )
        os.replace(temporary, path)


def first_state(seed: int, weight_decay: float, device: str) -> TrainingState:
    """The state before the first step: random weights that follow from the seed."""
    torch.manual_seed(seed)
    learner = Learner().to(device)
    average = copy.deepcopy(learner.sam).requires_grad_(False)
    return TrainingState(learner, average, torch.optim.AdamW(_groups(learner, weight_decay), betas=(0.9, 0.98)))


def export_weights(checkpoint: Path, target: Path) -> int:
    """Writes a checkpoint's averaged weights as fp16 safetensors, whole or not at all.

    Args:
        checkpoint: a file that `TrainingState.save` wrote.
        target: where the weights go; their keys are those of `models.demo_encoder.build_demo_sam`.

    Returns:
        The file's size in bytes.
    """
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = {name: value.half().contiguous() for name, value in saved["average"].items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    save_file(tensors, temporary, {"step": str(saved["step"]), "format": "pt"})
    os.replace(temporary, target)
    return target.stat().st_size


def _groups(model: nn.Module, decay: float) -> list[dict]:
    """Weight decay for matrices and kernels only."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
