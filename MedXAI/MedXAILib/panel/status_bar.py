"""Progress of the console's work in Slicer's status bar."""

import slicer

from medxai.progress import Step

from . import wording

#: So long the last message stays, in milliseconds.
_LAST_MS = 3000


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
