"""Who does what: a worker keeps to one scan while it can, so that a slice is encoded once and a volume is seldom read again.

Cases are chosen on all scans before the first one is evaluated. So a scan that cannot be read is found at the beginning,
and how many cases there are is known then.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import groupby

from ..datasets.scan import Scan
from .cases import CaseOutcome, ChosenCase, ScanOutcome
from .settings import CohortSettings
from .slots import Slot
from .worker import choose_on_scan, evaluate_case_of

_DIED = "The worker's process ended while it worked on this (usually for want of memory); use fewer workers or a smaller model."

#: Between two lines of progress while nothing is finished, in seconds.
_WAIT_S = 30.0


@dataclass(eq=False)
class ScanWork:
    """What is left of a scan.

    Attributes:
        scan: the scan.
        partner: a scan of another patient, for the sanity checks.
        cases: those that were chosen; None where that is still to be done.
        finished: their ids.
        slices: the cases that are left, slice by slice.
    """

    scan: Scan
    partner: Scan | None
    cases: tuple[ChosenCase, ...] | None
    finished: frozenset[str]
    slices: deque[tuple[ChosenCase, ...]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        if self.cases is not None:
            self.spread(self.cases)

    def spread(self, cases: tuple[ChosenCase, ...]) -> None:
        """Takes the cases that are not finished, slice by slice."""
        self.cases = cases
        left = [case for case in cases if case.case_id not in self.finished]
        self.slices.extend(tuple(group) for _, group in groupby(left, key=lambda case: case.index))


@dataclass
class Dispatch:
    """Shares the work out among slots, case by case.

    Attributes:
        settings: of the cohort.
        slots: the workers.
        work: of every scan.
        on_scan: is told in this process of the cases of every scan, as they come.
        on_case: is told of every case, as it comes.
        on_wait: is called now and then while nothing comes.
    """

    settings: CohortSettings
    slots: Sequence[Slot]
    work: Sequence[ScanWork]
    on_scan: Callable[[ScanOutcome], None]
    on_case: Callable[[CaseOutcome], None]
    on_wait: Callable[[], None] = lambda: None
    _unopened: deque[ScanWork] = field(init=False)
    _untouched: deque[ScanWork] = field(init=False)
    _at: dict[int, tuple[ScanWork, deque[ChosenCase]]] = field(init=False, default_factory=dict)
    _running: dict[Future, tuple[int, ScanWork, ChosenCase | None]] = field(init=False, default_factory=dict)

    def run(self) -> None:
        """Works until all is done. Raises what stops every case alike: a model that a worker cannot load, Ctrl-C."""
        self._unopened = deque(work for work in self.work if work.cases is None)
        self._untouched = deque(work for work in self.work if work.cases is None or work.slices)
        self._start_idle()
        while self._running:
            done, _ = wait(self._running, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(future, *self._running.pop(future))
            if not done:
                self.on_wait()

    def _start_idle(self) -> None:
        busy = {slot for slot, _, _ in self._running.values()}
        for number, slot in enumerate(self.slots):
            if number not in busy and (task := self._next(number)):
                work, case = task
                if case is None:
                    future = slot.submit(choose_on_scan, self.settings, work.scan)
                else:
                    future = slot.submit(evaluate_case_of, self.settings, work.scan, work.partner, case)
                self._running[future] = number, work, case

    def _next(self, number: int) -> tuple[ScanWork, ChosenCase | None] | None:
        """A scan whose cases must be chosen, and then None for a case; else the slot's next case."""
        if self._unopened:
            self._at[number] = self._unopened.popleft(), deque()
            return self._at[number][0], None
        work, left = self._at.get(number, (None, deque()))
        if not left:
            work = work if work and work.slices else self._other_scan()
            if work is None:
                return None
            if work in self._untouched:
                self._untouched.remove(work)
            left = deque(work.slices.popleft())
            self._at[number] = work, left
        return work, left.popleft()

    def _other_scan(self) -> ScanWork | None:
        """A scan that no worker has begun, else the one with most slices left."""
        while self._untouched:
            work = self._untouched[0]
            if work.slices:
                return work
            if work.cases is None:  # it is being opened; its cases come later
                break
            self._untouched.popleft()
        most = max(self.work, key=lambda work: len(work.slices), default=None)
        return most if most and most.slices else None

    def _finish(self, future: Future, number: int, work: ScanWork, case: ChosenCase | None) -> None:
        error = future.exception()
        if error is not None and not self.slots[number].has_died(error):
            raise error
        if error is not None:
            self.slots[number].renew()
        if case is None:
            outcome = future.result() if error is None else ScanOutcome(work.scan.name, failure=_DIED)
            work.spread(outcome.cases)
        else:
            outcome = future.result() if error is None else CaseOutcome(work.scan.name, work.scan.patient, case, _DIED)
        self._start_idle()  # before the outcome is written down, so that no worker waits for the disk
        (self.on_scan if case is None else self.on_case)(outcome)
