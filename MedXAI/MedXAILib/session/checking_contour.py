"""The second half of the contour check, whether the outline follows the box: computed when it is looked at and the box rests."""

from collections.abc import Callable
from dataclasses import replace

from medxai.contour.result import ContourCheck
from medxai.results import SliceExplanation

from .jobs import Job, Jobs
from .observed_state import ObservedState
from .state import Activity
from .tasks import Tasks
from .worker import TaskContext


class CheckingContour:
    """Asks for the moved boxes where the contour check is looked at without them; once a result.

    The first half, the tolerance, comes with every result, also while the box is dragged.
    """

    def __init__(self, state: ObservedState, jobs: Jobs, tasks: Tasks, restyle: Callable[[], None]):
        self._state = state
        self._jobs = jobs
        self._tasks = tasks
        self._restyle = restyle
        #: The outline that could not be checked: not tried again.
        self._failed: ContourCheck | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether the check is looked at with its first half only, and the second can be made now."""
        state = self._state.now
        result = state.result
        if not state.view.is_contour or not state.started or result is None or state.running is not None:
            return False
        return not result.is_preview and result.contour.follows_box is None and result.contour is not self._failed

    def check(self) -> None:
        """Computes the second half for the result that is shown."""
        state, tasks = self._state.now, self._tasks
        result: SliceExplanation = state.result

        def run(context: TaskContext) -> ContourCheck:
            return tasks.check_contour(state.explained_snapshot, state.explained, result, context.control)

        def take(check: ContourCheck) -> None:
            self._state.change(running=None, result=replace(result, contour=check))
            self._restyle()

        def failed(_error: BaseException) -> bool:
            self._failed = result.contour
            return True

        self._jobs.start(Job(Activity.CHECK, run, take, failed=failed))

    def interrupt(self) -> None:
        """The box may have moved: its next update must not wait for the old box's check."""
        running = self._state.now.running
        if running is not None and running.activity is Activity.CHECK:
            self._jobs.drop()
            self._state.change(running=None)

    def forget(self) -> None:
        """Lets go of the outline that could not be checked."""
        self._failed = None
