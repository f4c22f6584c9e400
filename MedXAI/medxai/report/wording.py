"""What metrics, maps and explainers are called on the page, and how their numbers are written."""

from dataclasses import dataclass

from ..explainers import registry
from ..maps import OWN_MAPS

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
#: What follows a stage's title where there is room for it.
STAGE_SUBTITLES = {
    1: "organ prototype",
    2: "prompt and prototype",
    3: "four components with spatial weighting",
}


@dataclass(frozen=True)
class MetricWords:
    """What a metric is called, and how it is written.

    Attributes:
        name: As a row's heading.
        meaning: One sentence.
        pattern: How its value is written, for str.format.
    """

    name: str
    meaning: str
    pattern: str = "{:.2f}"


_BY_CHANCE = "By chance it is the mask's share of the {}."
_LOW, _HIGH = "low is better", "high is better"
#: In the order of the page. The page leaves out metrics that are not here: other scores of the same curves, and counts.
_METRICS = {
    "auroc_grown_box": MetricWords(
        "AUROC in the grown box",
        "How well the map ranks the mask's pixels above the others, in the box grown by 25 %; 0.5 is by chance.",
        "{:.3f}",
    ),
    "energy_inside": MetricWords(
        "Energy inside",
        "Share of the map's mass that lies in the mask, counted in the slice's pixels (below the maps, in their own cells).",
        "{:.0%}",
    ),
    "average_precision_grown_box": MetricWords(
        "Average precision in the grown box", _BY_CHANCE.format("grown box"), "{:.3f}"
    ),
    "energy_ratio": MetricWords("Energy inside, in mask shares", "1 is a map without preference.", "{:.1f}×"),
    "auroc_image": MetricWords(
        "AUROC over the slice", "Says little alone: a Gaussian in the box reaches 0.94 and more.", "{:.3f}"
    ),
    "average_precision_image": MetricWords("Average precision over the slice", _BY_CHANCE.format("slice"), "{:.3f}"),
    "pointing_over_chance": MetricWords(
        "Highest point inside, less chance",
        "Whether the map's highest pixels lie in the mask, less the mask's share of the slice.",
    ),
    "image_deletion_logit": MetricWords("Deletion in the image", _LOW),
    "image_insertion_logit": MetricWords("Insertion in the image", _HIGH),
    "image_deletion_outside_logit": MetricWords("Deletion in the image, outside the mask", _LOW),
    "neck_deletion_logit": MetricWords("Deletion in the neck", _LOW),
    "neck_insertion_logit": MetricWords("Insertion in the neck", _HIGH),
    "neck_deletion_outside_logit": MetricWords("Deletion in the neck, outside the mask", _LOW),
    "neck_infidelity": MetricWords("Infidelity in the neck", _LOW),
    "noise_relative_change": MetricWords("Change under noise", "As a share of the map; low is better."),
    "noise_rank_change": MetricWords("Change of its order under noise", "1 less the rank correlation; low is better."),
    "jitter_relative_change": MetricWords("Change under a moved box", "As a share of the map; low is better."),
    "jitter_rank_change": MetricWords(
        "Change of its order under a moved box", "1 less the rank correlation; low is better."
    ),
    "effective_area": MetricWords(
        "Effective area", "exp(entropy) as a share of the slice: 100 % for a uniform map.", "{:.0%}"
    ),
    "entropy": MetricWords("Entropy", "Of the map as a distribution, in nats."),
    "gini": MetricWords("Gini index", "0 for a uniform map, near 1 for a single pixel."),
    "seconds_first_box": MetricWords("Seconds, first box on a slice", "With the encoding of the slice.", "{:.2f} s"),
    "seconds_next_box": MetricWords("Seconds, next box", "The slice being encoded already.", "{:.2f} s"),
    "peak_mb": MetricWords("Memory added at the peak", "Of the process, in 10⁶ bytes.", "{:.0f} MB"),
}
FAMILY_SENTENCES = {
    "localisation": "In brackets the learned gain.",
    "faithfulness": "Area under the curve of the model's own answer while parts are hidden (deletion) or shown (insertion) in the map's order. "
    "In brackets the learned gain, above zero where the map is ahead of every baseline.",
    "stability": "How much the map changes where the mask hardly does. No learned gain: a baseline that ignores the image cannot change.",
    "complexity": "No learned gain: a baseline may be as compact as one likes.",
}


def metric_words(metric: str) -> MetricWords:
    """The words for a metric; one without words of its own keeps its name."""
    return _METRICS.get(metric, MetricWords(metric.replace("_", " "), ""))


def metrics_on_the_page() -> tuple[str, ...]:
    """The metrics that have words, in the page's order."""
    return tuple(_METRICS)


def explainer_name(key: str) -> str:
    """An explainer's title; the key where nothing is registered under it (a cohort made elsewhere)."""
    known = registry.explainers().get(key)
    return known.title if known else key


def is_baseline(key: str) -> bool:
    """Whether an explainer needs nothing learned."""
    return key in registry.groups()["baselines"]


def is_comparison(key: str) -> bool:
    """Whether it is another published method."""
    return key in registry.groups()["comparisons"]


_TITLES = {info.map: info.title for info in OWN_MAPS}


def map_name(map_key: str, layer: str) -> str:
    """'Stage 1, block 4' for the map 'stage1'.

    Args:
        map_key: The map within MedXAI, for example 'stage1'.
        layer: '' for a map without one.
    """
    return ", ".join(part for part in (_TITLES.get(map_key, map_key), layer) if part)


def raw_number(value: float) -> str:
    """A map's own value, two digits: '0.59', '−3.1', '8.7·10⁻⁵'."""
    text = f"{value:.2g}"
    if "e" in text:
        digits, power = text.split("e")
        text = f"{digits}·10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return text.replace("-", "−")


def written(pattern: str, value: float) -> str:
    """A metric as text, with a real minus sign; what is rounded to zero has none.

    Args:
        pattern: For str.format.
        value: The metric.
    """
    text = pattern.format(value)
    return text.replace("-", "−" if any(digit in text for digit in "123456789") else "")


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, and a real minus: '+0.05', '−0.10', '0.00'.

    Args:
        value: The number.
        digits: After the point.
    """
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def signed_like(pattern: str, value: float) -> str:
    """A difference of two metrics, written as the metrics are: shares in percentage points.

    Args:
        pattern: How the metric is written, for str.format.
        value: The difference.
    """
    if "%" in pattern:
        return f"{signed(100 * value, 0)} points"
    if "×" in pattern:
        return f"{signed(value, 1)}×"
    return signed(value, 3 if ".3f" in pattern else 2)
