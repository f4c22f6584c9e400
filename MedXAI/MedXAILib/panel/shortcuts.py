"""Keys for what is done again and again while maps are looked at; they work while the module is open."""

from collections.abc import Callable
from typing import Any

import qt

from .connections import Connections
from .translation import _

#: The keys, by the widget whose tooltip tells of them.
KEYS = {
    "next_map": ("Ctrl+Shift+Right", "stage2Button"),
    "map_before": ("Ctrl+Shift+Left", "stage1Button"),
    "next_layer": ("Ctrl+Shift+Up", "layerSlider"),
    "layer_before": ("Ctrl+Shift+Down", "layerSlider"),
    "next_slice": ("Ctrl+Shift+PgUp", "viewSelector"),
    "slice_before": ("Ctrl+Shift+PgDown", "viewSelector"),
    "map_on_and_off": ("Ctrl+Shift+M", "overlayCheck"),
    "undo": ("Ctrl+Shift+Z", "undoButton"),
}


class Shortcuts:
    """The keys of the panel.

    Args:
        ui: The widgets by name.
        connections: Of the panel.
        actions: What each of `KEYS` does.
    """

    def __init__(self, ui: Any, connections: Connections, actions: "dict[str, Callable[[], None]]"):
        self._made = []
        for action, (keys, widget) in KEYS.items():
            shortcut = qt.QShortcut(ui.limitsLabel)  # always visible and enabled, as Qt asks of a shortcut's widget
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.enabled = False
            connections.connect(shortcut, "activated()", actions[action])
            self._made.append(shortcut)
            target = getattr(ui, widget)
            target.toolTip = _("{tip} ({keys})").format(tip=target.toolTip, keys=keys)

    def set_enabled(self, is_on: bool) -> None:
        """The module is entered or left."""
        for shortcut in self._made:
            shortcut.enabled = is_on
