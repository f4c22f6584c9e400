"""Checkpoints: which there are, how they come here, how they are read safely, and the networks that they fill."""

from .download import Verification, download, verify
from .loading import LoadedModel, load_model
from .registry import REGISTRY, RegisteredModel, registered
from .store import ModelStore

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
