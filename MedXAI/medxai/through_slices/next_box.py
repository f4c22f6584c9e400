"""The next slice's box: around what resembles the organ near the mask of the slice before."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..slice.box import PixelBox, box_of_mask, grown_box

#: The organ may reach so much further than on the slice before: as far as slices lie apart, but no more than this share
#: of its own diameter.
_MOST_REACH = 0.1
#: Parts of the organ-like area that are smaller than this share of its largest part are left out.
_LEAST_PART = 0.1
#: Where less than this share of the mask before resembles the organ, its own box is taken.
_LEAST_LIKE = 0.4
#: The boxes that are tried again: a larger one, and that of two slices before with a margin; shares of the box's sides,
#: on either side.
_LARGER, _MARGIN = 0.15, 0.05
#: Around the box, organ-like pixels are looked for in so much of its sides on either side.
_LOOKED_AROUND = 0.35


def next_box(before: np.ndarray, like: np.ndarray, spacing_mm: tuple[float, float, float]) -> PixelBox:
    """The box for a slice from the mask of its neighbour.

    The box of the mask before would keep what the model took in too much, and with a margin it grows from slice to slice.
    So the box is drawn around the organ-like pixels of the new slice within the mask before and a little around it.

    Args:
        before: (rows, columns) bool, the mask of the slice before; not empty.
        like: (rows, columns) bool, organ-like pixels of the new slice.
        spacing_mm: Pixel width, pixel height, distance of slices.
    """
    there = _large_parts(like & near_mask(before, spacing_mm))
    return box_of_mask(there if there.sum() >= _LEAST_LIKE * before.sum() else before)


def near_mask(mask: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """(rows, columns) bool: the mask and where the organ may reach on the next slice."""
    diameter = 2 * float(np.sqrt(mask.sum() / np.pi))
    apart_px = spacing_mm[2] / (spacing_mm[0] * spacing_mm[1]) ** 0.5
    reach = max(1, round(min(apart_px, _MOST_REACH * diameter)))
    return ndimage.binary_dilation(mask, iterations=reach)


def boxes_to_try_again(before: np.ndarray, two_before: np.ndarray | None, like: np.ndarray) -> tuple[PixelBox, ...]:
    """Other boxes for a slice on which the first one gave an alarm.

    Args:
        before: (rows, columns) bool, the mask of the slice before; not empty.
        two_before: That of two slices before; None where there is none.
        like: (rows, columns) bool, organ-like pixels of the new slice.

    Returns:
        A larger box around the mask before, one around the mask of two slices before, and one around the organ-like
        area in a still larger box.
    """
    shape = before.shape[0], before.shape[1]
    found = [grown_box(box_of_mask(before), shape, 2 * _MARGIN), grown_box(box_of_mask(before), shape, 2 * _LARGER)]
    if two_before is not None:
        found.append(grown_box(box_of_mask(two_before), shape, 2 * _MARGIN))
    wide = grown_box(box_of_mask(before), shape, 2 * _LOOKED_AROUND).mask(shape)
    numbers, _ = ndimage.label(like & wide)
    hits = np.bincount(numbers[before], minlength=numbers.max() + 1)
    hits[0] = 0
    if hits.any():
        found.append(grown_box(box_of_mask(numbers == hits.argmax()), shape, 0))
    return tuple(dict.fromkeys(found))


def second_part(area: np.ndarray) -> float:
    """The size of an area's second largest part as a share of its largest; 0 for an area of one part.

    Args:
        area: (rows, columns) bool.
    """
    numbers, count = ndimage.label(area)
    if count < 2:
        return 0.0
    sizes = np.sort(np.bincount(numbers.ravel())[1:])
    return float(sizes[-2] / sizes[-1])


def _large_parts(area: np.ndarray) -> np.ndarray:
    numbers, count = ndimage.label(area)
    if count < 2:
        return area
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return np.isin(numbers, np.flatnonzero(sizes >= _LEAST_PART * sizes.max()))
