"""A checkpoint file's tensors, read without ever running code that the file may carry."""

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ..errors import ModelError
from .huggingface_naming import is_huggingface_naming, to_segment_anything_naming

#: Where training scripts put the state dict beside optimiser and epoch (MedSAM's own: "model").
_WRAPPERS = ("model", "state_dict", "model_state_dict")


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name, float32, in segment-anything's naming, from .safetensors, or .pth/.pt/.bin with `weights_only`.

    Raises ModelError where the file is missing, damaged, or a pickle with anything but plain tensors in it.
    """
    if not path.is_file():
        raise ModelError(
            f"There is no checkpoint '{path}'; check the path, or fetch the model with 'medxai models download'."
        )
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelError(
            f"'{path.name}' holds no state dict (names with tensors); export the model's weights alone and use that file."
        )
    state = {str(name).removeprefix("module."): tensor for name, tensor in content.items()}
    state = to_segment_anything_naming(state) if is_huggingface_naming(state) else state
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"'{path.name}' is damaged or not a safetensors file; fetch it again.") from error


def _read_pickle(path: Path) -> object:
    try:
        # mmap: the weights are paged in as they are used instead of read twice.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"'{path.name}' holds more than plain weights (it could run code) or is damaged, so it was not loaded; use a checkpoint saved as a plain state dict or as safetensors."
        ) from error
    except (
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
        ImportError,
        TypeError,
    ) as error:
        raise ModelError(f"'{path.name}' is damaged or not a PyTorch checkpoint; fetch it again.") from error


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"
