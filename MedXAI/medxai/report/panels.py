"""panels.png: the paper's panels a to d for one explanation."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contour.look import LOOKS, Look, kinds_sentence
from ..contour.result import ContourKind
from ..display_range import DisplayRange, display_range, for_display, signed_range
from ..explainers.registry import map_info
from ..limits import LIMITS_STATEMENT
from ..maps import STAGES, stage_map
from ..results import SaliencyMap, SliceExplanation
from ..slice.orientation import ScreenOrientation, orientation_of
from .overlay import BOX_COLOUR, MASK_COLOUR, colours_of, magnified_side, outlines_of, scale_bar_mm
from .sheet import Cell, Lettering, Sheet
from .sizes import area_text, size_text
from .wording import signed

STAGE_TITLES = {
    1: "Stage 1\norgan prototype",
    2: "Stage 2\nprompt + prototype",
    3: "Stage 3\nfour components,\nspatial weighting",
}
# Inches: a cell's width, the gaps between cells, and the margins for row titles, colour bars, heading and footer.
_CELL_INCHES, _GAP_ACROSS, _GAP_DOWN = 2.5, 0.1, 0.42
_LEFT, _RIGHT, _TOP, _BOTTOM = 1.75, 0.85, 0.95, 1.05
# Inches: besides, the second row of the legend below the first panels, and the line on a box over nothing.
_LEGEND_ROW, _NOTHING_LINE = 0.15, 0.17
# A slice flatter than this gets a wider cell, which it fills; none is wider, or lower in inches, than that.
_FLAT_ASPECT, _TALL_ASPECT, _WIDEST, _LOWEST = 0.55, 1.5, 3.75, 0.5
_TEXT_LEFT = 0.18
# Inches that a scale and its words take above its line.
_SCALE_ROOM = 0.2
_DPI = 110


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
    width, height = drawing.cell_inches
    above = _TOP + (_NOTHING_LINE if result.presence.is_told is False else 0)
    sheet = Sheet(
        _LEFT + columns * width + (columns - 1) * _GAP_ACROSS + _RIGHT,
        above + rows * height + (rows - 1) * _GAP_DOWN + _LEGEND_ROW + _BOTTOM,
        _DPI,
    )

    def cell(row: int, column: int) -> Cell:
        left = _LEFT + column * (width + _GAP_ACROSS)
        top = above + row * (height + _GAP_DOWN) + (_LEGEND_ROW if row else 0)
        return sheet.cell(left, top, width, height, drawing.size_mm)

    _heading(sheet, result, organ)
    drawing.input_panel(cell(0, 0))
    drawing.mask_panel(cell(0, 1))
    drawing.interaction_panel(cell(0, 2))
    drawing.contour_panel(cell(0, 3))
    drawing.terminal_panel(cell(0, 4))
    for row, stage in enumerate(STAGES, start=1):
        drawing.stage_row(stage, [cell(row, column) for column in range(len(result.explanation.layers))], row == 1)
    first_row = 1 + len(STAGES)
    drawing.parts([cell(first_row + n // columns, n % columns) for n in range(len(parts))], parts)
    _footer(sheet, result)
    sheet.save(path)


class _Drawing:
    """The pieces that every panel shares: the upright slice, its scale, and how a map lies over it."""

    def __init__(self, result: SliceExplanation):
        self._result = result
        self._turn: ScreenOrientation = orientation_of(result.prepared.image)
        self._grey = self._turn.upright(result.prepared.shown)
        self._mask = self._turn.upright(result.segmentation.mask)
        rows, columns = self._grey.shape
        self._width_mm, self._height_mm = columns * self._turn.pixel_mm[0], rows * self._turn.pixel_mm[1]
        self.size_mm = self._width_mm, self._height_mm
        self.cell_inches = cell_inches(self._height_mm / self._width_mm)
        # One line with gaps, which is drawn in the time of one.
        gaps = [np.vstack([outline * self._turn.pixel_mm, (np.nan, np.nan)]) for outline in outlines_of(self._mask)]
        self._outline_mm = np.concatenate([np.empty((0, 2)), *gaps])

    def input_panel(self, cell: Cell) -> None:
        self._anatomy(cell)
        self._box(cell)
        cell.letters(self._turn.letters, 8.5)
        self._scale(cell)
        cell.title("a  input with box")

    def mask_panel(self, cell: Cell) -> None:
        self._segmented(cell)
        self._box(cell)
        self._magnified(cell, self._segmented)
        cell.title(f"b  segmented organ, {area_text(self._result)}")

    def interaction_panel(self, cell: Cell) -> None:
        values = self._result.explanation.interaction
        self._map(cell, values, display_range([values]))
        self._box(cell)
        cell.title("c  feature interaction")

    def terminal_panel(self, cell: Cell) -> None:
        values = self._result.explanation.terminal
        shown = display_range([values])
        self._map(cell, values, shown, outline=True)
        self._magnified(cell, lambda inset: self._map(inset, values, shown, outline=True))
        cell.title("terminal map (mask logits)")
        cell.colour_bar(shown)

    def contour_panel(self, cell: Cell) -> None:
        self._contour(cell)
        self._magnified(cell, self._contour)
        cell.title("which stretch to check")
        check = self._result.contour
        shown = [kind for kind in LOOKS if check.follows_box is not None or kind != ContourKind.FOLLOWS_BOX]
        cell.legend(
            [_line_style(LOOKS[kind]) for kind in shown],
            [f"{LOOKS[kind].title} {check.share[kind]:.0%}" for kind in shown],
            self.cell_inches[0],
        )

    def _contour(self, cell: Cell) -> None:
        self._anatomy(cell)
        self._box(cell)
        check = self._result.contour
        placed = self._turn.upright_points(check.points_px, self._result.prepared.grey.shape) * self._turn.pixel_mm
        for one in check.stretches():
            indexes = np.append(one.indexes, one.indexes[0]) if one.is_closed else one.indexes
            cell.line(placed[indexes], **_line_style(LOOKS[one.kind]))

    def stage_row(self, stage: int, cells: Sequence[Cell], is_first: bool) -> None:
        """A stage's maps of all layers, on one range."""
        layers = self._result.explanation.layers
        shown = display_range(maps.stages[stage] for maps in layers)
        cells[0].text(-0.05, 0.5, ("d  " if is_first else "") + STAGE_TITLES[stage], Lettering(9, "rm"))
        for cell, maps in zip(cells, layers, strict=True):
            self._map(cell, maps.stages[stage], shown, outline=True)
            if is_first:
                cell.title(maps.layer, centred=True)
            share = self._result.concentration.share_inside[stage_map(stage, maps.layer)]
            cell.caption(self._said_of(share) if shown.informative else "uninformative")
        cells[-1].colour_bar(shown)

    def parts(self, cells: Sequence[Cell], parts: Sequence[SaliencyMap]) -> None:
        """Signed maps that add up to one, on one range, with what their sign means."""
        for number, (cell, part) in enumerate(zip(cells, parts, strict=True)):
            info, explainer = map_info(part.map_id.key), part.map_id.explainer
            shown = signed_range(other.values for other in parts if other.map_id.explainer == explainer)
            self._map(cell, part.values, shown, outline=True)
            cell.title(("e  " if number == 0 else "") + info.title)
            cell.caption(info.sign)
            if number + 1 == len(parts):
                cell.colour_bar(shown)

    def _said_of(self, share: float | None) -> str:
        if share is None:
            return "no positive value"
        of_slice = self._result.concentration.mask_share
        return f"{share:.0%} inside the mask" + (f" ({share / of_slice:.1f}×)" if of_slice else "")

    def _anatomy(self, cell: Cell) -> None:
        cell.image(self._grey, self.size_mm)

    def _segmented(self, cell: Cell) -> None:
        self._anatomy(cell)
        if self._mask.any():
            fill = np.zeros((*self._mask.shape, 4))
            fill[self._mask] = (*_rgb(MASK_COLOUR), 0.35)
            cell.image(fill, self.size_mm)
            self._outline(cell, 1.2)

    def _magnified(self, cell: Cell, draw: Callable[[Cell], None]) -> None:
        """A small organ once more, larger, in the corner away from it."""
        x0, y0, x1, y1 = self._box_mm
        side = magnified_side((x1 - x0, y1 - y0), self.size_mm)
        if side is None:
            return
        left = 0.62 if x0 + x1 < self._width_mm else 0.0
        top = 0.55 if y0 + y1 < self._height_mm else 0.0
        height = side * (0.45 * self._height_mm) / (0.38 * self._width_mm)
        around = (x0 + x1 - side) / 2, (y0 + y1 - height) / 2, side, height
        draw(cell.inset((left, top, 0.38, 0.45), around))

    def _map(self, cell: Cell, values: np.ndarray, shown: DisplayRange, outline: bool = False) -> None:
        self._anatomy(cell)
        scaled = for_display(self._turn.upright(self._result.on_slice(values)), shown)
        colours = colours_of(scaled, shown, self._result.presence.is_told is False)
        cell.image(colours, self.size_mm, smooth=True)
        if outline:
            self._outline(cell, 0.8)

    def _outline(self, cell: Cell, width: float) -> None:
        cell.line(self._outline_mm, color=MASK_COLOUR, linewidth=width)

    @property
    def _box_mm(self) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = self._turn.upright_extent(self._result.box.box, self._result.prepared.grey.shape)
        across, down = self._turn.pixel_mm
        return x0 * across, y0 * down, x1 * across, y1 * down

    def _box(self, cell: Cell) -> None:
        cell.rectangle(*self._box_mm, edgecolor=BOX_COLOUR, linewidth=1.3)

    def _scale(self, cell: Cell) -> None:
        if not self._result.prepared.image.facts.has_known_spacing:
            return
        length = scale_bar_mm(self._width_mm)
        x, y = 0.06 * self._width_mm, 0.93 * self._height_mm
        x0, _, _, y1 = self._box_mm
        # In the slice's corner, where the box's edges leave it free; they and a scale of white lines would be one figure.
        if x0 < x + length and y1 > y - _SCALE_ROOM * self._height_mm / cell.height:
            cell.scale_below(length, f"{length:g} mm")
            return
        ends = np.array([(x, y), (x + length, y)])
        for colour, width in (("black", 4), ("white", 2)):
            cell.line(ends, color=colour, linewidth=width, solid_capstyle="butt")
        cell.text(0.06, 0.91, f"{length:g} mm", Lettering(8, "ld", colour="white", dark_edge=True))


