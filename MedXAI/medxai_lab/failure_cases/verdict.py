"""From an expectation and the measured metrics to a verdict in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from .expectation import Demand, Expectation
from .found import FOUND


@dataclass(frozen=True)
class Measured:
    """One demand beside what was measured.

    Attributes:
        demand: the demand.
        value: None where it could not be measured.
        met: whether the demand holds.
        recorded: why it came out otherwise than expected, as `found.py` records it; '' where it is as expected, or unknown.
    """

    demand: Demand
    value: float | None
    met: bool | None
    recorded: str

    @property
    def as_expected(self) -> bool:
        return self.met is None or self.met is self.demand.expected_met

    @property
    def as_known(self) -> bool:
        """Whether it is as expected, or differs with a recorded reason; and no reason is recorded without need."""
        return self.met is None or self.as_expected == (not self.recorded)


@dataclass(frozen=True)
class CaseVerdict:
    """What came of one failure case.

    Attributes:
        case: its name.
        expectation: what was written down beforehand.
        measured: every demand beside its value.
        as_expected: whether every metric came out as written down beforehand.
        as_known: whether every metric came out so, or as recorded since.
        sentence: in plain words.
        aside: see `CaseRun`.
    """

    case: str
    expectation: Expectation
    measured: tuple[Measured, ...]
    as_expected: bool
    as_known: bool
    sentence: str
    aside: Mapping[str, float]

    def value(self, metric: str) -> float | None:
        """The measured value of a metric by its name."""
        return next(one.value for one in self.measured if one.demand.metric == metric)


def judged(
    expectation: Expectation, metrics: Mapping[str, float], aside: Mapping[str, float] | None = None
) -> CaseVerdict:
    """Compares an expectation with what was measured.

    Args:
        expectation: of the case.
        metrics: value by name; one that could not be measured is absent.
        aside: metrics that nothing was expected of, and that nothing is judged by.

    Raises:
        KeyError: Where a metric was measured that nothing was expected of: it would have been chosen afterwards.
    """
    unexpected = set(metrics) - {demand.metric for demand in expectation.demands}
    if unexpected:
        raise KeyError(f"nothing was expected of {sorted(unexpected)} in the case '{expectation.case}'")
    measured = tuple(_measured(expectation.case, demand, metrics.get(demand.metric)) for demand in expectation.demands)
    return CaseVerdict(
        expectation.case,
        expectation,
        measured,
        all(one.as_expected for one in measured),
        all(one.as_known for one in measured),
        _sentence(measured),
        dict(aside or {}),
    )


def _measured(case: str, demand: Demand, value: float | None) -> Measured:
    met = None if value is None else bool(demand.relation.holds(value, demand.threshold))
    return Measured(demand, None if value is None else float(value), met, FOUND.get((case, demand.metric), ""))


def _sentence(measured: tuple[Measured, ...]) -> str:
    taken = [one for one in measured if one.met is not None]
    other = [one for one in taken if not one.as_expected]
    met = sum(one.met for one in taken)
    said = f"{met} of {len(taken)} demands on an honest map are met; {len(taken) - len(other)} came out as expected beforehand"
    if other:
        said += ", otherwise: " + "; ".join(
            f"{one.demand.metric} ({one.value:.2f}, {'met' if one.met else 'not met'})" for one in other
        )
    missing = len(measured) - len(taken)
    return said + (f"; {missing} could not be measured." if missing else ".")
