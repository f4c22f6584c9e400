"""The planted cases side by side, each with its outline in kinds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from medxai.contour.look import LOOKS, Look
from medxai.engine import Engine
from medxai.limits import LIMITS_STATEMENT
from medxai.report.overlay import BOX_COLOUR
from medxai.request import ExplainRequest, ModelChoice
from medxai.results import SliceExplanation

from .cases import CASES

#: Pixels around the box that are shown.
_AROUND_PX = 28
_INCHES, _DPI = 3.0, 90


def draw(path: Path, model: ModelChoice) -> None:
    """Writes the picture as PNG.

    Args:
        path: of the picture.
        model: what segments the slices.
    """
    engine = Engine()
    figure = Figure(figsize=(_INCHES * len(CASES), _INCHES + 1.05), dpi=_DPI)
    FigureCanvasAgg(figure)
    grid = figure.subplots(1, len(CASES), gridspec_kw=dict(left=0.01, right=0.99, top=0.9, bottom=0.24, wspace=0.05))
    for axes, case in zip(grid, CASES, strict=True):
        made = case.make()
        request = ExplainRequest(made.volume, made.image, model=model, layers=("neck",))
        (result,) = engine.explain(request, [made.box])
        _draw_case(axes, replace(result, contour=engine.check_contour(request, result)))
        axes.set_title(case.title, fontsize=11)
    lines = [
        Line2D([], [], color=look.colour, linewidth=look.width, linestyle=_dash(look), label=look.title)
        for look in LOOKS.values()
    ]
    figure.legend(
        handles=lines,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.05),
        ncols=3,
        fontsize=11,
        facecolor="black",
        labelcolor="white",
        handlelength=4,
    )
    figure.text(0.5, 0.015, f"{result.model.title}. {LIMITS_STATEMENT}", fontsize=8, ha="center")
    figure.savefig(path, facecolor="white")


def _draw_case(axes: Axes, result: SliceExplanation) -> None:
    """Slices of the planted cases are stored upright."""
    axes.imshow(result.prepared.grey, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    x0, y0, x1, y1 = result.box.box.extent_xyxy - 0.5
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=BOX_COLOUR, linewidth=1.3))
    for one in result.contour.stretches():
        indexes = np.append(one.indexes, one.indexes[0]) if one.is_closed else one.indexes
        look = LOOKS[one.kind]
        axes.plot(*result.contour.points_px[indexes].T, color=look.colour, linewidth=look.width, linestyle=_dash(look))
    middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), max(x1 - x0, y1 - y0) / 2 + _AROUND_PX
    axes.set_xlim(middle[0] - half, middle[0] + half)
    axes.set_ylim(middle[1] + half, middle[1] - half)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(
        ", ".join(f"{LOOKS[kind].title} {share:.0%}" for kind, share in result.contour.share.items()), fontsize=8
    )


def _dash(look: Look) -> tuple[float, tuple[float, ...]] | str:
    """The dashes of a look as Matplotlib counts them, in line widths."""
    return (0, tuple(length / look.width for length in look.dash)) if look.dash else "solid"
