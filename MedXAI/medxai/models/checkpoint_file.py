"""A checkpoint file's tensors, read without ever running code that the file may carry."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ..errors import ModelError

#: Where training scripts put the state dict beside optimiser and epoch (MedSAM's own: "model").
_WRAPPERS = ("model", "state_dict", "model_state_dict")
#: What DataParallel and torch.compile put before every name.
_WRAPPER_PREFIXES = ("module.", "_orig_mod.")


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name, float32, from .safetensors, or from .pth, .pt or .bin with `weights_only`.

    Raises:
        ModelError: Where the file is missing, damaged, or a pickle with anything but plain tensors in it.
    """
    if not path.is_file():
        raise ModelError(
            f"There is no checkpoint '{path}'; check the path, or fetch the model with 'medxai models download'."
        )
    if _is_web_page(path):
        raise ModelError(
            f"'{path.name}' is a web page (HTML), not a checkpoint: the download failed or led to a page that asks something; download it again."
        )
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelError(
            f"'{path.name}' holds no state dict (names with tensors); export the model's weights alone and use that file."
        )
    state = {_plain_name(str(name)): tensor for name, tensor in content.items()}
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def _plain_name(name: str) -> str:
    """The parameter's name without what torch's wrappers put before it (parallel training, compiled models)."""
    while name.startswith(_WRAPPER_PREFIXES):
        name = name.partition(".")[2]
    return name


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))


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
