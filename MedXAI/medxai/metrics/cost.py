"""What an explainer costs on a case: seconds from the drawn box to its maps, and the memory that it took meanwhile."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from ..explainers.base import Case, Explainer
from ..maps import MapId, Role
from ..progress import RunControl
from ..results import SaliencyMap
from .metric_row import MetricRow, metric_rows

FAMILY = "cost"

#: Between two looks at the process's memory; a look takes 20 µs.
_LOOK_EVERY_S = 0.005


@dataclass(frozen=True)
class MeasuredMaps:
    """An explainer's maps of a case, and what they cost.

    Attributes:
        maps: The maps.
        seconds: Of the call alone.
        peak_mb: The most resident memory during the call, less what it was before, in 10⁶ bytes; None without the
            package
            psutil.
    """

    maps: tuple[SaliencyMap, ...]
    seconds: float
    peak_mb: float | None


def measured(explainer: Explainer, case: Case, control: RunControl = RunControl()) -> MeasuredMaps:
    """Asks an explainer and measures what it costs.

    Args:
        explainer: Whose maps.
        case: Of which case.
        control: Given to the explainer.

    Raises:
        Exception: What the explainer raises.
    """
    with PeakMemory() as memory:
        start = time.perf_counter()
        maps = tuple(explainer.explain(case, control))
        seconds = time.perf_counter() - start
    return MeasuredMaps(maps, seconds, memory.added_mb)


def cost_rows(
    case: Case, explainer: Explainer, first: MeasuredMaps, next_box: tuple[Case, MeasuredMaps] | None
) -> tuple[MetricRow, ...]:
    """The rows seconds_first_box, seconds_next_box and peak_mb of an explainer.

    The first box on a slice pays for the encoding and the mask as well, the next one for its mask only: every explainer
    of a mask needs both. A baseline that keeps what it made of the slice is quicker for the next box.

    Args:
        case: The case with the first box.
        explainer: Whose cost.
        first: What was measured on the first box.
        next_box: Another box on the same slice and what was measured there; None where that was not asked for.
    """
    metrics = {
        "seconds_first_box": case.result.encoding.seconds + _answering_s(case, explainer.role) + first.seconds,
        "peak_mb": first.peak_mb,
    }
    if next_box is not None:
        other, found = next_box
        metrics["seconds_next_box"] = _answering_s(other, explainer.role) + found.seconds
    return metric_rows(case, MapId(explainer.key), explainer.role, FAMILY, metrics)


def _answering_s(case: Case, role: Role) -> float:
    """The mask, and for MedXAI's own maps, which the case holds already, the time that they took."""
    result = case.result
    return result.segmentation.seconds + (result.explanation.seconds if role is Role.METHOD else 0.0)


class PeakMemory:
    """Context that watches the process's resident memory from a thread; other threads' memory is counted too.

    What torch keeps from an earlier call and uses again adds nothing, so the first case of a process shows the most.
    """

    def __init__(self) -> None:
        self._memory = _resident_memory()
        self._ended = threading.Event()
        self.added_mb: float | None = None

    def __enter__(self) -> "PeakMemory":
        if self._memory is not None:
            self._before = self._peak = self._memory()
            self._watch = threading.Thread(target=self._look, args=(self._memory,), daemon=True)
            self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._memory is None:
            return
        self._ended.set()
        self._watch.join()
        self._peak = max(self._peak, self._memory())
        self.added_mb = (self._peak - self._before) / 1e6

    def _look(self, memory: Callable[[], int]) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            self._peak = max(self._peak, memory())


def _resident_memory() -> Callable[[], int] | None:
    """Tells the process's resident memory in bytes; None where the package psutil is missing."""
    try:
        import psutil
    except ImportError:
        return None
    process = psutil.Process()
    return lambda: int(process.memory_info().rss)
