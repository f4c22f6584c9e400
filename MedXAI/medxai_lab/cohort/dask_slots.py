"""Workers of a Dask cluster. MedXAI, the data set and the model's file must be where the workers run, under the same paths."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from medxai.errors import InputError

#: So long the scheduler may take to answer, in seconds.
_PATIENCE_S = 15


class DaskSlot:
    """One worker of the cluster: its tasks stay with it, for the sake of the scan and the model that it holds, unless it ends."""

    def __init__(self, client: Any, address: str):
        self._executor = client.get_executor(workers=[address], allow_other_workers=True, pure=False)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        return self._executor.submit(function, *arguments)

    def has_died(self, error: BaseException) -> bool:
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)

    def renew(self) -> None:
        """Nothing to do: the scheduler gives the slot's next task to another worker."""

    def stop(self) -> None:
        self._executor.shutdown(wait=False)


@contextmanager
def dask_slots(address: str) -> Iterator[tuple[DaskSlot, ...]]:
    """A slot for each worker that the cluster has now. Raises InputError where there is no scheduler, or no worker."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "A cluster needs the package distributed; install it with 'pip install \"dask[distributed]\"'."
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
