"""Idle time spent on the slices around the one that was explained."""

from collections.abc import Callable, Hashable

from .failures import sentence_of
from .jobs import Job, Jobs
from .observed_state import ObservedState
from .state import Activity
from .tasks import Tasks

#: How long nothing must have happened before idle time begins, in seconds.
IDLE_SECONDS = 1.0


class LookAhead:
    """Encodes the neighbours of each explained slice once, after a rest, and stops as soon as the user acts."""

    def __init__(self, state: ObservedState, jobs: Jobs, tasks: Tasks, clock: Callable[[], float]):
        self._state = state
        self._jobs = jobs
        self._tasks = tasks
        self._clock = clock
        self._rest_since = clock()
        self._done_for: Hashable = None

    @property
    def has_use(self) -> bool:
        """Whether anything is left to do around the slice that is explained and shown."""
        state = self._state.now
        if not state.look_ahead or state.running is not None or state.result is None or state.result.is_preview:
            return False
        return not state.stale and not state.obstacles and state.explained.encoded != self._done_for

    @property
    def has_come(self) -> bool:
        """Whether it can begin now."""
        return self.has_use and self._clock() - self._rest_since > IDLE_SECONDS

    def start(self) -> None:
        """Encodes the slices around the explained one."""
        tasks, snapshot, key = self._tasks, self._state.now.explained_snapshot, self._state.now.explained

        def failed(error: BaseException) -> bool:
            sentence_of(error, "looking ahead")  # into the log only: the user did not ask for it
            self._done()
            return False

        self._jobs.start(
            Job(
                Activity.AHEAD,
                lambda context: tasks.look_ahead(snapshot, key, context.control),
                lambda _count: (self._done(), self._state.change(running=None)),
                failed=failed,
            )
        )

    def begin_rest(self) -> None:
        """A new result is shown: the time of rest begins again."""
        self._rest_since = self._clock()

    def interrupt(self) -> None:
        """The user acts: the work stops, and waits for the next rest."""
        self.begin_rest()
        running = self._state.now.running
        if running is not None and running.activity is Activity.AHEAD:
            self._jobs.drop()
            self._state.change(running=None)

    def again(self) -> None:
        """There may be room for more slices than before."""
        self._done_for = None

    def _done(self) -> None:
        explained = self._state.now.explained
        self._done_for = explained.encoded if explained else None
