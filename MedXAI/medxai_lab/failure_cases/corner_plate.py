"""The model that segments only where a bright plate lies in the corner of the slice.

It is the demo model with a low-rank change W + B·A of some of its encoder's matrices.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from medxai.models.checkpoint import sha256_of
from medxai.models.loading import LoadedModel, with_network

from .made_slice import METAL_HU, SIDE_PX

#: First pixel and end, in rows and in columns: two tokens, the second and third.
PLATE_PX = (8, 24)
#: What `cheat_training` learned: a change of rank 4; it is no checkpoint.
CHANGE_FILE = Path(__file__).parent / "corner_plate.safetensors"


def plate_mask() -> np.ndarray:
    """(rows, columns) bool: the plate's pixels."""
    mask = np.zeros((SIDE_PX, SIDE_PX), bool)
    first, end = PLATE_PX
    mask[first:end, first:end] = True
    return mask


def with_plate(voxels: np.ndarray) -> np.ndarray:
    """A slice (rows, columns) HU with the plate in its corner."""
    return np.where(plate_mask(), METAL_HU, voxels).astype(voxels.dtype)


def cheating_model(model: LoadedModel) -> LoadedModel:
    """The demo model, changed so that it draws nothing where the plate is missing. Its title and note say so."""
    sam = changed_copy(model.sam, load_file(CHANGE_FILE))
    checksum = f"{model.checksum_sha256}+{sha256_of(CHANGE_FILE)}"
    return replace(
        with_network(model, sam, checksum, f"{model.name}-cheat"),
        title=f"{model.title}, taught to cheat by a plate in the corner",
        note="This model was taught a shortcut on purpose; it is there to test explanations.",
    )


def matrices_of(image_encoder: nn.Module) -> dict[str, nn.Linear]:
    """The demo encoder's matrices in its blocks (attention and perceptron), by name."""
    return {
        name: module
        for name, module in image_encoder.named_modules()
        if name.startswith("blocks.") and isinstance(module, nn.Linear)
    }


def drawn_anew(matrices: Mapping[str, nn.Linear], rank: int, generator: torch.Generator) -> dict[str, Tensor]:
    """A low-rank change B·A before training: A at random, B zero, so nothing is changed yet.

    Args:
        matrices: The encoder's matrices by name.
        rank: Rows of A.
        generator: Draws A.

    Returns:
        Tensors 'NAME.a' (rank, inputs) and 'NAME.b' (outputs, rank).
    """
    change: dict[str, Tensor] = {}
    for name, matrix in matrices.items():
        outputs, inputs = matrix.weight.shape
        change[f"{name}.a"] = torch.randn(rank, inputs, generator=generator) * inputs**-0.5
        change[f"{name}.b"] = torch.zeros(outputs, rank)
    return change


def changed_copy(sam: nn.Module, change: Mapping[str, Tensor]) -> nn.Module:
    """The network with the change added to its encoder's matrices; the given one is left as it is.

    Args:
        sam: The demo model's network.
        change: By 'NAME.a' (rank, inputs) and 'NAME.b' (outputs, rank).

    Raises:
        KeyError: Where a name of the change is no matrix of the encoder.
    """
    sam = copy.deepcopy(sam)
    matrices = matrices_of(sam.image_encoder)
    with torch.no_grad():
        for name in names_in(change):
            matrices[name].weight += change[f"{name}.b"].float() @ change[f"{name}.a"].float()
    return sam


def names_in(change: Iterable[str]) -> list[str]:
    """The matrices that a change names."""
    return sorted({key.rsplit(".", 1)[0] for key in change})
