"""The panel's rules without the panel: what can be done now, what it does, and what is shown after it."""

import time
from collections.abc import Callable
from dataclasses import replace

from medxai.map_view import ViewChoices

from .checking_contour import CheckingContour
from .choices import MethodChoices
from .comparing import Comparing
from .explaining import Explaining
from .exporting import Exporting
from .failures import Failures
from .jobs import Job, Jobs
from .look_ahead import LookAhead
from .model_list import preferred
from .models import Models
from .observed_state import ObservedState, Observer
from .ports import ScenePort
from .state import Activity, State
from .tasks import Equipment, Tasks
from .through_slices import ThroughSlices
from .worker import TaskContext, Worker


class Controller:
    """One session: holds its parts together, and hands each what the user does and what happens in the scene.

    Everything is called from the main thread. `tick` is to be called every few hundredths of a second while
    `wants_ticks`; it is the only place where the worker's results, and changes of the scene, are taken in.

    Attributes:
        models: Their weights and their memory.

    Args:
        scene: The scene around the session.
        tasks: The long work; made where none is given.
        worker: Its thread; made where none is given.
        clock: In seconds.
    """

    def __init__(
        self,
        scene: ScenePort,
        tasks: Tasks | None = None,
        worker: Worker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._scene = scene
        self._tasks = tasks or Tasks()
        self._state = ObservedState()
        self._failures = Failures(self._state)
        self._jobs = Jobs(self._state, worker or Worker(), clock, self._failures)
        self._explaining = Explaining(self._state, self._jobs, self._failures, scene, self._tasks, clock)
        self._comparing = Comparing(self._state, self._jobs, self._tasks, self._restyle)
        self._checking = CheckingContour(self._state, self._jobs, self._tasks, self._restyle)
        self._through = ThroughSlices(self._state, self._jobs, self._failures, scene, self._tasks)
        self._exporting = Exporting(self._state, self._jobs, self._failures, scene, self._tasks)
        self._look_ahead = LookAhead(self._state, self._jobs, self._tasks, clock)
        self.models = Models(self._state, self._jobs, self._failures, self._tasks, self._look_ahead)
        self._state.observe(self._rest_after_results)
        self._is_dirty = True
        self._is_closed = False

    # What a front end reads.

    @property
    def state(self) -> State:
        """Where the work stands."""
        return self._state.now

    @property
    def jobs(self) -> Jobs:
        """The long work under way."""
        return self._jobs

    @property
    def wants_ticks(self) -> bool:
        """Whether there is anything that a tick would take in, or a worker that has to be given time."""
        has_use = (
            self._is_dirty
            or self._explaining.has_maps_behind
            or self._comparing.is_wanted
            or self._checking.is_wanted
            or self._look_ahead.has_use
            or self._jobs.is_working
        )
        return not self._is_closed and has_use

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Calls the observer after every change of the state; returns what ends that."""
        return self._state.observe(observer)

    # What a user does.

    def start(self) -> None:
        """Looks, off the main thread, whether all that is needed is installed; again after an installation."""
        if self._is_closed or self.state.is_busy:
            return
        self._state.change(started=False, missing=())
        self.models.refresh()
        self._jobs.start(Job(Activity.START, self._start_on_worker, self._take_start, failed=self._start_failed))

    def choose_method(self, method: MethodChoices) -> None:
        """Takes over what decides the maps; a live update or a stale result follows from it.

        Args:
            method: An empty model is the best one whose weights are here.
        """
        if not method.model:
            method = replace(method, model=preferred(self.state.models))
        if method != self.state.method:
            self._look_ahead.interrupt()
            self._is_dirty = True  # before observers hear of it, so that they see that ticks are wanted
            self._state.change(method=method)
            self._failures.review()
            self.models.refresh()

    def choose_view(self, view: ViewChoices) -> None:
        """Takes over how the maps are looked at, and shows them so at once."""
        if view != self.state.view:
            self._look_ahead.interrupt()
            self._state.change(view=view)
            self._restyle()

    def choose_live(self, live: bool) -> None:
        """Whether dragging the box updates the maps."""
        if live != self.state.live:
            self._look_ahead.interrupt()
            self._is_dirty = True
            self._state.change(live=live)

    def choose_look_ahead(self, look_ahead: bool) -> None:
        """Whether idle time goes to the slices around the one that was explained."""
        if look_ahead != self.state.look_ahead:
            self._look_ahead.interrupt()
            self._state.change(look_ahead=look_ahead)

    def explain(self) -> None:
        """Explains what stands in the scene now; nothing where it cannot be, the state's obstacles say why."""
        self._is_dirty = False
        if not self._is_closed:
            self._explaining.explain()

    def follow_through_slices(self) -> None:
        """Follows the organ from the box on the shown slice; nothing where it cannot be, the state says why."""
        self._is_dirty = False
        if not self._is_closed:
            self._explaining.look()
            self._through.follow()

    def export(self, folder: str, as_dicom: bool = False) -> None:
        """Writes what is shown into a folder; never of a preview.

        Args:
            folder: Where the files go.
            as_dicom: Whether DICOM objects are written, too.
        """
        if not self._is_closed:
            self._exporting.export(folder, as_dicom)

    def cancel(self) -> None:
        """Stops what the user asked for; ready again at once, though the worker may need to the end of its block.

        A preview that is shown already stays, marked as one: what was there before it has been written over.
        """
        if self.state.can_cancel:
            activity = self.state.running.activity
            if activity is Activity.EXPLAIN:
                self._explaining.decline()
            self._jobs.drop()
            self._is_dirty = True
            self._failures.say_cancelled(activity)
            if activity is Activity.FOLLOW:
                self._through.keep_slices()

    def report_failure(self, reason: str) -> None:
        """Something that a front end tried itself did not work; said where all failures are."""
        running = self.state.running
        self._failures.say(reason)
        self._state.change(running=running)

    # What happens in the scene.

    def scene_changed(self) -> None:
        """Something in the scene may have changed; checked in the next tick, so that many changes cost one look."""
        self._look_ahead.interrupt()
        self._checking.interrupt()
        self._is_dirty = True

    def forget(self) -> None:
        """The scene closes, or the explained volume is gone: stops all work and drops what belonged to it."""
        if not self.state.is_starting:
            self._jobs.drop()
            self._state.change(running=None)
        self._comparing.forget()
        self._checking.forget()
        self._explaining.forget()
        self._through.forget()
        self._is_dirty = True

    def close(self, timeout_s: float = 0.0) -> bool:
        """Ends for good; further calls do nothing.

        Args:
            timeout_s: How long to wait for the worker.

        Returns:
            Whether the worker has stopped already.
        """
        self._is_closed = True
        self._state.silence()
        return self._jobs.close(timeout_s)

    def tick(self) -> None:
        """Takes in what the worker has done and what has changed in the scene."""
        if self._is_closed:
            return
        if self._jobs.poll():
            self._is_dirty = True
        if self._is_dirty:
            self._is_dirty = False
            self._explaining.look()
            self._explaining.follow()
        elif self._explaining.catch_up():
            return
        elif self._comparing.is_wanted:
            self._comparing.compare()
        elif self._checking.is_wanted and not self._explaining.has_maps_behind:  # the box rests
            self._checking.check()
        elif self._look_ahead.has_come:
            self._look_ahead.start()

    # How it is done.

    def _start_on_worker(self, context: TaskContext) -> Equipment:
        return self._tasks.start(context.control)

    def _take_start(self, found: Equipment) -> None:
        self._state.change(
            running=None, started=not found.missing, missing=found.missing, comparisons=found.comparisons
        )
        self._comparing.drop_unknown_map()
        self._restyle()  # what a loaded scene holds, in case another look was chosen meanwhile

    def _start_failed(self, _error: BaseException) -> bool:
        self._state.change(missing=("torch",))  # packages that cannot be imported are as good as missing
        return True

    def _restyle(self) -> None:
        state = self.state
        if state.started:  # the scene's maps need the packages
            self._failures.guarded(self._scene.restyle, state.result, state.explained, state.view)

    def _rest_after_results(self, state: State, before: State) -> None:
        if state.result is not before.result:
            self._look_ahead.begin_rest()
