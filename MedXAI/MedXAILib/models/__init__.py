"""Checkpoints: which there are, how they come here, how they are read safely, and the networks that they fill.

The list of models and their files needs no PyTorch; what loads a network is imported when it is first used.
"""

from typing import TYPE_CHECKING

from ..on_demand import names_from
from .download import Verification, download, verify
from .registry import REGISTRY, RegisteredModel, registered
from .store import ModelStore

if TYPE_CHECKING:
    from .loading import LoadedModel, load_model

__getattr__ = names_from(__name__, {"LoadedModel": "loading", "load_model": "loading"})

__all__ = [
    "REGISTRY",
    "LoadedModel",
    "ModelStore",
    "RegisteredModel",
    "Verification",
    "download",
    "load_model",
    "registered",
    "verify",
]
