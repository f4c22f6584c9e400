"""The one piece of long work under way, and what takes in its results."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from medxai.errors import Cancelled

from .failures import Failures, sentence_of
from .observed_state import ObservedState
from .state import Activity, Running
from .worker import Event, PartialResult, TaskContext, TaskFailed, TaskProgress, Worker


@dataclass(frozen=True)
class Job:
    """Long work and what follows from it; everything but `run` is called on the main thread.

    Attributes:
        activity: Why the worker works.
        run: The work itself, on the worker's thread.
        take: Gets what `run` returned.
        take_partial: Gets what `run` handed over before its end.
        failed: Told of an error before the user is; returns whether the user is to hear of it.
    """

    activity: Activity
    run: Callable[[TaskContext], Any]
    take: Callable[[Any], None]
    take_partial: Callable[[Any], None] | None = None
    failed: Callable[[BaseException], bool] = lambda error: True


class Jobs:
    """Gives the worker one job at a time: a new one takes the place of the one before."""

    def __init__(self, state: ObservedState, worker: Worker, clock: Callable[[], float], failures: Failures):
        self._state = state
        self._worker = worker
        self._clock = clock
        self._failures = failures
        self._job: Job | None = None
        self._number: int | None = None
        self._is_closed = False

    @property
    def is_under_way(self) -> bool:
        """Whether a job has not ended yet."""
        return self._job is not None

    @property
    def is_working(self) -> bool:
        """Whether the worker's thread has anything to do, also to notice that its job was dropped."""
        return self._job is not None or not self._worker.is_idle

    @property
    def elapsed_seconds(self) -> float:
        """Since the job under way began; 0 where there is none."""
        running = self._state.now.running
        return self._clock() - running.since if running else 0.0

    @property
    def started(self) -> int:
        """How many jobs there have been."""
        return self._worker.submitted

    def start(self, job: Job) -> None:
        """Begins a job, in the place of one that is under way. Nothing after `close`."""
        if self._is_closed:
            return
        if self._job is not None:
            self._worker.cancel()
        self._job, self._number = job, self._worker.submit(job.run)
        self._state.change(running=Running(job.activity, self._clock()))

    def drop(self) -> None:
        """Stops the job under way; its results are ignored."""
        self._worker.cancel()
        self._job = self._number = None

    def give_time(self, limit_s: float) -> None:
        """Lets the worker get on until it has something to show, but no longer than the limit."""
        self._worker.wait(limit_s)

    def poll(self) -> bool:
        """Takes in what the worker has done; returns whether anything ended or was handed over."""
        has_news = self._take_events()
        if self._job is not None and self._worker.is_idle and not self._take_events() and self._job is not None:
            self._end_with(RuntimeError("the worker stopped without a word"))
            return True
        return has_news

    def close(self, timeout_s: float) -> bool:
        """Ends for good; returns whether the worker has stopped within the time."""
        self._is_closed = True
        self._job = self._number = None
        return self._worker.close(timeout_s)

    def _take_events(self) -> bool:
        taken = [self._take(event) for event in self._worker.poll() if event.task == self._number]
        return any(taken)

    def _take(self, event: Event) -> bool:
        job = self._job
        if job is None:
            return False
        if isinstance(event, TaskProgress):
            running = self._state.now.running
            self._state.change(running=replace(running, step=event.step, done=event.done, total=event.total))
            return False
        if isinstance(event, PartialResult):
            if job.take_partial is not None:
                job.take_partial(event.value)
        elif isinstance(event, TaskFailed):
            self._end_with(event.error)
        else:
            self._job = self._number = None
            job.take(event.value)
        return True

    def _end_with(self, error: BaseException) -> None:
        job, self._job, self._number = self._job, None, None
        is_told = job.failed(error)
        if isinstance(error, Cancelled):
            self._failures.say_cancelled(job.activity)
            return
        sentence = sentence_of(error, job.activity.value)
        if is_told:
            self._failures.say(sentence, job.activity)
        else:
            self._state.change(running=None)
