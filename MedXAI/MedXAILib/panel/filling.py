"""Fills lists without sending signals, so that only a choice of the user sends one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def fill(box: Any, choices: Mapping[str, str]) -> None:
    """Gives a list its items.

    Args:
        box: The list's widget.
        choices: Texts by the value that each stands for.
    """
    with blocked(box):
        box.clear()
        for value, text in choices.items():
            box.addItem(text, value)


def select(box: Any, value: str) -> None:
    """Chooses the item with that value; none where there is no such item."""
    index = box.findData(value)
    if index != box.currentIndex:
        with blocked(box):
            box.currentIndex = index


@contextmanager
def blocked(widget: Any) -> Iterator[None]:
    """No signals of a widget meanwhile."""
    before = widget.blockSignals(True)
    try:
        yield
    finally:
        widget.blockSignals(before)
