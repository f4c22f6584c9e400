"""Connections of signals, ended when the panel closes; Slicer only hides the widgets of a reloaded module."""

from collections.abc import Callable
from typing import Any


class Connections:
    """Every connection of a panel, to be ended together."""

    def __init__(self):
        self._made: list[tuple[Any, str, Callable]] = []

    def connect(self, widget: Any, signal: str, slot: Callable) -> None:
        """Connects a signal, given by its C++ signature."""
        widget.connect(signal, slot)
        self._made.append((widget, signal, slot))

    def end(self) -> None:
        """Ends all of them."""
        for widget, signal, slot in self._made:
            widget.disconnect(signal, slot)
        self._made.clear()