def _line_style(look: Look) -> dict[str, Any]:
    """A look as Matplotlib takes it, which counts dashes in line widths."""
    dashes = (0, tuple(length / look.width for length in look.dash)) if look.dash else "solid"
    return dict(color=look.colour, linewidth=look.width, linestyle=dashes)


def _heading(sheet: Sheet, result: SliceExplanation, organ: str) -> None:
    image, parameters = result.prepared.image, result.explanation.parameters
    sheet.text(
        _TEXT_LEFT,
        0.28,
        " · ".join(["MedXAI", image.volume_name, image.where, *([organ] if organ else []), result.model.title]),
        Lettering(12, bold=True),
    )
    token = size_text(result, *orientation_of(image).upright_size(result.resolution_mm))
    sheet.text(
        _TEXT_LEFT,
        0.52,
        f"preset {parameters.preset.value}; {image.facts.modality_text}, grey values {result.prepared.grey_range.text}; "
        f"one token of the maps is {token} (only the terminal map is finer); mask = {result.concentration.mask_share:.1%} of the slice (×: how many times that share)",
    )
    if result.presence.is_told is False:
        sheet.text(_TEXT_LEFT, 0.70, result.presence.sentence, Lettering(bold=True, colour="#b00020"))


def _footer(sheet: Sheet, result: SliceExplanation) -> None:
    unit = "mm" if result.prepared.image.facts.has_known_spacing else "pixels"
    sheet.text(_TEXT_LEFT, sheet.height - 0.66, f"{kinds_sentence(result.contour, unit)}{_where_it_lies(result)}")
    narrowing = result.concentration.narrowing_share
    if narrowing is not None:
        total, model, construction = (signed(value, 0) for value in narrowing.points())
        sheet.text(
            _TEXT_LEFT,
            sheet.height - 0.44,
            f"Share of the map inside the mask, first layer of stage 1 to last layer of stage 3: {total} percentage points, "
            f"{model} by the model's layers and {construction} by how stage 3 is constructed.",
        )
    sheet.text(_TEXT_LEFT, sheet.height - 0.18, LIMITS_STATEMENT, Lettering(bold=True))


def _where_it_lies(result: SliceExplanation) -> str:
    """Why the outline of the contour check differs from that of the mask, which a small organ shows."""
    if not len(result.contour):
        return ""
    rows, columns = result.explanation.terminal.shape
    return (
        f" It lies on the model's {columns} × {rows} grid; the outlines of the other panels follow the slice's pixels."
    )


def cell_inches(aspect: float) -> tuple[float, float]:
    """Width and height of a slice's cell; a flat slice gets a wider one of about the area of others.

    Args:
        aspect: The slice's height by its width, in millimetres.
    """
    if aspect >= _FLAT_ASPECT:
        return _CELL_INCHES, _CELL_INCHES * min(aspect, _TALL_ASPECT)
    width = min(_CELL_INCHES * float(np.sqrt(_FLAT_ASPECT / aspect)), _WIDEST)
    return width, max(width * aspect, _LOWEST)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return red, green, blue
