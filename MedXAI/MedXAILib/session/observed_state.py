"""The session's state and its observers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .state import State

Observer = Callable[[State, State], None]
"""Called on the main thread with the new state and the one before."""


class ObservedState:
    """Holds the one state of a session; only the main thread may change it."""

    def __init__(self):
        self._now = State()
        self._observers: list[Observer] = []

    @property
    def now(self) -> State:
        """The state as it stands."""
        return self._now

    def change(self, **changes: Any) -> None:
        """Replaces fields of the state and tells the observers."""
        before, self._now = self._now, replace(self._now, **changes)
        for observer in tuple(self._observers):
            observer(self._now, before)

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Calls the observer after every change; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None

    def silence(self) -> None:
        """Lets go of all observers."""
        self._observers.clear()
