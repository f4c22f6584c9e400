"""What every explainer takes and gives, so that all are judged by the same code on the same cases."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from ..engine import SliceExplanation


class Kind(StrEnum):
    """METHOD: MedXAI's own maps. NULL: what needs no learned weights, and must be beaten. PEER: other published methods."""

    METHOD = "method"
    NULL = "null"
    PEER = "peer"


@dataclass(frozen=True)
class Case:
    """One box on one slice, segmented and explained, with what is known of the truth.

    case_id: unique in a cohort, for example 'ct_abdomen/liver/axial 12'. patient: cases of one patient are not independent.
    result: MedXAI's own result, which holds slice, box, model, encoding and segmentation.
    reference_mask: (rows, columns) bool on the slice; None where there is none.
    """

    case_id: str
    patient: str
    organ: str
    result: SliceExplanation
    reference_mask: np.ndarray | None = None


@dataclass(frozen=True)
class SaliencyMap:
    """One map of one explainer.

    stage: '1', '2', '3', '3 unweighted' (before the spatial weighting), 'interaction' or 'terminal' for MedXAI and for its
    own rerun with random weights, else ''.
    layer: the encoder layer that it belongs to, else ''.
    values: (h, w) float32 over the model's square (its padding included), raw: higher means more influence, by the
    explainer's own scale; figures of mass count only what is positive. `SliceExplanation.on_slice` brings it to the slice.
    """

    explainer: str
    stage: str
    layer: str
    values: np.ndarray


class CaseExplainer(Protocol):
    """An explainer that needs nothing but the case; it may keep what it made for one model or slice, but nothing is global."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        """All of its maps of the case. Raises MedXAIError with a sentence for the user where it cannot."""
        ...
