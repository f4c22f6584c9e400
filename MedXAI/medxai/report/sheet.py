"""A drawn page of pictures: cells with a slice each, without axes.

Matplotlib's axes, ticks and text take ten times as long as what is seen of them, so Pillow scales the pictures and writes
the words, and Matplotlib's renderer draws the lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox
from PIL import Image, ImageDraw, ImageFont

from ..display_range import DisplayRange
from .overlay import colours_of

#: Of 9: a twentieth more bytes than at the usual 6, in a third of the time.
_COMPRESSION = 2
_POINTS_PER_INCH = 72
# Inches: the gap before a colour bar, its width, its ticks, and the gaps between them and their numbers.
_BAR_GAP, _BAR_WIDTH, _TICK, _TICK_GAP = 0.09, 0.12, 0.05, 0.04
_BAR_STEPS = 256
_FRAME_POINTS = 0.8
# Inches: room for a number at a colour bar, which has at most so many.
_TICK_ROOM, _MOST_TICKS = 0.16, 9
# Inches: a legend's height, its distance from the cell, the length of its lines, and its gaps.
_LEGEND_HEIGHT, _LEGEND_BELOW, _SAMPLE, _SAMPLE_GAP = 0.15, 0.03, 0.2, 0.06
# Inches: from the cell's edges to the letters at them, and from its lower edge to the middle of a scale below it.
_LETTER_INSET, _SCALE_BELOW = 0.05, 0.1


@dataclass(frozen=True)
class Lettering:
    """How words are written.

    Attributes:
        points: Size of the letters.
        anchor: Which point of the text lies at its place, as Pillow names it: left, middle or right; then ascender,
            middle, baseline (s) or descender.
        bold: Whether letters are bold.
        colour: Of the letters.
        dark_edge: Whether letters have a black edge, so that they stay readable on bright fat.
    """

    points: float = 8.5
    anchor: str = "ls"
    bold: bool = False
    colour: str = "black"
    dark_edge: bool = False


class _PlacedPicture(Artist):
    """A picture in pixels of the page; Matplotlib's own image would be scaled once more."""

    def __init__(self, picture: Image.Image, left_px: int, below_px: int):
        super().__init__()
        # The renderer counts rows of a picture from below.
        self._pixels = np.asarray(picture.convert("RGBA"))[::-1]
        self._place = left_px, below_px

    def draw(self, renderer: RendererBase) -> None:
        context = renderer.new_gc()
        renderer.draw_image(context, *self._place, self._pixels)
        context.restore()


class Sheet:
    """A white page; (0, 0) is its upper left corner, x to the right and y downwards.

    Args:
        width: In inches.
        height: In inches.
        dpi: Pixels per inch.
    """

    def __init__(self, width: float, height: float, dpi: float):
        self.width, self.height, self.dpi = width, height, dpi
        self._figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        self._height_px = int(self._figure.bbox.height)
        self._down = Affine2D().scale(1, -1).translate(0, self._height_px)
        self._words: list[tuple[float, float, str, Lettering]] = []

    def text(self, x: float, y: float, said: str, lettering: Lettering = Lettering()) -> None:
        """Writes at a place; words lie above everything else.

        Args:
            x: In inches.
            y: In inches.
            said: The words; a letter that the font lacks is drawn as a box.
            lettering: How they are written.
        """
        self._words.append((x, y, said, lettering))

    def cell(self, left: float, top: float, width: float, height: float, size: tuple[float, float]) -> "Cell":
        """A cell for pictures of one size.

        Args:
            left: Of the room for it, in inches.
            top: Of the room for it, in inches.
            width: Of the room for it, in inches.
            height: Of the room for it, in inches.
            size: Width and height of the whole picture in its own unit (mm); it lies in the middle of the room, not stretched.
        """
        scale = min(width / size[0], height / size[1])
        across, down = size[0] * scale, size[1] * scale
        frame = left + (width - across) / 2, top + (height - down) / 2, across, down
        return Cell(self, frame, (0.0, 0.0, *size))

    def line(self, x: Sequence[float], y: Sequence[float], clip: Bbox | None = None, **style: Any) -> None:
        """Draws a line through places in pixels; `style` as of Matplotlib's Line2D."""
        self._add(Line2D(x, y, transform=self._down, **style), clip)

    def rectangle(self, bounds: tuple[float, float, float, float], clip: Bbox | None = None, **style: Any) -> None:
        """Draws a rectangle of left, top, width and height in pixels; `style` as of Matplotlib's Rectangle."""
        self._add(Rectangle(bounds[:2], *bounds[2:], transform=self._down, **style), clip)

    def image(self, picture: Image.Image, left_px: int, top_px: int) -> None:
        """Lays a picture as it is, pixel by pixel."""
        self._add(_PlacedPicture(picture, left_px, self._height_px - top_px - picture.height))

    def _add(self, artist: Artist, clip: Bbox | None = None) -> None:
        # All at one height but frames: what comes later lies above what came before.
        artist.set_zorder(max(artist.get_zorder(), 2))
        self._figure.add_artist(artist)
        artist.set_clip_path(None)
        if clip is not None:
            artist.set_clip_box(TransformedBbox(clip, self._down))

    def length_of(self, said: str, lettering: Lettering) -> float:
        """How wide words become, in inches."""
        return self._font(lettering).getlength(said) / self.dpi

    def picture(self) -> Image.Image:
        """The page as drawn so far."""
        self._canvas.draw()
        picture = Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")
        pen = ImageDraw.Draw(picture)
        for x, y, said, lettering in self._words:
            pen.text(
                (x * self.dpi, y * self.dpi),
                said,
                lettering.colour,
                self._font(lettering),
                lettering.anchor,
                align={"l": "left", "m": "center", "r": "right"}[lettering.anchor[0]],
                stroke_width=round(self.dpi / _POINTS_PER_INCH) if lettering.dark_edge else 0,
                stroke_fill="black",
            )
        return picture

    def save(self, path: Path) -> None:
        """Writes the page as PNG."""
        self.picture().save(path, format="png", dpi=(self.dpi, self.dpi), compress_level=_COMPRESSION)

    def _font(self, lettering: Lettering) -> ImageFont.FreeTypeFont:
        name = "DejaVuSans-Bold.ttf" if lettering.bold else "DejaVuSans.ttf"
        path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
        return ImageFont.truetype(path, lettering.points * self.dpi / _POINTS_PER_INCH)


