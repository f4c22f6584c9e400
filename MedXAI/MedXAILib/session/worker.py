"""One thread that does the long work, one task after another, while the main thread goes on."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medxai.errors import Cancelled
from medxai.progress import RunControl, Step


@dataclass(frozen=True)
class TaskContext:
    """What a task can use while it runs.

    Attributes:
        control: Its progress and cancellation; reporting raises Cancelled where the task was cancelled.
        hand_over: Gives something that can be shown before the task is done; raises Cancelled likewise.
    """

    control: RunControl
    hand_over: Callable[[Any], None]


Run = Callable[[TaskContext], Any]
"""A task; what it returns is its result."""


@dataclass(frozen=True)
class TaskProgress:
    """How far a task is.

    Attributes:
        task: Its number.
        step: What it does now.
        done: How many parts are done.
        total: How many there are; 0 where unknown.
    """

    task: int
    step: Step
    done: int
    total: int


@dataclass(frozen=True)
class PartialResult:
    """A task has something to show already."""

    task: int
    value: Any


@dataclass(frozen=True)
class TaskFinished:
    """A task has returned."""

    task: int
    value: Any


@dataclass(frozen=True)
class TaskFailed:
    """A task has raised."""

    task: int
    error: BaseException


Event = TaskProgress | PartialResult | TaskFinished | TaskFailed


@dataclass(frozen=True)
class _Waiting:
    number: int
    run: Run
    cancelled: threading.Event


class Worker:
    """A persistent daemon thread with room for one running and one waiting task: the latest waiting one wins.

    All methods are for the main thread. Nothing is called back: `poll` hands over what has happened.
    """

    def __init__(self, name: str = "MedXAI worker"):
        self._name = name
        self._wake = threading.Condition()
        self._waiting: _Waiting | None = None
        self._running: _Waiting | None = None
        self._closed = False
        self._events: queue.SimpleQueue = queue.SimpleQueue()
        self._has_told = threading.Event()
        self._numbers = 0
        self._thread: threading.Thread | None = None

    def submit(self, run: Run) -> int:
        """Queues a task, in the place of one that waits.

        Args:
            run: The task.

        Returns:
            The number that the task's events carry.

        Raises:
            RuntimeError: After `close`.
        """
        with self._wake:
            if self._closed:
                raise RuntimeError("the worker is closed")
            self._numbers += 1
            self._waiting = _Waiting(self._numbers, run, threading.Event())
            if self._thread is None or not self._thread.is_alive():
                self._running = None
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify()
            return self._numbers

    @property
    def submitted(self) -> int:
        """How many tasks there have been."""
        return self._numbers

    def cancel(self) -> None:
        """Asks the running task to stop and drops the waiting one; their events may still come and are to be ignored."""
        with self._wake:
            self._waiting = None
            if self._running:
                self._running.cancelled.set()

    def wait(self, limit_s: float) -> None:
        """Lets the worker's thread run until a task has ended or handed something over, but no longer than the limit.

        Where the caller's thread keeps Python's global lock, this is the time that the worker gets on in.
        """
        self._has_told.wait(limit_s)

    def poll(self) -> "list[Event]":
        """What has happened since the last call, oldest first; of a task's progress only the latest."""
        events: list[Event] = []
        self._has_told.clear()
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return events
            if (
                events
                and isinstance(event, TaskProgress)
                and isinstance(events[-1], TaskProgress)
                and events[-1].task == event.task
            ):
                events[-1] = event
            else:
                events.append(event)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits, or nothing ever will because the thread has died."""
        with self._wake:
            is_dead = self._thread is not None and not self._thread.is_alive()
            return is_dead or (self._running is None and self._waiting is None)

    def close(self, timeout_s: float = 0.0) -> bool:
        """Stops for good, at the latest when the running task asks whether it is cancelled; returns whether it has stopped in time."""
        self.cancel()
        with self._wake:
            self._closed = True
            self._wake.notify()
        thread = self._thread
        if thread is not None and timeout_s > 0:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _loop(self) -> None:
        while True:
            with self._wake:
                while self._waiting is None and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                task, self._waiting = self._waiting, None
                self._running = task
            self._tell(self._done(task))  # before the worker counts as idle, so that idle means: all is told
            with self._wake:
                self._running = None

    def _tell(self, event: Event) -> None:
        self._events.put(event)
        if not isinstance(event, TaskProgress):  # progress can wait for the next look
            self._has_told.set()

    def _done(self, task: _Waiting) -> TaskFinished | TaskFailed:
        def tell(event: TaskProgress | PartialResult) -> None:
            if task.cancelled.is_set():
                raise Cancelled
            self._tell(event)

        control = RunControl(
            lambda step, done, total: tell(TaskProgress(task.number, step, done, total)), task.cancelled.is_set
        )
        context = TaskContext(control, lambda value: tell(PartialResult(task.number, value)))
        try:
            return TaskFinished(task.number, task.run(context))
        except BaseException as error:  # whatever it is, the thread lives on and the user hears of it
            return TaskFailed(task.number, error)
