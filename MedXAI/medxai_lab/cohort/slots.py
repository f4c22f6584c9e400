"""Slots: a slot is one worker that does one task at a time. The work is the same whoever runs it.

`local_slots` are processes of this machine, so that a crash of one costs one case. `dask_slots` are workers of a Dask
cluster; MedXAI, the data set and the model's file must be where the workers run, under the same paths.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from medxai.errors import InputError

#: So long the scheduler of a cluster may take to answer, in seconds.
_PATIENCE_S = 15


class Slot(Protocol):
    """One worker."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """Begins a task; its exceptions come through the future."""
        ...

    def has_died(self, error: BaseException) -> bool:
        """Whether an exception of a task means that its worker ended, rather than that the task failed."""
        ...

    def renew(self) -> None:
        """Makes the slot usable again after its worker ended."""
        ...

    def stop(self) -> None:
        """Ends the worker, at once where it is still busy."""
        ...


class LocalSlot:
    """A process that is started with the first task, spawned (a forked child would wait without end for torch's threads)."""

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
    """So many processes; they end with the block."""
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


class DaskSlot:
    """One worker of the cluster: its tasks stay with it, for the sake of the scan and the model that it holds, unless it ends."""

    def __init__(self, client: Any, address: str):
        self._executor = client.get_executor(workers=[address], allow_other_workers=True, pure=False)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        return self._executor.submit(function, *arguments)

    def has_died(self, error: BaseException) -> bool:
        from distributed import KilledWorker  # here: a worker of this machine would take a second to import it

        return isinstance(error, KilledWorker)

    def renew(self) -> None:
        """Nothing to do: the scheduler gives the slot's next task to another worker."""

    def stop(self) -> None:
        self._executor.shutdown(wait=False)


@contextmanager
def dask_slots(address: str) -> Iterator[tuple[DaskSlot, ...]]:
    """A slot for each worker that the cluster has now.

    Args:
        address: of the scheduler, for example tcp://host:8786.

    Raises:
        InputError: Where there is no scheduler, no worker, or no package distributed.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "A cluster needs the package distributed; install it with: pip install 'medxai[lab]'."
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"No Dask scheduler answers at '{address}'; start one with 'dask scheduler', or leave --scheduler out."
        ) from error
    try:
        addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
        if not addresses:
            raise InputError(
                f"The Dask scheduler at '{address}' has no workers; start some with 'dask worker {address}'."
            )
        slots = tuple(DaskSlot(client, worker) for worker in addresses)
        try:
            yield slots
        finally:
            for slot in slots:
                slot.stop()
    finally:
        client.close()
