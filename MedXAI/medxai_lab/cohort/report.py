"""The report of a cohort: a self-contained page, limits first, learned gain before the metrics themselves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medxai.maps import OWN_MAP_KEYS, STAGE3
from medxai.report.page import page_html, write_page
from medxai.report.wording import explainer_name, is_baseline, map_name, metric_words, signed, written

from .summary import ALL_ORGANS, CohortSummary, Failure, Interval, SummaryLine
from .wording import CONTOUR_HEADING, NO_CONTOUR, contour_tables, units_of

#: So many failures are told one by one.
_FAILURES_TOLD = 40
_METHOD = "medxai"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class GainBar:
    """A mean with its interval, on a scale from 0 to 100 that all bars of a table share; zero is where no gain lies.

    low and high are None where there is no interval.
    """

    low: float | None
    mean: float
    high: float | None
    zero: float


@dataclass(frozen=True)
class GainRow:
    """One map's learned gain, as text.

    Attributes:
        map: The map's name.
        role: What its explainer is compared as.
        gain: The mean learned gain.
        interval: Of the mean, 95 %; 'none' of a single case.
        bar: The same as a bar.
        verdict: 'ahead', 'behind', 'open' where the interval holds 0, or 'alone' where there is none.
        metric: The mean of the metric itself.
        baseline: The baseline that was best most often.
        cases: How many.
    """

    map: str
    role: str
    gain: str
    interval: str
    bar: GainBar
    verdict: str
    metric: str
    baseline: str
    cases: str


@dataclass(frozen=True)
class GainTable:
    """The learned gains of one organ against one mask.

    Attributes:
        organ: ALL_ORGANS or one organ's name.
        mask: 'predicted' or 'reference'.
        rows: One for each map.
    """

    organ: str
    mask: str
    rows: tuple[GainRow, ...]


@dataclass(frozen=True)
class LayerTable:
    """Learned gain of MedXAI's stages (lines) at every layer (columns).

    Attributes:
        mask: 'predicted' or 'reference'.
        layers: Names of the columns.
        lines: The stage's name and its cells, each a text and whether it is not above 0.
    """

    mask: str
    layers: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]


@dataclass(frozen=True)
class FailureGroup:
    """The same reason, how often, and where at first."""

    reason: str
    what: str
    count: int
    places: str


def cohort_report_html(summary: CohortSummary) -> str:
    """The page as text; no date is on it, so that the same cohort gives the same page."""
    headline = [one for one in summary.gains if one.metric == summary.headline_metric]
    means = {_place(one): one.interval.mean for one in summary.metrics if one.metric == summary.headline_metric}
    masks = sorted({one.mask for one in headline})

    def table(organ: str, mask: str) -> GainTable:
        return _gain_table(_at_layer(headline, organ, mask, summary.headline_layer), organ, mask, means)

    organs = summary.organs if len(summary.organs) > 1 else ()
    return page_html(
        "cohort.html",
        folders=(_TEMPLATES,),
        title=f"MedXAI cohort report: {summary.title}",
        made="",
        summary=summary,
        metric=metric_words(summary.headline_metric),
        headline=_headline(headline, summary),
        done=_share(summary.cases, summary.cases + summary.cases_failed),
        scans_done=_share(summary.scans, summary.scans + summary.scans_failed),
        failures=_failures(summary.failures)[:_FAILURES_TOLD],
        more_failures=max(len(_failures(summary.failures)) - _FAILURES_TOLD, 0),
        tables=tuple(table(ALL_ORGANS, mask) for mask in masks),
        layers=tuple(found for mask in masks if (found := _layer_table(headline, mask)).layers),
        by_organ=tuple(found for organ in organs for mask in masks if (found := table(organ, mask)).rows),
        everything=tuple(
            _gain_table([g for g in headline if (g.organ, g.mask) == (ALL_ORGANS, mask)], ALL_ORGANS, mask, means)
            for mask in masks
        ),
        baselines=_baselines(summary),
        tests=tuple(_test(test) for test in summary.tests),
        segmentation=tuple(
            (one.organ, one.cases, f"{one.dice:.3f}", f"{one.box_dice:.3f}") for one in summary.segmentation
        ),
        contour_heading=CONTOUR_HEADING,
        contour=contour_tables(summary),
        no_contour=NO_CONTOUR,
        checks=_checks(summary),
        costs=_costs(summary),
    )


def write_cohort_report(path: Path, summary: CohortSummary) -> None:
    """Writes the report, whole or not at all.

    Raises:
        OutputError: Where the file cannot be written.
    """
    write_page(path, cohort_report_html(summary))


def _place(one: SummaryLine) -> tuple[str, ...]:
    return one.organ, one.explainer, one.map, one.layer, one.mask


def _at_layer(gains: Iterable[SummaryLine], organ: str, mask: str, layer: str) -> list[SummaryLine]:
    """At the headline layer where the explainer has it, and maps without a layer of the encoder."""
    found = [g for g in gains if (g.organ, g.mask) == (organ, mask)]
    with_layer = {g.explainer for g in found if g.layer == layer}
    return [g for g in found if g.layer in (layer, "") or g.explainer not in with_layer]


def _gain_table(gains: list[SummaryLine], organ: str, mask: str, means: dict[tuple[str, ...], float]) -> GainTable:
    known = (end for g in gains for end in (g.interval.low, g.interval.high, g.interval.mean) if end is not None)
    ends = [0.0, *known]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    rows = (
        GainRow(
            map_name(g.map, g.layer)
            if g.explainer == _METHOD
            else ", ".join(part for part in (explainer_name(g.explainer), g.layer) if part),
            "this method" if g.explainer == _METHOD else g.role,
            signed(g.interval.mean, 3),
            _ends(g.interval) or "none",
            GainBar(
                *(
                    None if value is None else round(100 * (value - low) / span, 2)
                    for value in (g.interval.low, g.interval.mean, g.interval.high, 0.0)
                )
            ),
            _verdict(g.interval),
            f"{means[_place(g)]:.3f}" if _place(g) in means else "",
            explainer_name(g.best_baseline),
            f"{g.interval.cases} of {g.interval.patients}",
        )
        for g in gains
    )
    return GainTable(organ, mask, tuple(rows))


def _ends(interval: Interval) -> str:
    """'' where there is no interval."""
    if interval.low is None or interval.high is None:
        return ""
    return f"{signed(interval.low, 3)} to {signed(interval.high, 3)}"


def _verdict(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return "alone"
    return "ahead" if interval.low > 0 else "behind" if interval.high < 0 else "open"


def _layer_table(gains: Iterable[SummaryLine], mask: str) -> LayerTable:
    own = [g for g in gains if g.explainer == _METHOD and g.organ == ALL_ORGANS and g.mask == mask and g.layer]
    layers, stages = tuple(dict.fromkeys(g.layer for g in own)), tuple(dict.fromkeys(g.map for g in own))
    mean = {(g.map, g.layer): g.interval.mean for g in own}
    lines = tuple(
        (
            map_name(stage, ""),
            tuple(
                (signed(mean[stage, layer], 3), mean[stage, layer] <= 0) if (stage, layer) in mean else ("", False)
                for layer in layers
            ),
        )
        for stage in stages
    )
    return LayerTable(mask, layers, lines)


def _headline(gains: Iterable[SummaryLine], summary: CohortSummary) -> tuple[str, ...]:
    """One sentence for each mask: where stage 3 stands against the baselines."""
    said = []
    for g in gains:
        if (g.organ, g.explainer, g.map, g.layer) != (ALL_ORGANS, _METHOD, STAGE3.map, summary.headline_layer):
            continue
        verdict = {
            "ahead": "The whole interval is above zero.",
            "behind": "The whole interval is below zero: maps that learned nothing do better.",
            "open": "The interval holds zero: from these cases it cannot be told whether the map is ahead of maps that learned nothing.",
            "alone": "One case has no interval: it cannot be told whether the map is ahead of maps that learned nothing.",
        }[_verdict(g.interval)]
        ends = f" ({found})" if (found := _ends(g.interval)) else ""
        said.append(
            f"Stage 3 at {g.layer}, against the {g.mask} mask: learned gain {signed(g.interval.mean, 3)}{ends}. {verdict}"
        )
    return tuple(said)


def _baselines(summary: CohortSummary) -> tuple[tuple[str, str, str], ...]:
    """Baseline, mask, mean with interval, over all organs."""
    lines = [
        one
        for one in summary.metrics
        if one.metric == summary.headline_metric
        and is_baseline(one.explainer)
        and one.organ == ALL_ORGANS
        and (one.map not in OWN_MAP_KEYS or one.layer == summary.headline_layer)
    ]
    return tuple(
        (
            ", ".join(part for part in (explainer_name(one.explainer), map_name(one.map, one.layer)) if part),
            one.mask,
            f"{one.interval.mean:.3f}"
            + (f" ({one.interval.low:.3f} to {one.interval.high:.3f})" if one.interval.low is not None else ""),
        )
        for one in lines
    )


def _test(test) -> tuple[str, ...]:
    p, corrected = (
        "all equal" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
        for value in (test.p, test.p_holm)
    )
    return test.question, test.organ, test.mask, units_of(test), signed(test.difference, 3), p, corrected


def _checks(summary: CohortSummary) -> tuple[tuple[str, str, str, bool], ...]:
    """Check, map, 'n of m', whether all passed."""
    return tuple(
        (
            one.check,
            f"{explainer_name(one.explainer)}, {map_name(one.map, one.layer)}",
            f"{one.passed} of {one.made}",
            one.passed == one.made,
        )
        for one in summary.checks
    )


def _costs(summary: CohortSummary) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Explainer, and its medians in the order of the columns."""
    value = {
        (one.explainer, one.metric): written(metric_words(one.metric).pattern, one.median) for one in summary.costs
    }
    columns = ("seconds_first_box", "seconds_next_box", "peak_mb")
    return tuple(
        (explainer_name(name), tuple(value.get((name, metric), "") for metric in columns))
        for name in dict.fromkeys(one.explainer for one in summary.costs)
    )


def _share(done: int, asked: int) -> str:
    return f"{done} of {asked}" + (f" ({done / asked:.1%})" if asked else "")


def _failures(failures: Iterable[Failure]) -> tuple[FailureGroup, ...]:
    """By reason, the most frequent first."""
    places: dict[tuple[str, str], list[str]] = {}
    for one in failures:
        what = explainer_name(one.explainer) if one.explainer else "case" if one.case_id else "scan"
        places.setdefault((one.reason, what), []).append(one.case_id or one.scan)
    counts = Counter({key: len(found) for key, found in places.items()})
    return tuple(
        FailureGroup(reason, what, count, ", ".join(places[reason, what][:3]) + (", …" if count > 3 else ""))
        for (reason, what), count in counts.most_common()
    )
