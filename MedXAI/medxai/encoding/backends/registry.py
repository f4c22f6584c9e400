"""The registered backends, and the choice among them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...errors import InputError
from ...models.network_type import Network
from ...plugins import import_all
from .base import Backend, BackendFactory

if TYPE_CHECKING:
    import torch

_FACTORIES: dict[str, BackendFactory] = {}
_Factory = TypeVar("_Factory", bound=type[BackendFactory])


def register(factory: _Factory) -> _Factory:
    """Class decorator: makes a backend known by its key; a later one of the same key takes its place."""
    _FACTORIES[factory.key] = factory()
    return factory


def factories() -> tuple[BackendFactory, ...]:
    """Every registered backend, by key; needs no PyTorch."""
    import_all(sys.modules[__package__])
    return tuple(_FACTORIES[key] for key in sorted(_FACTORIES))


def choices() -> tuple[str, ...]:
    """The keys that a user can choose: 'exact', 'fast', 'openvino', 'openvino-fast'; needs no PyTorch."""
    return tuple(factory.key for factory in factories() if factory.is_choice)


def choose_backend(key: str, encoder: Network, device: torch.device, cache_folder: Path | None = None) -> Backend:
    """The chosen backend for an encoder on a device, or the exact one with a note that says why not.

    Args:
        key: One of `choices()`.
        encoder: The model's image encoder, in evaluation mode, on `device`.
        device: Where the model is.
        cache_folder: Where compiled models may be kept on disk; None keeps none.

    Raises:
        InputError: For an unknown key.
    """
    known = {factory.key: factory for factory in factories() if factory.is_choice}
    if key not in known:
        *first, last = known
        raise InputError(f"There is no encoder '{key}'; choose {', '.join(first)} or {last}.")
    reason = known[key].why_not(encoder, device)
    chosen = known["exact" if reason else key].make(encoder, device, cache_folder)
    return replace(chosen, note=reason or chosen.note)
