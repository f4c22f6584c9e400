"""A slot is one worker that does one task at a time; the work is the same whoever runs it."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol


class Slot(Protocol):
    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """Begins a task; its exceptions come through the future."""
        ...

    def has_died(self, error: BaseException) -> bool:
        """Whether an exception of a task means that its worker ended, rather than that the task failed."""
        ...

    def renew(self) -> None:
        """Makes the slot usable again after its worker ended."""
        ...

    def stop(self) -> None:
        """Ends the worker, at once where it is still busy."""
        ...
