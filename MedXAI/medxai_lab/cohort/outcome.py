"""What a worker sends back; small, so that it may come over a network."""

from dataclasses import dataclass

from medxai.metrics.metric_row import FigureRow
from medxai.metrics.sanity_verdict import SanityVerdict

from .case_choice import ChosenCase


@dataclass(frozen=True)
class CaseOutcome:
    """One case: done where `failure` is '', else why not.

    dice, box_dice: of the model's mask and of the filled box against the reference. resolution_mm: a token's width and
    height. failed_explainers: (explainer, reason). layers: those explained, in the encoder's order.
    """

    scan: str
    patient: str
    case: ChosenCase
    failure: str = ""
    dice: float = 0.0
    box_dice: float = 0.0
    resolution_mm: tuple[float, float] = (0.0, 0.0)
    layers: tuple[str, ...] = ()
    rows: tuple[FigureRow, ...] = ()
    verdicts: tuple[SanityVerdict, ...] = ()
    failed_explainers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ScanOutcome:
    """The cases that were chosen on a scan, or why there are none."""

    scan: str
    cases: tuple[ChosenCase, ...] = ()
    failure: str = ""
