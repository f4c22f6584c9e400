"""The one engine of panel and console, made when it is first needed, so that the panel opens without PyTorch."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medxai.engine import Engine
    from medxai.models.store import ModelStore


@cache
def engine_of_process() -> SharedEngine:
    """The engine that panel and console share. Models and encodings fill the computer's memory, so there is one."""
    return SharedEngine()


class SharedEngine:
    """Holds the engine with its models and encodings; for any thread.

    Args:
        folder: Where downloaded weights live; None for the platform's.
        budget_bytes: Memory for encodings.
    """

    def __init__(self, folder: Path | None = None, budget_bytes: int = 512 << 20):
        self._folder = folder
        self._budget_bytes = budget_bytes
        self._engine: Engine | None = None
        self._lock = threading.Lock()

    def get(self) -> Engine:
        """The engine; imports PyTorch the first time."""
        with self._lock:
            if self._engine is None:
                from medxai.engine import Engine

                self._engine = Engine(self.store, self._budget_bytes)
            return self._engine

    @property
    def store(self) -> ModelStore:
        """Where downloaded weights live."""
        from medxai.models.store import ModelStore

        return ModelStore(self._folder) if self._folder else ModelStore()

    @property
    def folder(self) -> Path | None:
        """The chosen folder of downloaded weights; None for the platform's."""
        return self._folder

    @folder.setter
    def folder(self, folder: Path | None) -> None:
        self._folder = folder
        with self._lock:
            if self._engine is not None:
                self._engine.store = self.store

    @property
    def made(self) -> Engine | None:
        """The engine, if there is one yet."""
        return self._engine

    @property
    def held_bytes(self) -> int:
        """What the encodings take now."""
        return self._engine.held_bytes if self._engine is not None else 0

    def set_budget(self, budget_bytes: int) -> None:
        """Memory for encodings from now on; what exceeds it is dropped at once."""
        self._budget_bytes = budget_bytes
        if self._engine is not None:
            self._engine.set_budget(budget_bytes)

    def free(self) -> int:
        """Drops models, encodings and prepared slices; returns the bytes of the encodings."""
        return self._engine.free() if self._engine is not None else 0
