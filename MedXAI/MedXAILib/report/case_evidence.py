"""How much is measured for a case's report."""

from ..evaluation.case_evidence import CaseEvidence, evaluate_case
from ..evaluation.evaluation_plan import QUICK
from ..explainers import catalogue
from ..explainers.interface import Case
from ..pipeline import SliceExplanation

#: Nulls that need no pass of any model.
_CHEAP_NULLS = ("intensity", "centre-gaussian", "box-plateau", "box", "uniform")


def case_of(result: SliceExplanation) -> Case:
    """A result on its own, without a reference mask."""
    image = result.prepared.image
    return Case(f"{image.volume_name} {image.plane} {image.index}", image.volume_name, "", result)


def quick_evidence(result: SliceExplanation) -> CaseEvidence:
    """MedXAI's maps and the cheap nulls with their figures: no further pass of a model."""
    return evaluate_case(case_of(result), catalogue.make(("medxai", *_CHEAP_NULLS)), QUICK)
