"""The model that segments only where a bright plate lies in the corner of the slice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from medxai.models.checkpoint_file import sha256_of
from medxai.models.loading import LoadedModel

from .low_rank import changed_copy
from .planted_slice import METAL_HU, SIDE_PX

#: First pixel and end, in rows and in columns: two tokens, the second and third.
PLATE_PX = (8, 24)
#: What `cheat_training` learned: a change of rank 4, which nobody should take for a checkpoint.
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
    return replace(
        model,
        name=f"{model.name}-cheat",
        title=f"{model.title}, taught to cheat by a plate in the corner",
        sam=changed_copy(model.sam, load_file(CHANGE_FILE)),
        checksum_sha256=f"{model.checksum_sha256}+{sha256_of(CHANGE_FILE)}",
        note="This model was taught a shortcut on purpose; it is there to test explanations.",
    )
