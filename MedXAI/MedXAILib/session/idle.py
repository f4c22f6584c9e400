"""When idle time may be spent on the slices around the one that was explained."""

from collections.abc import Callable, Hashable

from .state import State

#: So long nothing may have happened before idle time begins, in seconds.
IDLE_SECONDS = 1.0


class IdleTime:
    """Once for each encoded slice, after a rest. clock: in seconds."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._rest_since = clock()
        self._done_for: Hashable = None

    def begin_rest(self) -> None:
        """Something has happened, or has just come up to be looked at: the rest begins anew."""
        self._rest_since = self._clock()

    def done(self, state: State) -> None:
        """The slices around the explained one are encoded, or cannot be, or are not wanted."""
        self._done_for = state.explained.encoded if state.explained else None

    def again(self) -> None:
        """There may be room for more slices than before."""
        self._done_for = None

    def has_use(self, state: State) -> bool:
        """Whether anything is left to do around the slice that is explained and shown."""
        is_current = (
            state.result is not None and not state.result.is_preview and not state.stale and not state.obstacles
        )
        return state.look_ahead and is_current and state.running is None and state.explained.encoded != self._done_for

    def has_come(self, state: State) -> bool:
        """Whether it can begin now."""
        return self.has_use(state) and self._clock() - self._rest_since > IDLE_SECONDS
