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
    """A mean with its 95 % bootstrap interval.

    Attributes:
        mean: over the cases.
        low: lower end of the interval; None for a single case, of which no interval can be drawn.
        high: upper end of the interval; None as well.
        patients: how many it rests on.
        cases: how many it rests on.
        resampled: 'patients, then cases', or 'cases' where there is only one patient: the interval then says nothing
            about other patients; '' where there is no interval.
    """

    mean: float
    low: float | None
    high: float | None
    patients: int
    cases: int
    resampled: str

    @property
    def drawn(self) -> tuple[int, str]:
        """How many of what are drawn anew first, and what one of them is called."""
        return (self.patients, "patient") if self.patients > 1 else (self.cases, "case")


@dataclass(frozen=True)
class SummaryLine:
    """The mean over cases of one metric (or of its learned gain) of one map.

    Attributes:
        organ: an organ's name or ALL_ORGANS.
        explainer: as in `metric_row.MetricRow`; the next six too.
        role: see explainer.
        map: see explainer.
        layer: see explainer.
        family: see explainer.
        metric: see explainer.
        mask: see explainer.
        interval: the mean with its interval.
        best_baseline: for a learned gain the baseline that was the best most often, else ''.
    """

    organ: str
    explainer: str
    role: str
    map: str
    layer: str
    family: str
    metric: str
    mask: str
    interval: Interval
    best_baseline: str = ""


@dataclass(frozen=True)
class PairedTest:
    """Wilcoxon's signed-rank test of one metric between two maps of the same cases.

    Attributes:
        question: in words, for example 'stage 3 against grad-cam'.
        organ: an organ's name or ALL_ORGANS.
        layer: of the encoder.
        metric: its name.
        mask: 'predicted' or 'reference'.
        unit: 'patients' (the mean of each one's cases) or 'cases'.
        units: how many.
        difference: median of first − second over the units; above 0 the first is ahead.
        p: None where all units are equal.
        p_holm: p corrected by Holm's method for all tests of the cohort.
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
    """What could not be done.

    Attributes:
        scan: its name.
        case_id: '' where the whole scan failed.
        explainer: '' where the whole case failed.
        reason: in one sentence.
    """

    scan: str
    case_id: str
    explainer: str
    reason: str


@dataclass(frozen=True)
class CheckCount:
    """How often a sanity check of one explainer's maps was passed, over all cases."""

    check: str
    explainer: str
    map: str
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
    """The median over cases of one metric of cost: 'seconds_first_box', 'seconds_next_box' or 'peak_mb'."""

    explainer: str
    metric: str
    median: float
    cases: int


@dataclass(frozen=True)
class ContourLine:
    """One score against one threshold.

    Attributes:
        group: A modality, a scan, or all scans.
        score: Its name.
        role: 'check' or 'baseline'.
        threshold_mm: A point counts as off by more than that.
        auroc: Of all points of the group; None where the score is not known (nothing to fit a baseline on).
        low, high: 95 % interval over slices; None for a single slice, of which no interval can be drawn.
        ahead, ahead_low, ahead_high: The tolerance's AUROC less this one's, with its interval over the same draws; None
            as above.
        off: Share of the points that are off.
        points, cases, slices, patients: How many it rests on.
    """

    group: str
    score: str
    role: str
    threshold_mm: float
    auroc: float | None
    low: float | None
    high: float | None
    ahead: float | None
    ahead_low: float | None
    ahead_high: float | None
    off: float
    points: int
    cases: int
    slices: int
    patients: int

    @property
    def drawn(self) -> tuple[int, str]:
        """How many of what are drawn anew first, and what one of them is called."""
        return (self.patients, "patient") if self.patients > 1 else (self.slices, "slice")


@dataclass(frozen=True)
class KindLine:
    """How far the points of a kind are off. shares: of the outlines' length; median_mm and p90_mm of the error."""

    group: str
    kind: str
    share_of_length: float
    over_3_mm: float
    over_5_mm: float
    median_mm: float
    p90_mm: float


@dataclass(frozen=True)
class CohortSummary:
    """Everything that the tables, the pictures and the report of a cohort say.

    Attributes:
        title: data set and model.
        settings: name to value as text: everything that the metrics follow from.
        scans: how many were done.
        scans_failed: how many were not.
        patients: of the cases that were done.
        cases: how many were done.
        cases_failed: how many were not.
        organs: of the cases that were done.
        headline_metric: the metric that is looked at first.
        headline_layer: the layer that the paired tests and the first picture look at.
        caveats: sentences for the reader.
        gains: learned gain of every map.
        metrics: the metrics themselves.
        tests: the paired tests.
        comparisons: how many paired tests Holm's correction counts.
        checks: the sanity checks.
        segmentation: Dice by organ.
        failures: of scans, cases and explainers.
        pictures: file name to caption, in the cohort's folder.
        costs: seconds and memory.
        token_mm: smallest and largest side of one token of the maps over all cases, None without a case.
        contour: the contour check against its baselines, where it was measured.
        contour_kinds: how far the outlines' points of each kind are off.
        of_maps: whether anything of maps was asked for; without it learned gain, tests and sanity checks are not missing,
            they have no place.
        limits: the statement that goes before everything else.
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
    metrics: tuple[SummaryLine, ...]
    tests: tuple[PairedTest, ...]
    comparisons: int
    checks: tuple[CheckCount, ...]
    segmentation: tuple[SegmentationLine, ...]
    failures: tuple[Failure, ...]
    pictures: Mapping[str, str]
    costs: tuple[CostLine, ...] = ()
    token_mm: tuple[float, float] | None = None
    contour: tuple[ContourLine, ...] = ()
    contour_kinds: tuple[KindLine, ...] = ()
    of_maps: bool = True
    limits: str = LIMITS_STATEMENT
