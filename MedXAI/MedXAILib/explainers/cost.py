"""What an explanation costs: seconds, and the most memory that the process held meanwhile."""

import importlib.util
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from .interface import Case, CaseExplainer, SaliencyMap

_STATUS = Path("/proc/self/statm")
_EVERY_S = 0.005


class TimedExplanation(NamedTuple):
    """seconds: by the clock. peak_mb: the process's highest resident memory during the call, in 10⁶ bytes, with everything
    that it held before (model, libraries, other cases), so that only differences between explainers mean something."""

    maps: tuple[SaliencyMap, ...]
    seconds: float
    peak_mb: float


def timed_explain(explainer: CaseExplainer, case: Case) -> TimedExplanation:
    """Explains a case and says what it cost. Raises what the explainer raises."""
    with PeakMemory() as memory:
        start = time.perf_counter()
        maps = explainer.explain(case)
        seconds = time.perf_counter() - start
    return TimedExplanation(maps, seconds, memory.peak_mb)


class PeakMemory:
    """Context that samples the process's resident memory in a thread of its own, 200 times a second.

    Not `tracemalloc`, which does not see torch's memory, and not the system's own peak, which never falls again: the
    second explainer would be charged with the first one's. Torch works without Python's lock, so the thread gets its turn.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._end.wait(_EVERY_S):
            self._sample()

    def _sample(self) -> None:
        self.peak_mb = max(self.peak_mb, resident_mb())


def resident_mb() -> float:
    """The process's resident memory now, in 10⁶ bytes.

    From Linux itself, else through psutil (which comes with `medxai[evaluate]`); where neither is there, the most it ever
    held, or 0 on a Windows without psutil.
    """
    if _STATUS.exists():
        import resource

        return int(_STATUS.read_text().split()[1]) * resource.getpagesize() / 1e6
    if importlib.util.find_spec("psutil"):
        import psutil

        return psutil.Process().memory_info().rss / 1e6
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
