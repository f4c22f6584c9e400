"""How much is measured for a case's report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine import SliceExplanation
from ..explainers import registry as catalogue
from ..explainers.base import Case, Kind, SaliencyMap
from ..metrics.case_evidence import CaseEvidence, Progress, evaluate_case
from ..metrics.plan import FULL, QUICK

#: Nulls that need no pass of any model.
_CHEAP_NULLS = ("intensity", "centre-gaussian", "box-plateau", "box", "uniform")


@dataclass(frozen=True)
class _AlreadyMade:
    """Another method's map that the result holds, as in the panel."""

    name: str
    kind: Kind = Kind.PEER

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        return (SaliencyMap(self.name, "", "", case.result.comparisons[self.name]),)


def quick_evidence(result: SliceExplanation, reference_mask: np.ndarray | None = None) -> CaseEvidence:
    """MedXAI's maps, the cheap nulls and the other methods' maps that there are already: no further pass of a model.

    reference_mask: (rows, columns) bool on the slice, None where there is none.
    """
    made = tuple(_AlreadyMade(name) for name in result.comparisons)
    return evaluate_case(_case(result, reference_mask), (*catalogue.make(("medxai", *_CHEAP_NULLS)), *made), QUICK)


def full_evidence(
    result: SliceExplanation,
    reference_mask: np.ndarray | None = None,
    others: Sequence[SliceExplanation] = (),
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> CaseEvidence:
    """Every null and every installed peer, and every measurement: three minutes of one core with the demo model.

    others: another organ on the slice, another patient, for the sanity checks. Raises Cancelled.
    """
    installed = [name for name, reason in catalogue.installed().items() if not reason]
    other_cases = tuple(_case(other) for other in others)
    return evaluate_case(
        _case(result, reference_mask),
        catalogue.make(installed, is_cancelled),
        FULL,
        other_cases,
        progress,
        is_cancelled,
    )


def _case(result: SliceExplanation, reference_mask: np.ndarray | None = None) -> Case:
    image, box = result.prepared.image, result.box.box
    return Case(
        f"{image.volume_name} {image.plane} {image.index} {box.xyxy}", image.volume_name, "", result, reference_mask
    )
