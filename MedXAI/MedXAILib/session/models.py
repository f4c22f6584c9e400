"""The models that can be chosen: their weights on this computer, and the memory that they and their encodings take."""

from pathlib import Path

from .failures import Failures
from .jobs import Job, Jobs
from .look_ahead import LookAhead
from .model_list import model_statuses
from .observed_state import ObservedState
from .state import Activity, Outcome
from .tasks import Tasks


class Models:
    """Lists, fetches and removes weights, and frees memory."""

    def __init__(self, state: ObservedState, jobs: Jobs, failures: Failures, tasks: Tasks, look_ahead: LookAhead):
        self._state = state
        self._jobs = jobs
        self._failures = failures
        self._tasks = tasks
        self._look_ahead = look_ahead

    def refresh(self) -> None:
        """Looks again which weights are here; a choice that the registry does not know is a file."""
        models = model_statuses(self._tasks.engine.store, self._state.now.method.model)
        if models != self._state.now.models:
            self._state.change(models=models)

    def use_folder(self, folder: Path) -> None:
        """Keeps and looks for weights in another folder from now on."""
        self._tasks.engine.folder = folder
        self.refresh()

    def download(self, name: str) -> None:
        """Fetches a registered model's weights; also before the packages are installed, but not while that is checked."""
        state = self._state.now
        if state.is_busy or state.is_starting:
            return
        self._state.change(outcome=Outcome.NONE, message="")

        def take(path: object) -> None:
            self._state.change(running=None, outcome=Outcome.DONE, message=str(path))
            self.refresh()

        self._jobs.start(Job(Activity.DOWNLOAD, lambda context: self._tasks.download(name, context.control), take))

    def remove_weights(self, name: str) -> None:
        """Deletes a model's downloaded weights."""
        self._failures.guarded(self._tasks.remove_download, name)
        self.refresh()

    def free_memory(self) -> None:
        """Drops the loaded model and all encodings; the next Explain makes them again, idle time does not."""
        self._look_ahead.interrupt()
        self._tasks.engine.free()

    def set_memory_budget(self, budget_bytes: int) -> None:
        """Memory for encoded slices from now on; those that no longer fit are dropped at once, the oldest first."""
        self._look_ahead.interrupt()
        self._tasks.engine.set_budget(budget_bytes)
        self._look_ahead.again()
