"""A case's pictures for the page: the slice once, and what lies over it as vectors and small transparent images.

The page draws them as inline SVG in millimetres, the slice upright, so that they stay sharp at any size and on paper.
"""

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..contour.result import ContourKind
from ..display_range import DisplayRange, display_range, for_display, signed_range
from ..results import ReferenceMask, SliceExplanation
from ..slice.orientation import orientation_of
from .overlay import colours_of, magnified_side, outlines_of, scale_bar_mm


@dataclass(frozen=True)
class Rectangle:
    """A rectangle on the upright slice, in millimetres.

    Attributes:
        x: Its left edge, from the left edge of the slice.
        y: Its upper edge, from the upper edge of the slice.
        width: To the right.
        height: Downwards.
    """

    x: float
    y: float
    width: float
    height: float


#: A slice lower than 1 / 2.2 of its width has smaller letters.
_LETTERS_BY_HEIGHT = 2.2


@dataclass(frozen=True)
class SliceScene:
    """What all pictures of a case share; lengths in millimetres of the upright slice.

    Attributes:
        width: Of the slice.
        height: Of the slice.
        slice_uri: The grey slice as data URI.
        box: The user's box.
        outline: SVG path data of the mask's contour, '' for none.
        reference_outline: The same of the reference mask.
        reference_name: Of the reference, for people; '' for none.
        letters: At the left, right, top and bottom.
        scale_bar: Its length; None where the file does not say how large a pixel is (all lengths are in pixels then).
        unit: Of the lengths.
        token: The size (width, height) of one token of the embedding.
        magnified: The part around a small box that is shown larger; None where the box is large enough.
        stretches: Of the contour check, each the key of its kind ('firm', 'soft', 'follows-the-box') and SVG path data.
    """

    width: float
    height: float
    slice_uri: str
    box: Rectangle
    outline: str
    reference_outline: str
    reference_name: str
    letters: tuple[str, str, str, str]
    scale_bar: float | None
    unit: str
    token: tuple[float, float]
    magnified: Rectangle | None
    stretches: tuple[tuple[str, str], ...] = ()

    @property
    def letter_side(self) -> float:
        """What the sizes of letters and scale go by: the width, and less than that of a flat slice, which they leave free."""
        return min(self.width, _LETTERS_BY_HEIGHT * self.height)


@dataclass(frozen=True)
class MapPicture:
    """A map over the slice.

    Attributes:
        uri: Transparent image in the slice's frame; '' where the map is not informative.
        lower: Raw value of the first colour.
        upper: Raw value of the last colour.
        informative: Whether there is anything to show.
        cell_mm: Width and height of one of the map's own cells.
        diverges: Whether the colours diverge from 0.
    """

    uri: str
    lower: float
    upper: float
    informative: bool
    cell_mm: tuple[float, float]
    diverges: bool = False


