"""Progress of the console's work in Slicer's status bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import slicer

from medxai.progress import RunControl, Step

from . import wording

#: So long the last message stays, in milliseconds.
_LAST_MS = 3000


@contextmanager
def told(
    progress: Callable[[int, int], object] | None, is_cancelled: Callable[[], bool] | None
) -> Iterator[RunControl]:
    """The control of a piece of the console's work, which says in the end that it has ended, however it did.

    Args:
        progress: Called with (done, total); None for the status bar.
        is_cancelled: Ends the work where it is True; None: nothing does.
    """
    on_progress = show_progress if progress is None else lambda _step, done, total: progress(done, total)
    try:
        yield RunControl(on_progress, is_cancelled or (lambda: False))
    finally:
        show_end()


def show_progress(step: Step, done: int, total: int) -> None:
    """Tells how far the work is, and at once: the console's work holds the event loop up, so the bar is drawn here.

    Args:
        step: What the work is at.
        done: Parts that are done.
        total: Parts in all; 0 where unknown.
    """
    _show(wording.progress(step, done, total), 0)


def show_end() -> None:
    """The work has ended, however it did: the last message goes after a moment."""
    _show(wording.progress_end(), _LAST_MS)


def _show(text: str, duration_ms: int) -> None:
    window = slicer.util.mainWindow() if hasattr(slicer, "app") else None
    if window is not None:  # there is none where Slicer runs without it
        window.statusBar().showMessage(text, duration_ms)
        window.statusBar().repaint()
