"""How an expected verdict is written down: what an honest map must show, and whether MedXAI is expected to show it."""

from dataclasses import dataclass
from enum import StrEnum


class Relation(StrEnum):
    """How a metric is compared with its threshold."""

    AT_LEAST = "at least"
    AT_MOST = "at most"

    def holds(self, value: float, threshold: float) -> bool:
        return value >= threshold if self is Relation.AT_LEAST else value <= threshold


@dataclass(frozen=True)
class Demand:
    """One metric that decides.

    Attributes:
        metric: its name among the metrics that the case measures.
        says: what the demand means, in words.
        relation: how it is compared with the threshold.
        threshold: which an honest map keeps to.
        expected_met: whether MedXAI's definitions are expected to meet it; False is a limit known beforehand.
        because: why so, from the definitions.
    """

    metric: str
    says: str
    relation: Relation
    threshold: float
    expected_met: bool
    because: str


@dataclass(frozen=True)
class Expectation:
    """What was written down of one failure case before it was built.

    Attributes:
        case: its name.
        title: for the page.
        question: what a sceptical reader asks.
        setup: what is in the image or in the model.
        honest_map: what a map that tells the truth must show.
        definitions: (map, what MedXAI's definitions should give there), in reading order.
        demands: the metrics that decide.
    """

    case: str
    title: str
    question: str
    setup: str
    honest_map: str
    definitions: tuple[tuple[str, str], ...]
    demands: tuple[Demand, ...]
