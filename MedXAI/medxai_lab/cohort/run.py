"""A cohort from its scans to its tables; broken off anywhere, it goes on where it was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..datasets.scan import Scan
from .dispatch import Dispatch, ScanWork
from .outcome import CaseOutcome, ScanOutcome
from .progress import Progress
from .settings import CohortSettings
from .slots import Slot
from .store import CohortStore
from .summary import Failure
from .tables import write_tables


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
        self.progress.opened_scan(sum(case.case_id not in self.finished[outcome.scan] for case in outcome.cases))

    def on_case(self, outcome: CaseOutcome) -> None:
        if outcome.failure:
            self.failures.append(Failure(outcome.scan, outcome.case.case_id, "", outcome.failure))
        else:
            self.store.keep(outcome)
        self.progress.finished(bool(outcome.failure))


def run_cohort(scans: Sequence[Scan], settings: CohortSettings, folder: Path, slots: Sequence[Slot]) -> None:
    """Evaluates every case of the scans and writes the tables (see `tables`) into the folder; finished cases are not redone,
    failed ones are tried again.

    Raises InputError where the folder was begun with other settings or nothing could be done at all, OutputError where it
    cannot be written, ModelError where a worker lacks the model.
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
    """The next scan in the data set of another patient, the last being followed by the first; None where there is none."""
    place = next(n for n, one in enumerate(scans) if one.name == scan.name)
    return next((one for one in (*scans[place:], *scans[:place]) if one.patient != scan.patient), None)


def _work(store: CohortStore, scan: Scan, partner: Scan | None) -> ScanWork:
    cases = store.chosen(scan)
    finished = frozenset(case.case_id for case in cases or () if store.kept(scan, case) is not None)
    return ScanWork(scan, partner, cases, finished)
