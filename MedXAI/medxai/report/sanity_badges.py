"""Sanity checks as badges: a word, a sign and a colour, so that none of them stands alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ..metrics.sanity_verdict import SanityVerdict


class State(StrEnum):
    """What a badge says."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Badge:
    """One check over all maps that it was made on.

    Attributes:
        check: Its name.
        question: What it asks.
        state: Passed, failed or not run.
        summary: How many maps passed.
        sentences: The findings of the maps that failed.
    """

    check: str
    question: str
    state: State
    summary: str
    sentences: tuple[str, ...]


_QUESTIONS = {
    "random weights": "Do the maps fall apart when the network's weights are replaced by random ones?",
    "another box": "Do the maps change when another organ is boxed?",
    "another patient": "Do the maps change when it is another patient?",
}


def badges_of(verdicts: Iterable[SanityVerdict]) -> tuple[Badge, ...]:
    """One badge a check, known checks first; red as soon as one map failed."""
    by_check: dict[str, list[SanityVerdict]] = {check: [] for check in _QUESTIONS}
    for verdict in verdicts:
        by_check.setdefault(verdict.check, []).append(verdict)
    return tuple(_badge(check, found) for check, found in by_check.items())


def _badge(check: str, found: list[SanityVerdict]) -> Badge:
    failed = [verdict for verdict in found if not verdict.passed]
    state = State.NOT_RUN if not found else State.FAILED if failed else State.PASSED
    summary = ""
    if found:
        highest = max(found, key=lambda verdict: verdict.measured)
        summary = (
            f"{len(found) - len(failed)} of {len(found)} maps pass; highest rank correlation with the map as it was {highest.measured:.2f}, "
            f"where below {highest.limit:.2f} is asked for"
        ).replace("-0.", "−0.")
    return Badge(check, _QUESTIONS.get(check, ""), state, summary, tuple(verdict.sentence for verdict in failed))
