"""What is sent to a worker, be it a process of this machine or one of a cluster: plain functions of plain values."""

from functools import lru_cache

from ..datasets.scan import Scan
from .case_choice import ChosenCase
from .case_runner import Workbench, make_workbench
from .outcome import CaseOutcome, ScanOutcome
from .settings import CohortSettings
from .worker_process import keep_freed_memory, limit_threads


def choose_on_scan(settings: CohortSettings, scan: Scan) -> ScanOutcome:
    """The cases of a scan. Raises ModelError where this worker cannot work at all."""
    return _workbench(settings).choose(scan)


def evaluate_case_of(settings: CohortSettings, scan: Scan, partner: Scan | None, case: ChosenCase) -> CaseOutcome:
    """One case. Raises ModelError where this worker cannot work at all."""
    return _workbench(settings).evaluate(scan, partner, case)


@lru_cache(maxsize=1)
def _workbench(settings: CohortSettings) -> Workbench:
    """Made once in a worker's process: loading a model takes as long as many cases."""
    limit_threads(settings.threads)
    keep_freed_memory()
    return make_workbench(settings)
