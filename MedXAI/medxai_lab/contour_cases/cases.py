"""The planted slices, each with what the contour check has to say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medxai.slice.box import PixelBox

from ..failure_cases.made_slice import (
    FAT_HU,
    ORGAN_HU,
    SIDE_PX,
    MadeSlice,
    ellipse,
    empty_body,
    grid_px,
    made_slice,
    scanned,
)

_CENTRE_PX, _RADIUS_PX = (128.0, 118.0), 36.0
#: A careful reader's box is a little larger than the organ.
_MARGIN_PX = 4


@dataclass(frozen=True)
class PlantedContour:
    """One planted case.

    Attributes:
        key: Its name in files.
        title: A few words.
        sentence: What was planted, and what the check has to say.
        make: The slice, its box, and what was painted.
        where: (columns, rows) of points on the slice to whether they lie where the stretch was planted.
    """

    key: str
    title: str
    sentence: str
    make: Callable[[], MadeSlice]
    where: Callable[[np.ndarray], np.ndarray]


def sharp_disc() -> MadeSlice:
    """A disc with a sharp edge all round."""
    return _with_organ("Sharp disc", _disc())


def box_over_nothing() -> MadeSlice:
    """A box in even fat, where there is no edge to find."""
    hu = np.full((SIDE_PX, SIDE_PX), FAT_HU)
    return made_slice("Box over nothing", scanned(hu, seed=4), _box_around(_disc()), np.zeros(hu.shape, bool))


def fading_disc() -> MadeSlice:
    """A disc that fades into the fat on its right over some 4 cm, and is sharp elsewhere."""
    hu = empty_body()
    x, _ = grid_px()
    share = np.clip((_CENTRE_PX[0] + 46 - x) / 46, 0, 1)
    inside = ellipse(_CENTRE_PX, (_RADIUS_PX + 20, _RADIUS_PX)) & (x > _CENTRE_PX[0]) | _disc()
    hu = np.where(inside, FAT_HU + (ORGAN_HU - FAT_HU) * np.where(x > _CENTRE_PX[0], share, 1.0), hu)
    return made_slice("Fading disc", scanned(hu, seed=5), _box_around(_disc()), _disc())


def touching_discs() -> MadeSlice:
    """Two equal discs that touch broadly; the box is around the left one."""
    left, right = ellipse((104, 118), (30, 30)), ellipse((158, 118), (30, 30))
    hu = empty_body()
    hu[left | right] = ORGAN_HU
    return made_slice("Touching discs", scanned(hu, seed=6), _box_around(left), left)


def bar_cut_by_the_box() -> MadeSlice:
    """An upright bar of one tissue through the slice, of which the box takes the middle part."""
    x, y = grid_px()
    bar = (np.abs(x - 128) < 26) & (np.abs(y - 118) < 62)
    hu = empty_body()
    hu[bar] = ORGAN_HU
    box = PixelBox(128 - 26 - _MARGIN_PX, 118 - 30, 128 + 26 + _MARGIN_PX - 1, 118 + 30 - 1)
    return made_slice("Cut by the box", scanned(hu, seed=7), box, bar & box.mask(bar.shape))


def _disc() -> np.ndarray:
    return ellipse(_CENTRE_PX, (_RADIUS_PX, _RADIUS_PX))


def _with_organ(name: str, organ: np.ndarray) -> MadeSlice:
    hu = empty_body()
    hu[organ] = ORGAN_HU
    return made_slice(name, scanned(hu, seed=3), _box_around(organ), organ)


def _box_around(organ: np.ndarray) -> PixelBox:
    grown = ndimage.binary_dilation(organ, iterations=_MARGIN_PX)
    rows, columns = np.flatnonzero(grown.any(axis=1)), np.flatnonzero(grown.any(axis=0))
    return PixelBox(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))


def _everywhere(points_px: np.ndarray) -> np.ndarray:
    return np.ones(len(points_px), bool)


def _nowhere(points_px: np.ndarray) -> np.ndarray:
    return np.zeros(len(points_px), bool)


def _on_the_right(points_px: np.ndarray) -> np.ndarray:
    return points_px[:, 0] > _CENTRE_PX[0] + 16


def _at_the_contact(points_px: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points_px - [131, 118], axis=1) < 16


def _across_the_bar(points_px: np.ndarray) -> np.ndarray:
    """Where the outline runs through the tissue, away from the bar's own sides."""
    return np.abs(points_px[:, 0] - 127.5) < 20


CASES = (
    PlantedContour(
        "sharp_disc",
        "A sharp disc",
        "The edge is sharp all round: the outline is firm everywhere.",
        sharp_disc,
        _nowhere,
    ),
    PlantedContour(
        "box_over_nothing",
        "A box over nothing",
        "There is no edge in the box: the outline goes with the box all round.",
        box_over_nothing,
        _everywhere,
    ),
    PlantedContour(
        "fading_disc",
        "A disc that fades",
        "The disc fades into the fat on its right: the outline is soft there, and firm elsewhere.",
        fading_disc,
        _on_the_right,
    ),
    PlantedContour(
        "touching_discs",
        "Two touching discs",
        "The discs are of one tissue: the outline is soft where they touch, and firm elsewhere.",
        touching_discs,
        _at_the_contact,
    ),
    PlantedContour(
        "cut_by_the_box",
        "A bar cut by the box",
        "The box takes a part of the bar: the outline follows the box where it runs through the tissue.",
        bar_cut_by_the_box,
        _across_the_bar,
    ),
)
