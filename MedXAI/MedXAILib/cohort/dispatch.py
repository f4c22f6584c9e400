"""Who does what: a worker keeps to one scan while it can, so that a volume is read once and a slice encoded once."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from itertools import groupby

from .case_choice import ChosenCase
from .outcome import CaseOutcome, ScanOutcome
from .scan import Scan
from .settings import CohortSettings
from .slots import Slot
from .tasks import choose_on_scan, evaluate_on_slice

_DIED = "The worker's process ended while it worked on this (usually for want of memory); use fewer workers or a smaller model."


@dataclass
class ScanWork:
    """What is left of a scan. cases: those that were chosen; None where that is still to be done."""

    scan: Scan
    partner: Scan | None
    cases: tuple[ChosenCase, ...] | None
    finished: frozenset[str]
    slices: deque[tuple[ChosenCase, ...]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        if self.cases is not None:
            self.spread(self.cases)

    def spread(self, cases: tuple[ChosenCase, ...]) -> None:
        """The cases that are not finished, slice by slice."""
        self.cases = cases
        left = [case for case in cases if case.case_id not in self.finished]
        self.slices.extend(tuple(group) for _, group in groupby(left, key=lambda case: case.index))


@dataclass
class Dispatch:
    """Shares the work out among slots. on_scan, on_case: told of every outcome in this process, as it comes."""

    settings: CohortSettings
    slots: Sequence[Slot]
    work: Sequence[ScanWork]
    on_scan: Callable[[ScanOutcome], None]
    on_case: Callable[[CaseOutcome], None]

    def run(self) -> None:
        """Until all is done. Raises what stops every case alike: a model that a worker cannot load, Ctrl-C."""
        self._fresh = deque(work for work in self.work if work.cases is None or work.slices)
        self._own: dict[int, ScanWork] = {}
        self._running: dict[Future, tuple[int, ScanWork, tuple[ChosenCase, ...] | None]] = {}
        self._start_idle()
        while self._running:
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._finish(future, *self._running.pop(future))
            self._start_idle()

    def _start_idle(self) -> None:
        busy = {slot for slot, _, _ in self._running.values()}
        for number, slot in enumerate(self.slots):
            if number not in busy and (work := self._next(number)):
                self._own[number] = work
                self._start(number, slot, work)

    def _start(self, number: int, slot: Slot, work: ScanWork) -> None:
        if work.cases is None:
            future, cases = slot.submit(choose_on_scan, self.settings, work.scan), None
        else:
            cases = work.slices.popleft()
            future = slot.submit(evaluate_on_slice, self.settings, work.scan, work.partner, cases)
        self._running[future] = number, work, cases

    def _next(self, number: int) -> ScanWork | None:
        """The slot's own scan, else one that nobody has begun, else a part of the one with most left."""
        own = self._own.get(number)
        if own and own.slices:
            return own
        if self._fresh:
            return self._fresh.popleft()
        most = max(self.work, key=lambda work: len(work.slices), default=None)
        return most if most and most.slices else None

    def _finish(self, future: Future, number: int, work: ScanWork, cases: tuple[ChosenCase, ...] | None) -> None:
        error = future.exception()
        if error is not None:
            if not self.slots[number].has_died(error):
                raise error
            self.slots[number].renew()
            self._after_death(work, cases)
        elif cases is None:
            outcome = future.result()
            work.spread(outcome.cases)
            self.on_scan(outcome)
        else:
            for outcome in future.result():
                self.on_case(outcome)

    def _after_death(self, work: ScanWork, cases: tuple[ChosenCase, ...] | None) -> None:
        """Of several cases each is tried again alone: only one of them need be at fault."""
        if cases is None:
            work.spread(())
            self.on_scan(ScanOutcome(work.scan.name, failure=_DIED))
        elif len(cases) > 1:
            work.slices.extend((case,) for case in cases)
        else:
            self.on_case(CaseOutcome(work.scan.name, work.scan.patient, cases[0], _DIED))
