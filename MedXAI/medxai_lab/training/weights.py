"""From a checkpoint to the weights file that is shipped."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import save_file


def export_weights(checkpoint: Path, target: Path) -> int:
    """Write a checkpoint's averaged weights as fp16 safetensors, whole or not at all.

    Returns the file's size in bytes. The keys are those of `models.demo_encoder.build_demo_sam`.
    """
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = {name: value.half().contiguous() for name, value in saved["average"].items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    save_file(tensors, temporary, {"step": str(saved["step"]), "format": "pt"})
    os.replace(temporary, target)
    return target.stat().st_size
