"""Maps of other explainers, computed for the shown box when they are looked at."""

from collections.abc import Callable
from dataclasses import replace

from medxai.map_view import is_comparison
from medxai.maps import STAGE3
from medxai.results import SaliencyMap, SliceExplanation

from .jobs import Job, Jobs
from .observed_state import ObservedState
from .state import Activity
from .tasks import Tasks
from .worker import TaskContext


class Comparing:
    """Asks for another explainer's map where it is looked at and not there; once a result."""

    def __init__(self, state: ObservedState, jobs: Jobs, tasks: Tasks, restyle: Callable[[], None]):
        self._state = state
        self._jobs = jobs
        self._tasks = tasks
        self._restyle = restyle
        #: The result and its maps that could not be made: not tried again.
        self._failed: tuple[SliceExplanation, frozenset[str]] | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether another explainer's map is looked at that is not there yet, and can be made now."""
        state = self._state.now
        result, key = state.result, state.view.map_key
        if not is_comparison(key) or key not in [info.key for info in state.comparisons] or state.running is not None:
            return False
        if result is None or key in self._failed_for(result):
            return False
        return not result.is_preview and not state.view.is_in(result)

    def compare(self) -> None:
        """Computes the map that is looked at."""
        state, tasks = self._state.now, self._tasks
        key, result = state.view.map_key, state.result

        def run(context: TaskContext) -> tuple[SaliencyMap, ...]:
            return tasks.compare(state.explained_snapshot, state.explained, key, context.control)

        def take(found: tuple[SaliencyMap, ...]) -> None:
            self._state.change(running=None, result=result.with_comparisons(found))
            self._restyle()

        def failed(_error: BaseException) -> bool:
            self._failed = result, self._failed_for(result) | {key}
            return True

        self._jobs.start(Job(Activity.COMPARE, run, take, failed=failed))

    def drop_unknown_map(self) -> None:
        """A map that is not known here (an explainer that is not installed) is replaced by stage 3."""
        state = self._state.now
        if not state.view.is_own and state.view.map_key not in [info.key for info in state.comparisons]:
            self._state.change(view=replace(state.view, map_key=STAGE3.key))

    def forget(self) -> None:
        """Lets go of the result of which maps could not be made."""
        self._failed = None

    def _failed_for(self, result: SliceExplanation) -> frozenset[str]:
        return self._failed[1] if self._failed is not None and self._failed[0] is result else frozenset()
