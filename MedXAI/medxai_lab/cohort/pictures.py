"""The cohort's two pictures: the learned gain of every map with its interval, and stages by layers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medxai.limits import LIMITS_SHORT
from medxai.report.wording import map_name

from .summary import ALL_ORGANS, CohortSummary, SummaryLine

#: Okabe and Ito's colours, told apart by all eyes; by mask.
_COLOURS = {"predicted": "#0072B2", "reference": "#D55E00"}
_DPI = 150


def draw_pictures(summary: CohortSummary, folder: Path) -> Mapping[str, str]:
    """Writes learned_gain.png and stage_by_layer.png where there is something to show.

    Args:
        summary: of the cohort.
        folder: takes the pictures.

    Returns:
        Captions by file name.
    """
    gains = [one for one in summary.gains if one.metric == summary.headline_metric and one.organ == ALL_ORGANS]
    drawn = {}
    shown = [one for one in gains if one.layer == summary.headline_layer or one.explainer != "medxai" or not one.layer]
    metric = summary.headline_metric.replace("_", " ")
    if shown:
        _gain_picture(shown, metric).savefig(folder / "learned_gain.png", dpi=_DPI)
        drawn["learned_gain.png"] = (
            f"Learned gain in {metric} with 95 % intervals; MedXAI's stages at {summary.headline_layer}"
        )
    own = [one for one in gains if one.explainer == "medxai" and one.layer]
    if own:
        _layer_picture(own, metric).savefig(folder / "stage_by_layer.png", dpi=_DPI)
        drawn["stage_by_layer.png"] = f"Learned gain in {metric} by stage and layer"
    return drawn


def _gain_picture(lines: Sequence[SummaryLine], metric: str) -> Figure:
    names = list(dict.fromkeys(_name(one) for one in lines))
    figure = Figure(figsize=(7.5, 1.6 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    masks = sorted({one.mask for one in lines})
    for number, mask in enumerate(masks):
        own = [one for one in lines if one.mask == mask]
        places = np.array([names.index(_name(one)) for one in own]) + 0.18 * (number - (len(masks) - 1) / 2) * 2
        means = np.array([one.interval.mean for one in own])
        # Without an interval NaN: the point is drawn, and no bar.
        low, high = (np.array([getattr(one.interval, end) for one in own], float) for end in ("low", "high"))
        ends = np.array([means - low, high - means])
        axes.errorbar(
            means,
            places,
            xerr=np.maximum(ends, 0),
            fmt="o",
            ms=4,
            capsize=3,
            color=_COLOURS.get(mask, "black"),
            label=f"{mask} mask",
        )
    axes.axvline(0, color="grey", lw=1)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)  # the first on top; one name alone has room above and below
    axes.set_xlabel(f"learned gain in {metric} (above 0: better than every baseline)")
    axes.legend(frameon=False, fontsize=8)
    _say_limits(figure)
    return figure


def _layer_picture(lines: Sequence[SummaryLine], metric: str) -> Figure:
    masks = sorted({one.mask for one in lines})
    layers, stages = (list(dict.fromkeys(getattr(one, name) for one in lines)) for name in ("layer", "map"))
    figure = Figure(figsize=(1.5 + 3.4 * len(masks), 1.4 + 0.55 * len(layers)), layout="constrained")
    panels = figure.subplots(1, len(masks), squeeze=False)[0]
    largest = max(abs(one.interval.mean) for one in lines) or 1.0
    for axes, mask in zip(panels, masks, strict=True):
        values = np.full((len(layers), len(stages)), np.nan)
        for one in lines:
            if one.mask == mask:
                values[layers.index(one.layer), stages.index(one.map)] = one.interval.mean
        shown = _heat_map(axes, values, layers, stages, largest)
        axes.set_title(f"against the {mask} mask", fontsize=9)
    figure.colorbar(shown, ax=panels, label=f"learned gain in\n{metric}")
    _say_limits(figure)
    return figure


def _heat_map(axes: Axes, values: np.ndarray, layers: Sequence[str], stages: Sequence[str], largest: float):
    image = axes.imshow(values, cmap="PuOr_r", vmin=-largest, vmax=largest, aspect="auto")
    axes.set_xticks(range(len(stages)), [map_name(stage, "").replace(" un", "\nun") for stage in stages], fontsize=8)
    axes.set_yticks(range(len(layers)), layers, fontsize=8)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if abs(value) > 0.6 * largest else "black"
            axes.text(column, row, f"{value:+.3f}", ha="center", va="center", fontsize=8, color=colour)
    return image


def _name(one: SummaryLine) -> str:
    if one.explainer != "medxai":
        return f"{one.explainer} {one.layer}".strip()
    return map_name(one.map, "")


def _say_limits(figure: Figure) -> None:
    figure.supxlabel(LIMITS_SHORT, fontsize=7, color="dimgrey")
