"""The maps that can be looked at: a button for each of MedXAI's own, one list for those of other explainers."""

from collections.abc import Callable
from typing import Any

from medxai.map_view import is_comparison
from medxai.maps import CONTOUR, INTERACTION, OWN_MAPS_SHOWN, STAGE1, STAGE2, STAGE3, TERMINAL, Role

from ..session.state import State
from . import wording
from .connections import Connections
from .filling import blocked, fill, select
from .translation import _

#: The buttons of MedXAI's own maps, a reader's first question first: which stretch of the outline to check.
MAP_BUTTONS = {
    CONTOUR.key: "contourButton",
    STAGE1.key: "stage1Button",
    STAGE2.key: "stage2Button",
    STAGE3.key: "stage3Button",
    INTERACTION.key: "interactionButton",
    TERMINAL.key: "terminalButton",
}


class MapList:
    """Shows which map is chosen, and says which one the user chooses.

    Args:
        ui: The widgets by name.
        connections: Of the panel.
        choose: Called with the key of a map.
    """

    def __init__(self, ui: Any, connections: Connections, choose: Callable[[str], None]):
        self._ui = ui
        self._choose = choose
        self._state: State | None = None
        self._has_maps = False
        self._listed: tuple | None = None
        self._texts = {key: getattr(ui, name).text for key, name in MAP_BUTTONS.items()}
        for info in (CONTOUR, *OWN_MAPS_SHOWN):
            button = getattr(ui, MAP_BUTTONS[info.key])
            button.toolTip = _(info.sentence)
            connections.connect(button, "clicked(bool)", lambda _checked, key=info.key: self._clicked(key))
        connections.connect(ui.comparisonSelector, "activated(int)", self._picked)

    def show(self, state: State, has_maps: bool) -> None:
        """Shows the choice of a state in buttons and list.

        Args:
            state: Of the session.
            has_maps: Whether there is anything to look at.
        """
        self._state, self._has_maps = state, has_maps
        ui, chosen, is_preview = self._ui, state.view.map_key, wording.shows_preview(state)
        for key, name in MAP_BUTTONS.items():
            button, is_chosen = getattr(ui, name), key == chosen
            button.enabled = has_maps
            text = wording.chosen(self._texts[key]) if is_chosen else self._texts[key]
            if button.text != text:
                button.text = text
            if button.checked != is_chosen:  # asked of the widget, since a click changes it too
                with blocked(button):
                    button.checked = is_chosen
        self._fill(state)
        select(ui.comparisonSelector, chosen if is_comparison(chosen) else "")
        for name in ("comparisonSelector", "comparisonLabel"):
            getattr(ui, name).enabled = has_maps and not is_preview and bool(state.comparisons)

    def step(self, by: int) -> None:
        """The next of MedXAI's own maps, or the one before; from the last on to the first."""
        keys = list(MAP_BUTTONS)
        if self._state is not None and self._has_maps:
            now = self._state.view.map_key
            self._choose(keys[(keys.index(now) + by) % len(keys)] if now in keys else STAGE3.key)

    def _clicked(self, key: str) -> None:
        self._choose(key)
        if self._state is not None:
            self.show(self._state, self._has_maps)  # Qt has let go of a button that was pressed already

    def _picked(self, index: int) -> None:
        self._choose(self._ui.comparisonSelector.itemData(index) or STAGE3.key)

    def _fill(self, state: State) -> None:
        if self._listed == state.comparisons:
            return
        self._listed = state.comparisons
        lines = {"": _("nothing: MedXAI's own maps")}
        for info in state.comparisons:
            is_baseline = info.role is Role.BASELINE
            text = _("{title} (baseline)") if is_baseline else "{title}"
            lines[info.key] = text.format(title=_(info.title))
        fill(self._ui.comparisonSelector, lines)
