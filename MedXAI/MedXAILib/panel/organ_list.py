"""The boxes on the shown slice, a row each: whether it is explained with the others, and around which organ it is."""

from collections.abc import Callable
from typing import Any

from medxai.organ_codes import ORGANS

from ..session.snapshot import RegionBox
from ..session.state import State
from . import wording
from .connections import Connections
from .filling import blocked, fill, select

#: Rows of the form; further boxes are explained, too, but cannot be set here.
ROWS = 8


class OrganList:
    """Shows the boxes, and says which one the user marks or names.

    Args:
        ui: The widgets by name.
        connections: Of the panel.
        mark: Called with a box, and whether it is explained together with others.
        choose: Called with a box, and its organ's name; '' for none.
    """

    def __init__(
        self,
        ui: Any,
        connections: Connections,
        mark: Callable[[RegionBox, bool], None],
        choose: Callable[[RegionBox, str], None],
    ):
        self._ui = ui
        self._mark = mark
        self._choose = choose
        self._boxes: tuple[RegionBox, ...] = ()
        self._last: object = None
        for number in range(1, ROWS + 1):
            check, selector = self._check(number), self._selector(number)
            fill(selector, {"": wording.organ(""), **{name: wording.organ(name) for name in ORGANS}})
            connections.connect(check, "clicked(bool)", lambda is_on, number=number: self._marked(number, is_on))
            connections.connect(selector, "activated(int)", lambda index, number=number: self._chosen(number, index))

    def show(self, state: State) -> None:
        """Brings the rows in line with a state; the part unfolds with the second box, and folds with the last but one."""
        snapshot, had = state.snapshot, len(self._boxes)
        self._boxes = snapshot.boxes
        facts = tuple((one.origin, one.name, one.organ.name, one.is_marked) for one in snapshot.boxes)
        text = wording.organs(state)
        key = (facts, snapshot.origin, text)
        if key == self._last:
            return
        self._last = key
        section = self._ui.organsSection
        section.visible = bool(facts)
        section.text = wording.organs_heading(snapshot)
        if (had > 1) != (len(facts) > 1):
            with blocked(section):
                section.collapsed = len(facts) < 2
        for number in range(1, ROWS + 1):
            self._show_row(number, snapshot.origin)
        self._ui.organsLabel.text = text
        self._ui.organsLabel.visible = bool(text)

    def _show_row(self, number: int, chosen: object) -> None:
        box = self._boxes[number - 1] if number <= len(self._boxes) else None
        check, label, selector = self._check(number), getattr(self._ui, f"organ{number}Name"), self._selector(number)
        for widget in (check, label, selector):
            widget.visible = box is not None
        if box is None:
            return
        is_chosen = box.origin == chosen
        label.text = wording.region_line(box.name, is_chosen)
        label.toolTip = box.name
        with blocked(check):
            check.checked = box.is_marked or is_chosen
        check.enabled = not is_chosen  # Explain takes the chosen box in any case
        select(selector, box.organ.name if box.organ.name in ORGANS else "")

    def _marked(self, number: int, is_on: bool) -> None:
        if number <= len(self._boxes):
            self._mark(self._boxes[number - 1], is_on)

    def _chosen(self, number: int, index: int) -> None:
        if number <= len(self._boxes):
            self._choose(self._boxes[number - 1], self._selector(number).itemData(index))

    def _check(self, number: int) -> Any:
        return getattr(self._ui, f"organ{number}Check")

    def _selector(self, number: int) -> Any:
        return getattr(self._ui, f"organ{number}Selector")
