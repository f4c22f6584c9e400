"""A cohort from its scans to its tables; where it was stopped, it goes on."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from ..datasets.scan import Scan
from .cases import CaseOutcome, ScanOutcome
from .dispatch import Dispatch, ScanWork
from .settings import CohortSettings
from .slots import Slot
from .store import CohortStore
from .summary import Failure
from .tables import write_tables
from .wording import counted

#: Between two lines of progress, in seconds.
_EVERY_S = 5.0


@dataclass
class Progress:
    """Plain lines on how far the work is, now and then.

    Attributes:
        scans: how many have unfinished work.
        stream: where the lines go.
        opened: of how many scans the cases are known.
        failed_scans: how many could not be opened.
        expected: how many cases those scans have.
        done: how many cases are done or failed.
        failed: how many of these failed.
        began_s: time of the first line.
        said_s: time of the last line.
    """

    scans: int
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    opened: int = 0
    failed_scans: int = 0
    expected: int = 0
    done: int = 0
    failed: int = 0
    began_s: float = field(default_factory=time.monotonic)
    said_s: float = 0.0

    def opened_scan(self, cases: int, failed: bool = False) -> None:
        """A scan's cases are known, or it cannot be read."""
        self.opened += 1
        self.failed_scans += failed
        self.expected += cases
        self._say_now_and_then(self.opened == self.scans)

    def finished(self, failed: bool) -> None:
        """A case is done, or has failed."""
        self.done += 1
        self.failed += failed
        self._say_now_and_then(self.opened == self.scans and self.done == self.expected)

    def say(self) -> None:
        """Writes a line."""
        self.said_s = time.monotonic()
        print(self._line(self.said_s - self.began_s), file=self.stream, flush=True)

    def _say_now_and_then(self, must: bool) -> None:
        if must or time.monotonic() - self.said_s >= _EVERY_S:
            self.say()

    def _line(self, gone_s: float) -> str:
        if self.opened < self.scans:
            scans = f"{self.opened} of {counted(self.scans, 'scan')}"
            return f"{scans} opened, {counted(self.expected, 'case')} so far; {_clock(gone_s)} gone"
        scans = f" ({self.failed_scans} of {counted(self.scans, 'scan')} failed)" if self.failed_scans else ""
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.done} of {counted(self.expected, 'case')}{scans}{failed}; {_clock(gone_s)} gone{self._left(gone_s)}"
        )

    def _left(self, gone_s: float) -> str:
        if self.done == self.expected:
            return ""
        if not self.done:
            return ", the time left is not known yet"
        return f", about {_clock(gone_s / self.done * (self.expected - self.done))} left"


@dataclass
class _Book:
    """Writes down what the workers report."""

    store: CohortStore
    scans: dict[str, Scan]
    progress: Progress
    finished: dict[str, frozenset[str]]
    failures: list[Failure] = field(default_factory=list)

    def on_scan(self, outcome: ScanOutcome) -> None:
        if outcome.failure:
            self.failures.append(Failure(outcome.scan, "", "", outcome.failure))
        else:
            self.store.keep_chosen(self.scans[outcome.scan], outcome.cases)
        new = sum(case.case_id not in self.finished[outcome.scan] for case in outcome.cases)
        self.progress.opened_scan(new, bool(outcome.failure))

    def on_case(self, outcome: CaseOutcome) -> None:
        if outcome.failure:
            self.failures.append(Failure(outcome.scan, outcome.case.case_id, "", outcome.failure))
        else:
            self.store.keep(outcome)
        self.progress.finished(bool(outcome.failure))


def run_cohort(scans: Sequence[Scan], settings: CohortSettings, folder: Path, slots: Sequence[Slot]) -> None:
    """Evaluates every case of the scans and writes the tables (see `tables`).

    Finished cases are not done again, failed ones are tried again.

    Args:
        scans: of the data set.
        settings: what is evaluated, and how.
        folder: takes the tables, and what is finished in between.
        slots: the workers.

    Raises:
        InputError: Where the folder was begun with other settings.
        OutputError: Where it cannot be written.
        ModelError: Where a worker lacks the model.
    """
    store = CohortStore(folder, settings)
    store.open()
    work = [_work(store, scan, partner_of(scan, scans)) for scan in scans]
    unfinished = [one for one in work if one.cases is None or one.slices]
    progress = Progress(len(unfinished))
    for one in unfinished:
        if one.cases is not None:
            progress.opened_scan(sum(map(len, one.slices)))
    book = _Book(store, {scan.name: scan for scan in scans}, progress, {one.scan.name: one.finished for one in work})
    Dispatch(settings, slots, work, book.on_scan, book.on_case, progress.say).run()
    write_tables(store, scans, book.failures)


def partner_of(scan: Scan, scans: Sequence[Scan]) -> Scan | None:
    """The next scan in the data set of another patient; after the last comes the first. None where there is none."""
    place = next(n for n, one in enumerate(scans) if one.name == scan.name)
    return next((one for one in (*scans[place:], *scans[:place]) if one.patient != scan.patient), None)


def _work(store: CohortStore, scan: Scan, partner: Scan | None) -> ScanWork:
    cases = store.chosen(scan)
    finished = frozenset(case.case_id for case in cases or () if store.kept(scan, case) is not None)
    return ScanWork(scan, partner, cases, finished)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
