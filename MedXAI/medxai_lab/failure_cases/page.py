"""The failure cases for a reader: their expectations and what was found as Markdown tables, and a picture of each.

A picture shows the slice with box, mask and what was painted, and the maps over it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from medxai.display_range import display_range, for_display
from medxai.limits import LIMITS_STATEMENT
from medxai.results import SliceExplanation

from .case import CaseRun, MapToShow
from .expectation import Expectation
from .found import EARLIER
from .verdict import CaseVerdict, Measured

_BOX_COLOUR, _MASK_COLOUR, _PAINTED_COLOUR = "#00b4d8", "#39d98a", "#ffffff"
_CELL_INCHES, _GAP_INCHES = 2.2, 0.32
_TOP, _BOTTOM, _SIDE = 0.52, 0.5, 0.08
_DPI = 110


def tables(verdicts: Sequence[CaseVerdict]) -> str:
    """All cases, each with its picture beside it (CASE.png, blanks as underscores)."""
    lines = [
        "# Failure cases: expected and found",
        "",
        LIMITS_STATEMENT,
        "",
        "Written by `python -m medxai_lab.failure_cases`; what it means is in [Where the explainer fails](../docs/where_it_fails.md).",
        "Beforehand: what `expected.py` said, before anything was run, of whether the demand on an honest map is met. First: what was",
        "found with the first definitions, which the expectations are about. Now: what is found with today's.",
        "",
        *_summary(verdicts),
    ]
    for verdict in verdicts:
        lines += ["", *_case(verdict)]
    return "\n".join(lines) + "\n"


def picture_name(case: str) -> str:
    """File name of a case's picture."""
    return f"{case.replace(' ', '_')}.png"


def _summary(verdicts: Sequence[CaseVerdict]) -> Iterator[str]:
    yield "| case | demands | met first | met now | as expected first | as expected now |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for verdict in verdicts:
        demands = [one.demand for one in verdict.measured]
        first = [demand.relation.holds(EARLIER[verdict.case, demand.metric], demand.threshold) for demand in demands]
        foreseen = sum(met is demand.expected_met for met, demand in zip(first, demands, strict=True))
        taken = [one for one in verdict.measured if one.met is not None]
        met, expected = sum(one.met for one in taken), sum(one.as_expected for one in taken)
        yield f"| {verdict.expectation.title} | {len(demands)} | {sum(first)} | {met} | {foreseen} | {expected} |"


def _case(verdict: CaseVerdict) -> Iterator[str]:
    told = verdict.expectation
    yield from (
        f"## {told.title}",
        "",
        f"*{told.question}*",
        "",
        f"**Setup.** {told.setup}",
        "",
        f"**An honest map.** {told.honest_map}",
        "",
    )
    yield from (f"![{told.title}]({picture_name(told.case)})", "")
    yield "| map | what MedXAI's definitions should give |"
    yield "| --- | --- |"
    yield from (f"| {name} | {text} |" for name, text in told.definitions)
    yield from (
        "",
        "| metric | demand | beforehand | first | now | met now | because |",
        "| --- | --- | --- | ---: | ---: | --- | --- |",
    )
    for one in verdict.measured:
        yield _row(verdict.case, one)
    if verdict.aside:
        told = "; ".join(f"{metric}: {value:.2f}" for metric, value in verdict.aside.items())
        yield from ("", f"Looked at afterwards, and judged by nothing: {told}.")


def _row(case: str, one: Measured) -> str:
    demand = one.demand
    found = "not measured" if one.value is None else f"{round(one.value, 2) + 0.0:.2f}"
    met = "" if one.met is None else "yes" if one.met else "**no**"
    because = (
        demand.because
        if one.as_expected
        else f"expected: {demand.because}. **Found:** {one.recorded or 'not explained yet.'}"
    )
    expected = ("met" if demand.expected_met else "not met") + ("" if one.as_expected else " **(wrong)**")
    asked = f"{demand.says}: {demand.relation} {demand.threshold:g}"
    cells = (demand.metric, asked, expected, f"{EARLIER[case, demand.metric]:.2f}", found, met, because)
    return f"| {' | '.join(cells)} |"


def write_picture(expectation: Expectation, run: CaseRun, path: Path) -> None:
    """Writes the picture of a case as PNG.

    Colours are as in the panels: zero is dark, maps of one stage share their range, one that is not informative stays
    empty.

    Args:
        expectation: Of the case.
        run: What to show.
        path: Of the file.
    """
    columns = run.columns
    rows = -(-len(run.shown) // columns)
    width = 2 * _SIDE + columns * _CELL_INCHES
    height = _TOP + rows * (_CELL_INCHES + _GAP_INCHES) + _BOTTOM
    figure = Figure(figsize=(width, height), dpi=_DPI)
    for number, shown in enumerate(run.shown):
        row, column = divmod(number, columns)
        left, below = _SIDE + column * _CELL_INCHES, _BOTTOM + (rows - 1 - row) * (_CELL_INCHES + _GAP_INCHES)
        axes = figure.add_axes(
            (left / width, below / height, (_CELL_INCHES - 0.06) / width, (_CELL_INCHES - 0.06) / height)
        )
        _cell(axes, shown, run.reference)
    figure.text(_SIDE / width, 1 - 0.26 / height, expectation.title, fontsize=11, weight="bold")
    figure.text(
        _SIDE / width,
        1 - 0.46 / height,
        "Made-up image. Blue: box; green: the model's mask; white, dashed: what was painted.",
        fontsize=7.5,
    )
    figure.text(
        _SIDE / width, 0.12 / height, "\n".join(wrap(LIMITS_STATEMENT, 30 * columns)), fontsize=7, weight="bold"
    )
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """In 200 colours, chosen among those that are there however rare (the outlines are): a third of the bytes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    picture.quantize(200, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, format="png", optimize=True
    )


def _cell(axes: Axes, shown: MapToShow, reference: np.ndarray) -> None:
    result = shown.result
    axes.imshow(result.prepared.shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    title = shown.title
    if shown.values is None:
        _fill(axes, result.segmentation.mask)
    else:
        ranged = display_range(shown.ranged_with or (shown.values,))
        scaled = for_display(result.on_slice(shown.values), ranged)
        colours = colormaps["inferno"](scaled)
        colours[..., 3] = np.clip(1.5 * scaled, 0, 1) * 0.75
        axes.imshow(colours, interpolation="bilinear")
        title += "" if ranged.informative else " (uninformative)"
    _box(axes, result)
    if reference.any():
        axes.contour(reference, levels=[0.5], colors=[_PAINTED_COLOUR], linewidths=0.7, linestyles="dashed")
    axes.set_title(title, fontsize=7.5, pad=3)


def _fill(axes: Axes, mask: np.ndarray) -> None:
    if mask.any():
        axes.contour(mask, levels=[0.5], colors=[_MASK_COLOUR], linewidths=1.4)


def _box(axes: Axes, result: SliceExplanation) -> None:
    x0, y0, x1, y1 = result.box.box.extent_xyxy - 0.5
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=_BOX_COLOUR, linewidth=1.1))
