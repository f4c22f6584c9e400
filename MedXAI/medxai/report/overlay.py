"""How a map looks over its slice, the same in the drawn panels and in the report."""

import numpy as np
from matplotlib import colormaps
from skimage.measure import find_contours

from ..display_range import PALE, DisplayRange
from ..diverging_colours import diverging_colours

COLOUR_MAP = "inferno"
BOX_COLOUR, MASK_COLOUR = "#00b4d8", "#39d98a"

_MOST_OPACITY = 0.75
#: A box whose surroundings take less than this share of the slice is shown magnified as well.
_MAGNIFY_BELOW = 0.5
#: So much of the slice is shown at least: of a box of one pixel, two pixels would say nothing.
_LEAST_MAGNIFIED = 1 / 16


def colours_of(scaled: np.ndarray, shown: DisplayRange, pale: bool = False) -> np.ndarray:
    """(…, 4) red, green, blue and opacity in [0, 1]: what says little in the map leaves the anatomy in view.

    Args:
        scaled: Display values in [0, 1].
        shown: The range that they were scaled by; one that diverges has its raw 0 in the middle.
        pale: The map is not told from one over nothing, so it is shown pale.
    """
    if shown.diverges:
        colours = diverging_colours(scaled)
    else:
        colours = colormaps[COLOUR_MAP](scaled)
        colours[..., 3] = np.clip(1.5 * scaled, 0, 1)
    colours[..., 3] *= _MOST_OPACITY * (PALE if pale else 1)
    return colours


def scale_bar_mm(width_mm: float) -> float:
    """A round length of at most a third of the picture's width."""
    return next((float(mm) for mm in (200, 100, 50, 20, 10, 5, 2, 1) if mm <= width_mm / 3), width_mm / 3)


def magnified_side(box: tuple[float, float], whole: tuple[float, float]) -> float | None:
    """How much around a box is shown magnified as well, in the unit of its sizes; None where the box is large enough.

    Args:
        box: Width and height.
        whole: Of the slice.
    """
    side = max(2 * max(box), _LEAST_MAGNIFIED * min(whole))
    return side if side <= _MAGNIFY_BELOW * min(whole) else None


def outlines_of(mask: np.ndarray) -> list[np.ndarray]:
    """The contours of a mask, closed at the picture's edge; each (n, 2) x and y in pixel edges, the last point the first one.

    Args:
        mask: (rows, columns) bool.
    """
    padded = np.pad(mask.astype(float), 1)
    return [contour[:, ::-1] - 0.5 for contour in find_contours(padded, 0.5)]