class Cell:
    """A part of a sheet that shows a slice; what is drawn in it is cut at its edges.

    Args:
        sheet: The page.
        frame: Left, top, width and height on the page, in inches.
        window: Left, top, width and height of what the cell shows, in the picture's own unit (mm).
        edge: Colour of its frame.
    """

    def __init__(
        self,
        sheet: Sheet,
        frame: tuple[float, float, float, float],
        window: tuple[float, float, float, float],
        edge: str = "black",
    ):
        self._sheet, self._window = sheet, window
        # On whole pixels, so that pictures and their frames fit.
        left, top = round(frame[0] * sheet.dpi), round(frame[1] * sheet.dpi)
        across, down = max(round(frame[2] * sheet.dpi), 1), max(round(frame[3] * sheet.dpi), 1)
        self._frame_px = left, top, across, down
        self.left, self.top, self.width, self.height = (length / sheet.dpi for length in self._frame_px)
        self._scale = np.array([across / window[2], down / window[3]])
        self._clip = Bbox.from_bounds(*self._frame_px)
        sheet.rectangle(self._frame_px, fill=False, edgecolor=edge, linewidth=_FRAME_POINTS, zorder=3)

    def inset(self, share: tuple[float, float, float, float], window: tuple[float, float, float, float]) -> "Cell":
        """A smaller cell upon this one, framed in white.

        Args:
            share: Left, top, width and height, as shares of this cell.
            window: Left, top, width and height of what it shows, in the picture's own unit (mm).
        """
        x, y, width, height = share
        place = self.left + x * self.width, self.top + y * self.height
        return Cell(self._sheet, (*place, width * self.width, height * self.height), window, edge="white")

    def image(self, pixels: np.ndarray, size: tuple[float, float], smooth: bool = False) -> None:
        """Lays a picture from (0, 0) to `size`, as much of it as the cell shows.

        Args:
            pixels: (rows, columns) uint8 grey, or (rows, columns, 4) colours and opacity in [0, 1].
            size: Its width and height in the picture's own unit (mm).
            smooth: Whether pixels go over into each other where they are enlarged.
        """
        if pixels.dtype != np.uint8:
            pixels = np.rint(255 * pixels).astype(np.uint8)
        window = np.array(self._window)
        shown = np.array([np.maximum(window[:2], 0), np.minimum(window[:2] + window[2:], size)])
        if (shown[1] <= shown[0]).any():
            return
        (left, top), (right, bottom) = np.rint(self.place(shown)).astype(int)
        from_x, from_y, to_x, to_y = (shown / size * pixels.shape[1::-1]).ravel().tolist()
        picture = Image.fromarray(np.ascontiguousarray(pixels)).resize(
            (max(right - left, 1), max(bottom - top, 1)),
            Image.Resampling.BILINEAR if smooth else Image.Resampling.BOX,
            box=(from_x, from_y, to_x, to_y),
        )
        self._sheet.image(picture, left, top)

    def line(self, points: np.ndarray, **style: Any) -> None:
        """Draws a line through (n, 2) points; `style` as of Matplotlib's Line2D."""
        x, y = self.place(points).T.tolist()
        self._sheet.line(x, y, self._clip, **style)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, **style: Any) -> None:
        """Draws a rectangle's edges; `style` as of Matplotlib's Rectangle."""
        (left, top), (right, bottom) = self.place(np.array([(x0, y0), (x1, y1)]))
        self._sheet.rectangle((left, top, right - left, bottom - top), self._clip, fill=False, **style)

    def text(self, x: float, y: float, said: str, lettering: Lettering) -> None:
        """Writes at a share of the cell, (0, 0) being its upper left corner."""
        self._sheet.text(self.left + x * self.width, self.top + y * self.height, said, lettering)

    def title(self, said: str, points: float = 10, centred: bool = False, colour: str = "black") -> None:
        """Writes above the cell."""
        x, y = self.left + (self.width / 2 if centred else 0), self.top - 0.6 * points / _POINTS_PER_INCH
        self._sheet.text(x, y, said, Lettering(points, "ms" if centred else "ls", colour=colour))

    def caption(self, said: str) -> None:
        """Writes below the cell."""
        self._sheet.text(self.left + self.width / 2, self.top + self.height + 0.03, said, Lettering(8, "ma"))

    def letters(self, letters: Sequence[str], points: float) -> None:
        """Writes which side of the patient is where, just within the edges.

        Args:
            letters: At the left, right, top and bottom; '' for none.
            points: Their size.
        """
        across, down = _LETTER_INSET / self.width, _LETTER_INSET / self.height
        places = ((across, 0.5, "lm"), (1 - across, 0.5, "rm"), (0.5, down, "mt"), (0.5, 1 - down, "mb"))
        for (x, y, anchor), letter in zip(places, letters, strict=True):
            self.text(x, y, letter, Lettering(points, anchor, bold=True, colour="white", dark_edge=True))

    def scale_below(self, length: float, said: str) -> None:
        """Draws a length of the picture's own unit (mm) below the cell, at its left edge, with words."""
        sheet, y = self._sheet, self.top + self.height + _SCALE_BELOW
        right = self.left + length * self._scale[0] / sheet.dpi
        ends = self.left * sheet.dpi, right * sheet.dpi
        sheet.line(ends, [y * sheet.dpi] * 2, color="black", linewidth=2, solid_capstyle="butt")
        sheet.text(right + _SAMPLE_GAP, y, said, Lettering(8, "lm"))

    def legend(self, styles: Sequence[dict[str, Any]], labels: Sequence[str], room: float) -> None:
        """What lines of some styles (Matplotlib's Line2D) mean, on black below the cell.

        Args:
            styles: Of the lines.
            labels: What each means.
            room: How wide it may be, in inches; what is too much for one row goes into the next.
        """
        sheet, lettering = self._sheet, Lettering(6.5, "lm", colour="white")
        rows: list[list[tuple[dict[str, Any], str, float]]] = [[]]
        for style, label in zip(styles, labels, strict=True):
            width = _SAMPLE + sheet.length_of(label, lettering) + 3 * _SAMPLE_GAP
            if rows[-1] and sum(before for *_, before in rows[-1]) + width > room:
                rows.append([])
            rows[-1].append((style, label, width))
        whole = max(sum(width for *_, width in row) for row in rows)
        left, top = self.left + (self.width - whole) / 2, self.top + self.height + _LEGEND_BELOW
        bounds = np.array((left, top, whole, len(rows) * _LEGEND_HEIGHT)) * sheet.dpi
        sheet.rectangle(tuple(bounds), facecolor="black", edgecolor="none")
        for number, row in enumerate(rows):
            x, middle = left + _SAMPLE_GAP, top + (number + 0.5) * _LEGEND_HEIGHT
            for style, label, width in row:
                ends = x * sheet.dpi, (x + _SAMPLE) * sheet.dpi
                sheet.line(ends, [middle * sheet.dpi] * 2, **style)
                sheet.text(x + _SAMPLE + _SAMPLE_GAP, middle, label, lettering)
                x += width

    def colour_bar(self, shown: DisplayRange) -> None:
        """Draws the colours of a range at the right of the cell, with its values; nothing where there is nothing to show."""
        if not shown.informative:
            return
        span, sheet = shown.upper - shown.lower, self._sheet
        frame = self.left + self.width + _BAR_GAP, self.top, _BAR_WIDTH, self.height
        bar = Cell(sheet, frame, (0.0, 0.0, 1.0, 1.0))
        bar.image(colours_of(np.linspace(1, 0, _BAR_STEPS), shown)[:, None, :3], (1, 1))
        right = bar.left + bar.width
        for value in _ticks(shown, int(bar.height / _TICK_ROOM)):
            y = bar.top + float((shown.upper - value) / span) * bar.height
            ends = right * sheet.dpi, (right + _TICK) * sheet.dpi
            sheet.line(ends, [y * sheet.dpi] * 2, color="black", linewidth=_FRAME_POINTS)
            sheet.text(right + _TICK + _TICK_GAP, y, f"{value:.6g}".replace("-", "−"), Lettering(7, "lm"))

    def place(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) points of the picture, on the page in pixels."""
        return (points - self._window[:2]) * self._scale + self._frame_px[:2]


def _ticks(shown: DisplayRange, room: int) -> list[float]:
    """Round values within a range: as many as there is room for, but at least two, since one alone is no scale."""
    values: list[float] = []
    for most in range(min(max(room, 1), _MOST_TICKS), _MOST_TICKS + 1):
        placed = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(shown.lower, shown.upper)
        values = [float(value) for value in placed if shown.lower <= value <= shown.upper]
        if len(values) > 1:
            break
    return values
