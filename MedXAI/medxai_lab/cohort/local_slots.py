"""Workers on this machine, each a process of its own, so that a crash of one costs one case."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any


class LocalSlot:
    """A process that is started with the first task, afresh (spawned: a forked child would wait for ever for torch's threads)."""

    def __init__(self) -> None:
        self._executor: ProcessPoolExecutor | None = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
            self._pid = self._executor.submit(os.getpid)
        try:
            return self._executor.submit(function, *arguments)
        except BrokenProcessPool as error:  # it ended while idle
            failed: Future = Future()
            failed.set_exception(error)
            return failed

    def has_died(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)

    def renew(self) -> None:
        self._executor = None

    def stop(self) -> None:
        if self._executor is None:
            return
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._pid.done() and not self._pid.cancelled() and self._pid.exception() is None:
            for child in multiprocessing.active_children():
                if child.pid == self._pid.result():
                    child.kill()


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def local_slots(count: int) -> Iterator[tuple[LocalSlot, ...]]:
    """So many processes, ended with the block."""
    slots = tuple(LocalSlot() for _ in range(count))
    try:
        yield slots
    finally:
        for slot in slots:
            slot.stop()


def _begin() -> None:
    """In the new process: leaves Ctrl-C to the parent, and ends when the parent does, even if that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
