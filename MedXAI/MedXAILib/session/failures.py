"""What went wrong, in one sentence that stays as long as it concerns the current scene."""

import logging
from collections.abc import Callable, Hashable
from typing import Any

from medxai.errors import MedXAIError

from .observed_state import ObservedState
from .snapshot import key_of
from .state import Activity, Outcome, State


class Failures:
    """Says that work failed or was cancelled, and removes the sentence once it no longer concerns the scene."""

    def __init__(self, state: ObservedState):
        self._state = state
        self._activity: Activity | None = None
        self._subject: Hashable = None

    def say(self, sentence: str, activity: Activity | None = None) -> None:
        """Shows a sentence on something that did not work.

        Args:
            sentence: For the user; names cause and remedy.
            activity: What failed; None for something that the front end tried itself.
        """
        self._remember(activity)
        self._state.change(running=None, outcome=Outcome.FAILED, message=sentence)

    def say_cancelled(self, activity: Activity | None) -> None:
        """Shows that the user stopped something."""
        self._remember(activity)
        self._state.change(running=None, outcome=Outcome.CANCELLED, message="")

    def review(self) -> None:
        """Removes the sentence where the model, the slice or the box that it was about has changed."""
        state = self._state.now
        if state.outcome in (Outcome.FAILED, Outcome.CANCELLED) and _subject(state, self._activity) != self._subject:
            self._state.change(outcome=Outcome.NONE, message="")

    def guarded(self, call: Callable, *arguments: Any) -> None:
        """Calls something of the scene or the disk; what it raises becomes a sentence, and the panel stays usable."""
        try:
            call(*arguments)
        except Exception as error:
            self._remember(None)
            self._state.change(outcome=Outcome.FAILED, message=sentence_of(error, "showing or writing"))

    def _remember(self, activity: Activity | None) -> None:
        self._activity, self._subject = activity, _subject(self._state.now, activity)


def _subject(state: State, activity: Activity | None) -> Hashable:
    """What a failure is about: while this stays the same, its sentence holds."""
    if activity is Activity.START:
        return None
    if activity is Activity.DOWNLOAD:
        return state.method.model
    if activity is Activity.EXPORT:
        return id(state.result)
    return state.snapshot.lack, key_of(state.snapshot, state.method)


def sentence_of(error: BaseException, while_doing: str) -> str:
    """What the user reads; an unexpected error goes into the log in full."""
    if isinstance(error, MedXAIError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory; close other programs or choose a smaller model."
    logging.getLogger(__name__).error("MedXAI: %s failed", while_doing, exc_info=error)
    return (
        f"Something unexpected went wrong ({type(error).__name__}: {error}); the details are in the application's log."
    )
