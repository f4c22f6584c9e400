"""How much is measured for a case's report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..evaluation.case_evidence import CaseEvidence, Progress, evaluate_case
from ..evaluation.evaluation_plan import FULL, QUICK
from ..explainers import catalogue
from ..explainers.interface import Case, Kind, SaliencyMap
from ..pipeline import SliceExplanation

#: Nulls that need no pass of any model.
_CHEAP_NULLS = ("intensity", "centre-gaussian", "box-plateau", "box", "uniform")


@dataclass(frozen=True)
class _AlreadyMade:
    """Another method's map that the result holds, as in the panel."""

    name: str
    kind: Kind = Kind.PEER

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        return (SaliencyMap(self.name, "", "", case.result.comparisons[self.name]),)


def case_of(result: SliceExplanation) -> Case:
    """A result on its own, without a reference mask."""
    image = result.prepared.image
    return Case(f"{image.volume_name} {image.plane} {image.index}", image.volume_name, "", result)


def quick_evidence(result: SliceExplanation) -> CaseEvidence:
    """MedXAI's maps, the cheap nulls and the other methods' maps that there are already: no further pass of a model."""
    made = tuple(_AlreadyMade(name) for name in result.comparisons)
    return evaluate_case(case_of(result), (*catalogue.make(("medxai", *_CHEAP_NULLS)), *made), QUICK)


def full_evidence(
    case: Case,
    other_cases: Sequence[Case] = (),
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> CaseEvidence:
    """Every null and every installed peer, and every measurement: seconds with a small model, minutes with a large one.

    other_cases: another organ on the slice and another patient, for the sanity checks. Raises Cancelled.
    """
    installed = [name for name, reason in catalogue.installed().items() if not reason]
    return evaluate_case(case, catalogue.make(installed, is_cancelled), FULL, other_cases, progress, is_cancelled)
