"""What runs in a worker, be it a process of this machine or one of a cluster: plain functions of plain values."""

import ctypes
import sys
from functools import lru_cache

import torch
from threadpoolctl import threadpool_limits

from ..datasets.scan import Scan
from .case_runner import CaseRunner, make_case_runner
from .cases import CaseOutcome, ChosenCase, ScanOutcome
from .settings import CohortSettings

#: glibc's names for its settings, from malloc.h, and the values that it chooses by itself where none are set.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MOST_KEPT_BYTES, _LARGEST_KEPT_PIECE_BYTES = 64 << 20, 32 << 20


def choose_on_scan(settings: CohortSettings, scan: Scan) -> ScanOutcome:
    """Chooses the cases of a scan.

    Raises:
        ModelError: Where this worker cannot work at all.
    """
    return _case_runner(settings).choose(scan)


def evaluate_case_of(settings: CohortSettings, scan: Scan, partner: Scan | None, case: ChosenCase) -> CaseOutcome:
    """Evaluates one case.

    Raises:
        ModelError: Where this worker cannot work at all.
    """
    return _case_runner(settings).evaluate(scan, partner, case)


@lru_cache(maxsize=1)
def _case_runner(settings: CohortSettings) -> CaseRunner:
    """Made once in a worker's process: to load a model takes as long as many cases."""
    limit_threads(settings.threads)
    keep_freed_memory()
    return make_case_runner(settings)


def limit_threads(threads: int) -> None:
    """Sets as many threads as the settings say, whatever the worker has: sums in another order have other last digits."""
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def keep_freed_memory() -> None:
    """Lets glibc keep freed memory for the next tensor; elsewhere nothing happens.

    A Dask worker is started with the setting MALLOC_TRIM_THRESHOLD_ at 64 kB. With it, every tensor is mapped and
    unmapped by the kernel, which takes 2.6 instead of 0.3 s of its time in 16 s of cases, and makes cases 15 % slower.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_PIECE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT_BYTES)
