"""A low-rank change W + B·A of some of a network's matrices, on a copy that shares everything else."""

import copy
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


def matrices_of(image_encoder: nn.Module) -> dict[str, nn.Linear]:
    """The demo encoder's matrices in its blocks (attention and perceptron), by name."""
    return {
        name: module
        for name, module in image_encoder.named_modules()
        if name.startswith("blocks.") and isinstance(module, nn.Linear)
    }


def drawn_anew(matrices: Mapping[str, nn.Linear], rank: int, generator: torch.Generator) -> dict[str, Tensor]:
    """A at random, B zero: no change yet. Keys 'NAME.a' (rank, inputs) and 'NAME.b' (outputs, rank)."""
    change: dict[str, Tensor] = {}
    for name, matrix in matrices.items():
        outputs, inputs = matrix.weight.shape
        change[f"{name}.a"] = torch.randn(rank, inputs, generator=generator) * inputs**-0.5
        change[f"{name}.b"] = torch.zeros(outputs, rank)
    return change


def changed_copy(sam: nn.Module, change: Mapping[str, Tensor]) -> nn.Module:
    """The network with the change added to its encoder's matrices; the given one is left as it is.

    Raises KeyError where a name of the change is no matrix of the encoder.
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