class Pictures:
    """Makes the pictures of one result.

    Args:
        result: What is drawn.
        reference: What the mask is compared with; None for nothing.
    """

    def __init__(self, result: SliceExplanation, reference: ReferenceMask | None = None):
        self._result = result
        self._turn = orientation_of(result.prepared.image)
        rows, columns = self._turn.upright(result.prepared.grey).shape
        across, down = self._turn.pixel_mm
        self._shape, self._size = (rows, columns), (columns * across, rows * down)
        box, has_mm = self._box(), result.prepared.image.facts.has_known_spacing
        self.scene = SliceScene(
            *self._size,
            _data_uri(Image.fromarray(np.ascontiguousarray(self._turn.upright(result.prepared.shown)))),
            box,
            self._outline(result.segmentation.mask),
            "" if reference is None else self._outline(reference.mask),
            "" if reference is None else reference.name,
            self._turn.letters,
            scale_bar_mm(self._size[0]) if has_mm else None,
            "mm" if has_mm else "pixels",
            self._cell(result.encoding.grid),
            _around(box, *self._size),
            tuple(self._stretches()),
        )

    def of_map(self, values: np.ndarray, shown: DisplayRange | None = None) -> MapPicture:
        """The picture of one map.

        Args:
            values: (h, w) on the model's square.
            shown: The display range where it is shared; None for the map's own.
        """
        own = signed_range([values]) if shown and shown.diverges else display_range([values])
        shown = shown or own
        informative = own.informative and shown.informative
        uri = ""
        if informative:
            scaled = for_display(self._turn.upright(self._result.on_slice(values)), shown)
            uri = _data_uri(_coloured(scaled, shown, self._result.presence.is_told is False))
        return MapPicture(uri, shown.lower, shown.upper, informative, self._cell(values.shape), shown.diverges)

    def of_maps(self, maps: Iterable[np.ndarray], are_signed: bool = False) -> tuple[MapPicture, ...]:
        """Several maps with one display range, to be compared with each other; signed ones are parts of one whole."""
        maps = tuple(maps)
        shown = (signed_range if are_signed else display_range)(maps)
        return tuple(self.of_map(values, shown) for values in maps)

    def _cell(self, grid: tuple[int, int]) -> tuple[float, float]:
        """Width and height on the upright slice of one cell of a grid over the model's square."""
        h, w = self._result.encoding.grid
        across, down = self._result.resolution_mm
        return self._turn.upright_size((across * w / grid[1], down * h / grid[0]))

    def _box(self) -> Rectangle:
        x0, y0, x1, y1 = self._turn.upright_extent(self._result.box.box, self._result.prepared.grey.shape)
        across, down = self._turn.pixel_mm
        return Rectangle(x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down)

    def _stretches(self) -> Iterator[tuple[str, str]]:
        """The outline that the contour check looked at, cut where its kind changes."""
        check = self._result.contour
        placed = self._turn.upright_points(check.points_px, self._result.prepared.grey.shape) * self._turn.pixel_mm
        for one in check.stretches():
            path = "M" + "L".join(f"{x:.5g} {y:.5g}" for x, y in placed[one.indexes])
            yield kind_key(one.kind), path + ("Z" if one.is_closed else "")

    def _outline(self, mask: np.ndarray) -> str:
        """The mask's contour as SVG path data."""
        paths = []
        for contour in outlines_of(self._turn.upright(mask)):
            paths.append("M" + "L".join(f"{x:.5g} {y:.5g}" for x, y in contour[:-1] * self._turn.pixel_mm) + "Z")
        return "".join(paths)


def kind_key(kind: ContourKind) -> str:
    """A kind's name in the page: 'follows-the-box'."""
    return kind.value.replace(" ", "-")


def colour_stops(shown: DisplayRange, count: int = 9) -> tuple[tuple[float, str], ...]:
    """(offset in [0, 1], '#rrggbb') of a range's colour bar, the first colour at offset 0."""
    offsets = np.linspace(0, 1, count)
    colours = np.rint(255 * colours_of(offsets, shown)[:, :3]).astype(int)
    return tuple(
        (round(float(offset), 3), "#" + "".join(f"{c:02x}" for c in colour))
        for offset, colour in zip(offsets, colours, strict=True)
    )


def _around(box: Rectangle, width: float, height: float) -> Rectangle | None:
    side = magnified_side((box.width, box.height), (width, height))
    if side is None:
        return None
    return Rectangle(box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2, side, side)


def _coloured(scaled: np.ndarray, shown: DisplayRange, pale: bool) -> Image.Image:
    """Display values [0, 1] as an image with a palette: a third of the bytes of one with four channels."""
    index = np.rint(255 * scaled).astype(np.uint8)
    table = np.rint(255 * colours_of(np.linspace(0, 1, 256), shown, pale)).astype(np.uint8)
    image = Image.frombytes("P", index.shape[::-1], index.tobytes())
    image.putpalette(np.ascontiguousarray(table[:, :3]).tobytes())
    image.info["transparency"] = np.ascontiguousarray(table[:, 3]).tobytes()
    return image


def _data_uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
