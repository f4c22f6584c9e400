"""panels.png: the paper's panels a to d for one explanation."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from ..contour.look import LOOKS, Look, kinds_sentence
from ..contour.result import ContourKind
from ..display_range import DisplayRange, display_range, for_display, signed_range
from ..explainers.registry import map_info
from ..limits import LIMITS_STATEMENT
from ..maps import STAGES, stage_map
from ..results import SaliencyMap, SliceExplanation
from ..slice.orientation import ScreenOrientation, orientation_of
from .overlay import BOX_COLOUR, MASK_COLOUR, colours_of, scale_bar_mm
from .sizes import area_text, size_text

STAGE_TITLES = {
    1: "Stage 1\norgan prototype",
    2: "Stage 2\nprompt + prototype",
    3: "Stage 3\nfour components,\nspatial weighting",
}
# Inches: a cell's width, the gaps between cells, and the margins for row titles, colour bars, heading and footer.
_CELL_INCHES, _GAP_ACROSS, _GAP_DOWN = 2.5, 0.1, 0.42
_LEFT, _RIGHT, _TOP, _BOTTOM = 1.75, 0.85, 0.95, 1.05
_DPI = 110
#: Of 9: a twentieth more bytes than at the usual 6, in a third of the time.
_COMPRESSION = 2
#: White marks stay readable on bright fat.
_DARK_EDGE = [withStroke(linewidth=2, foreground="black")]
#: A box whose surroundings take less than this share of the slice is shown magnified as well.
_MAGNIFY_BELOW = 0.5


def write_panels(result: SliceExplanation, path: Path, parts: Sequence[SaliencyMap] = (), organ: str = "") -> None:
    """Draws the panels as PNG: a input with box, b segmented organ, c feature interaction, the contour check, d every stage at every layer.

    The slice stands upright (patient's right on the left); every map has its range, the scale is in millimetres.

    Args:
        result: What is drawn.
        path: Of the file.
        parts: Signed maps that add up to one, such as the ledger's, drawn below on one range; none for none.
        organ: Its name in the heading, where the slice has results of several; '' for none.
    """
    drawing = _Drawing(result)
    columns = max(len(result.explanation.layers), 5)
    rows = 1 + len(STAGES) + -(-len(parts) // columns)
    cell_height = _CELL_INCHES * min(max(drawing.aspect, 0.55), 1.5)
    width = _LEFT + columns * _CELL_INCHES + (columns - 1) * _GAP_ACROSS + _RIGHT
    height = _TOP + rows * cell_height + (rows - 1) * _GAP_DOWN + _BOTTOM
    figure = Figure(figsize=(width, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=_LEFT / width,
        right=1 - _RIGHT / width,
        top=1 - _TOP / height,
        bottom=_BOTTOM / height,
        hspace=_GAP_DOWN / cell_height,
        wspace=_GAP_ACROSS / _CELL_INCHES,
    )
    _heading(figure, result, organ)
    drawing.input_panel(figure.add_subplot(grid[0, 0]))
    drawing.mask_panel(figure.add_subplot(grid[0, 1]))
    drawing.interaction_panel(figure.add_subplot(grid[0, 2]))
    drawing.contour_panel(figure.add_subplot(grid[0, 3]))
    drawing.terminal_panel(figure.add_subplot(grid[0, 4]))
    for row, stage in enumerate(STAGES, start=1):
        shown = display_range(maps.stages[stage] for maps in result.explanation.layers)
        for column, maps in enumerate(result.explanation.layers):
            axes = figure.add_subplot(grid[row, column])
            drawing.stage_cell(axes, stage, maps.layer, maps.stages[stage], shown, first_row=row == 1)
            if column == 0:
                prefix = "d  " if row == 1 else ""
                axes.text(
                    -0.05,
                    0.5,
                    prefix + STAGE_TITLES[stage],
                    transform=axes.transAxes,
                    ha="right",
                    va="center",
                    fontsize=9,
                )
        _colour_bar(figure, axes, shown)
    drawing.parts(
        [figure.add_subplot(grid[1 + len(STAGES) + n // columns, n % columns]) for n in range(len(parts))], parts
    )
    _footer(figure, result)
    with warnings.catch_warnings():
        # A name in letters that the font lacks (Chinese, for example) is drawn as boxes; the page has it in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(path, format="png", facecolor="white", pil_kwargs={"compress_level": _COMPRESSION})


class _Drawing:
    """The pieces that every panel shares: the upright slice, its scale, and how a map lies over it."""

    def __init__(self, result: SliceExplanation):
        self._result = result
        self._turn: ScreenOrientation = orientation_of(result.prepared.image)
        self._grey = self._turn.upright(result.prepared.shown)
        self._mask = self._turn.upright(result.segmentation.mask)
        rows, columns = self._grey.shape
        self._width_mm, self._height_mm = columns * self._turn.pixel_mm[0], rows * self._turn.pixel_mm[1]
        self.aspect = self._height_mm / self._width_mm

    def input_panel(self, axes: Axes) -> None:
        self._anatomy(axes)
        self._box(axes)
        self._letters(axes)
        self._scale(axes)
        axes.set_title("a  input with box", fontsize=10, loc="left")

    def mask_panel(self, axes: Axes) -> None:
        self._segmented(axes)
        self._box(axes)
        self._magnified(axes, self._segmented)
        axes.set_title(f"b  segmented organ, {area_text(self._result)}", fontsize=10, loc="left")

    def interaction_panel(self, axes: Axes) -> None:
        values = self._result.explanation.interaction
        self._map(axes, values, display_range([values]))
        self._box(axes)
        axes.set_title("c  feature interaction", fontsize=10, loc="left")

    def terminal_panel(self, axes: Axes) -> None:
        values = self._result.explanation.terminal
        shown = display_range([values])
        self._map(axes, values, shown, outline=True)
        self._magnified(axes, lambda inset: self._map(inset, values, shown, outline=True))
        axes.set_title("terminal map (mask logits)", fontsize=10, loc="left")
        _colour_bar(axes.figure, axes, shown)

    def contour_panel(self, axes: Axes) -> None:
        self._contour(axes)
        self._magnified(axes, self._contour)
        axes.set_title("which stretch to check", fontsize=10, loc="left")
        shown = [
            kind for kind in LOOKS if self._result.contour.follows_box is not None or kind != ContourKind.FOLLOWS_BOX
        ]
        handles = [
            Line2D([], [], color=LOOKS[kind].colour, linewidth=LOOKS[kind].width, linestyle=_dash(LOOKS[kind]))
            for kind in shown
        ]
        labels = [f"{LOOKS[kind].title} {self._result.contour.share[kind]:.0%}" for kind in shown]
        axes.legend(
            handles,
            labels,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.01),
            ncols=len(shown),
            fontsize=6.5,
            facecolor="black",
            labelcolor="white",
            handlelength=2.2,
            columnspacing=0.8,
            borderpad=0.4,
        )

    def _contour(self, axes: Axes) -> None:
        self._anatomy(axes)
        self._box(axes)
        check = self._result.contour
        placed = self._turn.upright_points(check.points_px, self._result.prepared.grey.shape) * self._turn.pixel_mm
        for one in check.stretches():
            indexes = np.append(one.indexes, one.indexes[0]) if one.is_closed else one.indexes
            look = LOOKS[one.kind]
            axes.plot(*placed[indexes].T, color=look.colour, linewidth=look.width, linestyle=_dash(look))

    def stage_cell(
        self, axes: Axes, stage: int, layer: str, values: np.ndarray, shown: DisplayRange, first_row: bool
    ) -> None:
        self._map(axes, values, shown, outline=True)
        if first_row:
            axes.set_title(layer, fontsize=10)
        share = self._result.concentration.share_inside[stage_map(stage, layer)]
        axes.set_xlabel(self._said_of(share) if shown.informative else "uninformative", fontsize=8, labelpad=2)

    def parts(self, cells: Sequence[Axes], parts: Sequence[SaliencyMap]) -> None:
        """Signed maps that add up to one, on one range, with what their sign means."""
        for number, (axes, part) in enumerate(zip(cells, parts, strict=True)):
            info, explainer = map_info(part.map_id.key), part.map_id.explainer
            shown = signed_range(other.values for other in parts if other.map_id.explainer == explainer)
            self._map(axes, part.values, shown, outline=True)
            axes.set_title(("e  " if number == 0 else "") + info.title, fontsize=10, loc="left")
            axes.set_xlabel(info.sign, fontsize=8, labelpad=2)
            if number + 1 == len(parts):
                _colour_bar(axes.figure, axes, shown)

    def _said_of(self, share: float | None) -> str:
        if share is None:
            return "no positive value"
        of_slice = self._result.concentration.mask_share
        return f"{share:.0%} inside the mask" + (f" ({share / of_slice:.1f}×)" if of_slice else "")

    @property
    def _extent(self) -> tuple[float, float, float, float]:
        return 0, self._width_mm, self._height_mm, 0

    def _anatomy(self, axes: Axes) -> None:
        axes.imshow(self._grey, cmap="gray", vmin=0, vmax=255, extent=self._extent, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])

    def _segmented(self, axes: Axes) -> None:
        self._anatomy(axes)
        if self._mask.any():
            fill = np.zeros((*self._mask.shape, 4))
            fill[self._mask] = (*_rgb(MASK_COLOUR), 0.35)
            axes.imshow(fill, extent=self._extent, interpolation="nearest")
            self._outline(axes, 1.2)

    def _magnified(self, axes: Axes, draw: Callable[[Axes], None]) -> None:
        """A small organ once more, larger, in the corner away from it."""
        x0, y0, x1, y1 = self._box_mm
        side = 2 * max(x1 - x0, y1 - y0)
        if side > _MAGNIFY_BELOW * min(self._width_mm, self._height_mm):
            return
        left = 0.62 if x0 + x1 < self._width_mm else 0.0
        inset = axes.inset_axes((left, 0.0 if y0 + y1 < self._height_mm else 0.55, 0.38, 0.45))
        draw(inset)
        middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
        height = side * (0.45 * self._height_mm) / (0.38 * self._width_mm)
        inset.set_xlim(middle_x - side / 2, middle_x + side / 2)
        inset.set_ylim(middle_y + height / 2, middle_y - height / 2)
        for spine in inset.spines.values():
            spine.set_color("white")

    def _map(self, axes: Axes, values: np.ndarray, shown: DisplayRange, outline: bool = False) -> None:
        self._anatomy(axes)
        scaled = for_display(self._turn.upright(self._result.on_slice(values)), shown)
        colours = colours_of(scaled, shown, self._result.presence.is_told is False)
        axes.imshow(colours, extent=self._extent, interpolation="bilinear")
        if outline and self._mask.any():
            self._outline(axes, 0.8)

    def _outline(self, axes: Axes, width: float) -> None:
        across, down = self._turn.pixel_mm
        x = (np.arange(self._mask.shape[1]) + 0.5) * across
        y = (np.arange(self._mask.shape[0]) + 0.5) * down
        if min(self._mask.shape) > 1:
            axes.contour(x, y, self._mask.astype(float), levels=[0.5], colors=[MASK_COLOUR], linewidths=width)

    @property
    def _box_mm(self) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = self._turn.upright_extent(self._result.box.box, self._result.prepared.grey.shape)
        across, down = self._turn.pixel_mm
        return x0 * across, y0 * down, x1 * across, y1 * down

    def _box(self, axes: Axes) -> None:
        x0, y0, x1, y1 = self._box_mm
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=BOX_COLOUR, linewidth=1.3))

    def _letters(self, axes: Axes) -> None:
        left, right, top, bottom = self._turn.letters
        for x, y, letter in ((0.03, 0.5, left), (0.97, 0.5, right), (0.5, 0.96, top), (0.5, 0.04, bottom)):
            axes.text(
                x,
                y,
                letter,
                transform=axes.transAxes,
                color="white",
                fontsize=9,
                ha="center",
                va="center",
                path_effects=_DARK_EDGE,
            )

    def _scale(self, axes: Axes) -> None:
        if not self._result.prepared.image.facts.has_known_spacing:
            return
        length = scale_bar_mm(self._width_mm)
        x, y = 0.06 * self._width_mm, 0.93 * self._height_mm
        axes.plot([x, x + length], [y, y], color="white", linewidth=2, solid_capstyle="butt", path_effects=_DARK_EDGE)
        axes.text(
            x,
            y - 0.02 * self._height_mm,
            f"{length:g} mm",
            color="white",
            fontsize=8,
            ha="left",
            va="bottom",
            path_effects=_DARK_EDGE,
        )


def _dash(look: Look) -> tuple[float, tuple[float, ...]] | Literal["solid"]:
    """The dashes of a look as Matplotlib counts them, in line widths."""
    return (0, tuple(length / look.width for length in look.dash)) if look.dash else "solid"


def _colour_bar(figure: Figure | SubFigure, axes: Axes, shown: DisplayRange) -> None:
    if not shown.informative:
        return
    place = axes.get_position()
    bar = figure.add_axes((place.x1 + 0.006, place.y0, 0.008, place.height))
    colours = ListedColormap(colours_of(np.linspace(0, 1, 256), shown)[:, :3])
    figure.colorbar(ScalarMappable(Normalize(shown.lower, shown.upper), colours), cax=bar)
    bar.tick_params(labelsize=7)


def _heading(figure: Figure, result: SliceExplanation, organ: str) -> None:
    image, parameters = result.prepared.image, result.explanation.parameters
    figure.text(
        0.012,
        1 - 0.28 / figure.get_figheight(),
        " · ".join(["MedXAI", image.volume_name, image.where, *([organ] if organ else []), result.model.title]),
        fontsize=12,
        weight="bold",
        parse_math=False,
    )
    token = size_text(result, *result.resolution_mm)
    figure.text(
        0.012,
        1 - 0.52 / figure.get_figheight(),
        f"preset {parameters.preset.value}; {image.facts.modality_text}, grey values {result.prepared.grey_range.text}; "
        f"one token of the maps is {token} (only the terminal map is finer); mask = {result.concentration.mask_share:.1%} of the slice (×: how many times that share)",
        fontsize=8.5,
    )


def _footer(figure: Figure, result: SliceExplanation) -> None:
    narrowing = result.concentration.narrowing_share
    if narrowing is not None:
        figure.text(
            0.012,
            0.44 / figure.get_figheight(),
            f"Share of the map inside the mask, first layer of stage 1 to last layer of stage 3: {100 * narrowing.total:+.0f} percentage points, "
            f"{100 * narrowing.by_the_model:+.0f} by the model's layers and {100 * narrowing.by_construction:+.0f} by how stage 3 is constructed.",
            fontsize=8.5,
        )
    unit = "mm" if result.prepared.image.facts.has_known_spacing else "pixels"
    figure.text(0.012, 0.66 / figure.get_figheight(), kinds_sentence(result.contour, unit), fontsize=8.5)
    if result.presence.is_told is False:
        figure.text(
            0.012,
            1 - 0.70 / figure.get_figheight(),
            result.presence.sentence,
            fontsize=8.5,
            weight="bold",
            color="#b00020",
        )
    figure.text(0.012, 0.18 / figure.get_figheight(), LIMITS_STATEMENT, fontsize=8.5, weight="bold")


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return red, green, blue
