"""The metrics of a case as tables for the page: the learned gain first, every metric beside its best baseline."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..maps import MEDXAI, OWN_MAPS, STAGE3
from ..metrics.learned_gain import LearnedGain, learned_gains
from ..metrics.metric_row import MetricRow
from .wording import FAMILY_SENTENCES, explainer_name, map_name, metric_words, metrics_on_the_page, signed_like, written

#: The map that the headline sentence speaks of, and the metric that it names.
HEADLINE_MAP, HEADLINE_METRIC = STAGE3.map, "auroc_grown_box"
#: Metrics with a table of their own, every map beside its best baseline.
_FIRST = (HEADLINE_METRIC, "energy_inside")
_MAPS = tuple(info.map for info in OWN_MAPS)


@dataclass(frozen=True)
class GainLine:
    """One map in a table of one metric, all as text.

    Attributes:
        map: The map's name.
        gain: Its learned gain.
        value: Its metric.
        baseline_value: The best baseline's metric.
        baseline: The best baseline's name.
        beaten: Whether a baseline does at least as well.
    """

    map: str
    gain: str
    value: str
    baseline_value: str
    baseline: str
    beaten: bool


@dataclass(frozen=True)
class GainTable:
    """One metric against one mask for the maps that stand for their stages.

    Attributes:
        metric: Its name.
        meaning: One sentence on it.
        mask: 'predicted' or 'reference'.
        lines: One for each map.
    """

    metric: str
    meaning: str
    mask: str
    lines: tuple[GainLine, ...]


@dataclass(frozen=True)
class OtherMetric:
    """A further metric of the same maps.

    Attributes:
        name: Of the metric.
        values: One text for each map.
    """

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class OtherMetrics:
    """Further metrics of one family.

    Attributes:
        family: As in `MetricRow`.
        mask: What they were taken against, '' where nothing.
        sentence: What the family asks.
        lines: One for each metric.
    """

    family: str
    mask: str
    sentence: str
    lines: tuple[OtherMetric, ...]


@dataclass(frozen=True)
class MetricTables:
    """What the page says of a case's metrics.

    Attributes:
        first: AUROC in the grown box and energy inside, for each mask.
        maps: Names of the maps in the other tables.
        others: The other metrics of these maps.
        headline: One sentence on stage 3.
        gains: Learned gain of the headline metric against the predicted mask as text, by (map, layer), for all layers.
    """

    first: tuple[GainTable, ...]
    maps: tuple[str, ...]
    others: tuple[OtherMetrics, ...]
    headline: str
    gains: dict[tuple[str, str], str]


def metric_tables(rows: Iterable[MetricRow], layer: str) -> MetricTables:
    """Tables of MedXAI's own maps.

    Args:
        rows: All metrics of the case.
        layer: The layer whose maps the tables show, beside the maps without a layer.
    """
    rows = tuple(rows)
    gains = tuple(gain for gain in learned_gains(rows) if gain.explainer == MEDXAI)
    own = [row for row in rows if row.explainer == MEDXAI and row.layer in ("", layer) and row.map in _MAPS]
    masks = sorted({row.mask for row in own if row.mask})
    first = [table for mask in masks for metric in _FIRST if (table := _gain_table(gains, metric, mask, layer)).lines]
    maps = [
        (map_key, row_layer)
        for map_key in _MAPS
        for row_layer in (layer, "")
        if any((r.map, r.layer) == (map_key, row_layer) for r in own)
    ]
    groups = [("localisation", mask) for mask in masks] + [
        (family, "") for family in FAMILY_SENTENCES if family != "localisation"
    ]
    others = (_others(own, gains, maps, family, mask) for family, mask in groups)
    return MetricTables(
        tuple(first),
        tuple(map_name(*key) for key in maps),
        tuple(group for group in others if group.lines),
        _headline(gains, layer),
        {
            (g.map, g.layer): signed_like(metric_words(g.metric).pattern, g.gain)
            for g in gains
            if g.metric == HEADLINE_METRIC and g.mask == "predicted"
        },
    )


def _gain_table(gains: Iterable[LearnedGain], metric: str, mask: str, layer: str) -> GainTable:
    words = metric_words(metric)
    found = [
        g
        for map_key in _MAPS
        for g in gains
        if (g.map, g.metric, g.mask) == (map_key, metric, mask) and g.layer in ("", layer)
    ]
    lines = (
        GainLine(
            map_name(g.map, g.layer),
            signed_like(words.pattern, g.gain),
            written(words.pattern, g.value),
            written(words.pattern, g.baseline_value),
            explainer_name(g.best_baseline),
            g.gain <= 0,
        )
        for g in found
    )
    return GainTable(words.name, words.meaning, mask, tuple(lines))


def _others(
    own: Iterable[MetricRow], gains: Iterable[LearnedGain], maps: Iterable[tuple[str, str]], family: str, mask: str
) -> OtherMetrics:
    """The metrics of one family that have words, without those that have a table of their own."""
    lines = []
    for metric in metrics_on_the_page():
        value = {(r.map, r.layer): r.value for r in own if (r.family, r.mask, r.metric) == (family, mask, metric)}
        if metric in _FIRST or not value:
            continue
        pattern = metric_words(metric).pattern
        gain = {(g.map, g.layer): signed_like(pattern, g.gain) for g in gains if (g.mask, g.metric) == (mask, metric)}
        texts = (
            written(pattern, value[key]) + (f" ({gain[key]})" if key in gain else "") if key in value else "none"
            for key in maps
        )
        lines.append(OtherMetric(_named(metric, family), tuple(texts)))
    return OtherMetrics(family, mask, FAMILY_SENTENCES[family], tuple(lines))


def _named(metric: str, family: str) -> str:
    """The metric's name, and which direction is better where the name does not tell."""
    words = metric_words(metric)
    return f"{words.name} ({words.meaning})" if family == "faithfulness" else words.name


def _headline(gains: Iterable[LearnedGain], layer: str) -> str:
    for g in gains:
        if (g.map, g.layer, g.metric, g.mask) == (HEADLINE_MAP, layer, HEADLINE_METRIC, "predicted"):
            words = metric_words(g.metric)
            said = (
                f"Stage 3 at {layer}: learned gain {signed_like(words.pattern, g.gain)}. The map ranks the pixels of the predicted mask with an AUROC of "
                f"{g.value:.3f} in the grown box; the best baseline ({explainer_name(g.best_baseline)}) reaches {g.baseline_value:.3f}."
            )
            return said + (" A map that learned nothing does as well or better here." if g.gain <= 0 else "")
    return ""
