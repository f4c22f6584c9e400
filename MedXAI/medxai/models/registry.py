"""Which model families there are, and the checkpoints that MedXAI knows by name."""

import importlib
import os
import pkgutil
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

from ..errors import ModelError
from . import families as _package
from .checkpoint import Checkpoint
from .family import ModelFamily

_Family = TypeVar("_Family", bound=ModelFamily)

_FAMILIES: dict[str, ModelFamily] = {}


def model_family(family: type[_Family]) -> type[_Family]:
    """Class decorator: makes a family known.

    Raises:
        ModelError: Where another one has its key already.
    """
    known = _FAMILIES.get(family.key)
    if known is not None and type(known).__qualname__ != family.__qualname__:
        raise ModelError(f"Two model families have the key '{family.key}'; rename one of them.")
    _FAMILIES[family.key] = family()
    return family


def families() -> tuple[ModelFamily, ...]:
    """Every family in `medxai.models.families` and in the plug-in folders, the most preferred first.

    Raises:
        ModelError: Where a file of a family cannot be imported.
    """
    _import_families()
    rank = {key: -1 if family.preference is None else family.preference for key, family in _FAMILIES.items()}
    return tuple(sorted(_FAMILIES.values(), key=lambda family: rank[family.key], reverse=True))


def checkpoints() -> tuple[Checkpoint, ...]:
    """Every published checkpoint that MedXAI knows by name, those of the most preferred family first."""
    return tuple(checkpoint for family in families() for checkpoint in family.checkpoints)


def registered(name: str) -> Checkpoint:
    """The checkpoint of a name.

    Raises:
        ModelError: Where there is none; the sentence names those there are.
    """
    known = {checkpoint.name: checkpoint for checkpoint in checkpoints()}
    if name not in known:
        raise ModelError(f"There is no model '{name}'; choose one of {', '.join(known)}, or give a checkpoint file.")
    return known[name]


def family_of(checkpoint: Checkpoint) -> ModelFamily:
    """The family that a registered checkpoint belongs to."""
    return next(f for f in families() if any(one.name == checkpoint.name for one in f.checkpoints))


def family_recognising(names: Collection[str]) -> ModelFamily | None:
    """The most preferred family that knows a checkpoint by the names of its tensors; None where none does."""
    return next((family for family in families() if family.recognises(names)), None)


def _import_families() -> None:
    for folder in os.environ.get("MEDXAI_PLUGINS", "").split(os.pathsep):
        path = str(Path(folder) / "models")
        if folder and path not in _package.__path__:
            _package.__path__.append(path)
    for module in pkgutil.iter_modules(_package.__path__):
        try:
            importlib.import_module(f"{_package.__name__}.{module.name}")
        except Exception as error:  # a plug-in may fail in any way
            raise ModelError(
                f"The model family '{module.name}' cannot be used ({error}); correct its file or remove it from the plug-in folder."
            ) from error
