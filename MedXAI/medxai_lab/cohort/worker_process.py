"""What a worker's process is set to before its first case."""

import ctypes
import sys

#: glibc's names for its settings, from malloc.h, and the values that it comes to by itself where nobody sets them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MOST_KEPT_BYTES, _LARGEST_KEPT_PIECE_BYTES = 64 << 20, 32 << 20


def limit_threads(threads: int) -> None:
    """As many as the settings say, whatever the worker has: sums in another order have other last digits."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)


def keep_freed_memory() -> None:
    """Has glibc keep freed memory for the next tensor; elsewhere nothing happens.

    A Dask worker is started with MALLOC_TRIM_THRESHOLD_ at 64 kB, which has every tensor mapped and unmapped by the
    kernel: 2.6 instead of 0.3 s of its time in 16 s of cases, and cases 15 % slower.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_PIECE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT_BYTES)
