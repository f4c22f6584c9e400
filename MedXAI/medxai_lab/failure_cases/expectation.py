"""How an expected verdict is written down: what an honest map must show, and whether MedXAI is expected to show it."""

from dataclasses import dataclass
from enum import StrEnum


class Relation(StrEnum):
    """How a figure is compared with its threshold."""

    AT_LEAST = "at least"
    AT_MOST = "at most"

    def holds(self, value: float, threshold: float) -> bool:
        return value >= threshold if self is Relation.AT_LEAST else value <= threshold


@dataclass(frozen=True)
class Demand:
    """One figure that decides.

    figure: its name among the figures that the case measures. says: what the demand means, in words.
    expected_met: whether MedXAI's definitions are expected to meet it; False is a limit known beforehand.
    because: why so, from the definitions.
    """

    figure: str
    says: str
    relation: Relation
    threshold: float
    expected_met: bool
    because: str


@dataclass(frozen=True)
class Expectation:
    """What was written down of one planted case before it was built.

    question: what a sceptical reader asks. planted: what is in the image or the model. honest_map: what a map that tells
    the truth must show. definitions: (map, what MedXAI's definitions should give there), in reading order.
    """

    case: str
    title: str
    question: str
    planted: str
    honest_map: str
    definitions: tuple[tuple[str, str], ...]
    demands: tuple[Demand, ...]
