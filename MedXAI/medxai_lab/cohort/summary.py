"""What a cohort says as a whole: means with intervals, learned gain first, paired tests, and what could not be done."""

from collections.abc import Mapping
from dataclasses import dataclass

from medxai.limits import LIMITS_STATEMENT

#: The organ's name in lines over the cases of all organs, each case counting once.
ALL_ORGANS = "all organs"

#: The paper's own limitation (its section 3), said of this cohort.
BOX_CAVEAT = (
    "The boxes were drawn around the reference masks, each side moved a little at random: they know the organ better than a "
    "reader's box does. So segmentations and maps look better here than they would at a reader's hands, and nothing here "
    "tells how the explanation behaves with a poor box or for an organ without a reference."
)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval. patients, cases: how many it rests on.

    resampled: 'patients, then cases', or 'cases' where there is only one patient, and the interval then says nothing
    about other patients.
    """

    mean: float
    low: float
    high: float
    patients: int
    cases: int
    resampled: str


@dataclass(frozen=True)
class SummaryLine:
    """The mean over cases of one figure (or of its learned gain) of one map.

    organ: an organ's name or ALL_ORGANS; the other names as in `evaluation.figure_row.FigureRow`.
    best_null: for a learned gain the null that was the best most often, else ''.
    """

    organ: str
    explainer: str
    kind: str
    stage: str
    layer: str
    family: str
    metric: str
    mask: str
    interval: Interval
    best_null: str = ""


@dataclass(frozen=True)
class PairedTest:
    """Wilcoxon's signed-rank test of one figure between two maps of the same cases.

    question: in words, for example 'stage 3 against grad-cam'. unit: 'patients' (the mean of each one's cases) or 'cases'.
    difference: median of first − second over the units, its sign turned where lower is better, so that above 0 the first
    is ahead. p_holm: p corrected by Holm's method for all tests of the cohort. p, p_holm: None where all units are equal.
    """

    question: str
    organ: str
    layer: str
    metric: str
    mask: str
    unit: str
    units: int
    difference: float
    p: float | None
    p_holm: float | None


@dataclass(frozen=True)
class Failure:
    """What could not be done. case_id: '' where the whole scan failed; explainer: '' where the whole case did."""

    scan: str
    case_id: str
    explainer: str
    reason: str


@dataclass(frozen=True)
class CheckCount:
    """How often a sanity check of one explainer's maps was passed, over all cases."""

    check: str
    explainer: str
    stage: str
    layer: str
    passed: int
    made: int


@dataclass(frozen=True)
class SegmentationLine:
    """Mean Dice of the model's mask against the reference, beside what the filled box alone reaches."""

    organ: str
    cases: int
    dice: float
    box_dice: float


@dataclass(frozen=True)
class CostLine:
    """The median over cases of one figure of cost: 'seconds_first_box', 'seconds_next_box' or 'peak_mb'."""

    explainer: str
    metric: str
    median: float
    cases: int


@dataclass(frozen=True)
class CohortSummary:
    """Everything that the tables, the pictures and the report of a cohort say.

    settings: name to value as text, everything that the figures follow from (data set, model with checksum, explainers,
    plan, seed, …). scans, patients, cases: those that were done; cases_failed: those that were not, and scans_failed.
    headline_layer: the layer that the paired tests and the first picture look at. caveats: sentences for the reader.
    gains: learned gain, the headline; figures: the figures themselves. comparisons: the number of paired tests that Holm's
    correction counts. pictures: file name to caption, in the cohort's folder. token_mm: the smallest and the largest side of
    one token of the maps over all cases, None without a case.
    """

    title: str
    settings: Mapping[str, str]
    scans: int
    scans_failed: int
    patients: int
    cases: int
    cases_failed: int
    organs: tuple[str, ...]
    headline_metric: str
    headline_layer: str
    caveats: tuple[str, ...]
    gains: tuple[SummaryLine, ...]
    figures: tuple[SummaryLine, ...]
    tests: tuple[PairedTest, ...]
    comparisons: int
    checks: tuple[CheckCount, ...]
    segmentation: tuple[SegmentationLine, ...]
    failures: tuple[Failure, ...]
    pictures: Mapping[str, str]
    costs: tuple[CostLine, ...] = ()
    token_mm: tuple[float, float] | None = None
    limits: str = LIMITS_STATEMENT
