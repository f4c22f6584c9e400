"""Progress and cancellation of long work, in one object that every step gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from .errors import Cancelled


class Step(StrEnum):
    """What long work is doing now."""

    STARTING = "starting"
    LOADING = "loading"
    DOWNLOADING = "downloading"
    PREPARING = "preparing"
    PREVIEWING = "previewing"
    ENCODING = "encoding"
    CHECKING = "checking the outline"
    COMPARING = "comparing"
    MEASURING = "measuring"
    EXPORTING = "exporting"
    FOLLOWING = "following the organ"


def _ignore(step: Step, done: int, total: int) -> None:
    """Progress that is not shown."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class RunControl:
    """How the caller of long work hears of its progress and stops it.

    Example:
        >>> control = RunControl(lambda step, done, total: print(step, done, total))
        >>> control.at(Step.ENCODING).report(1, 13)
        encoding 1 13

    Attributes:
        on_progress: Called with the step, the parts done and the parts in all (0 where unknown). It may raise
            `Cancelled` itself.
        is_cancelled: Asked between two parts of the work; from any thread.
        step: The step that `report` speaks of.
    """

    on_progress: Callable[[Step, int, int], None] = _ignore
    is_cancelled: Callable[[], bool] = _never
    step: Step = Step.STARTING

    def at(self, step: Step) -> RunControl:
        """The same control, reporting another step."""
        return replace(self, step=step)

    def report(self, done: int, total: int) -> None:
        """Tells the caller how far this control's step is."""
        self.on_progress(self.step, done, total)

    def raise_if_cancelled(self) -> None:
        """Stops the work once the caller wants it to stop.

        Raises:
            Cancelled: Then.
        """
        if self.is_cancelled():
            raise Cancelled
