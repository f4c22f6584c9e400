"""Where on the slice a metric is taken: the volume's own pixels, the reference masks, the grown box."""

import numpy as np

from ..explainers.base import Case
from ..slice.box import PixelBox

#: B⁺ is this much longer and wider than the box, about the same centre.
BOX_GROWTH = 0.25


def inside_of(case: Case) -> np.ndarray:
    """(rows, columns) bool: the pixels that lie in the volume."""
    return case.result.prepared.image.inside


def masks_of(case: Case) -> dict[str, np.ndarray]:
    """'predicted' and, where there is one, 'reference', each (rows, columns) bool on the slice, within the volume."""
    masks = {"predicted": case.result.segmentation.mask}
    if case.reference_mask is not None:
        masks["reference"] = case.reference_mask
    return {name: np.asarray(mask, bool) & inside_of(case) for name, mask in masks.items()}


def grown_box(box: PixelBox, shape: tuple[int, int], growth: float = BOX_GROWTH) -> PixelBox:
    """The box with sides 1 + growth times as long about its centre, cut at the slice's edge.

    Every side moves by whole pixels, at least one: else a box of a few pixels would have no surroundings at all.

    Args:
        box: On the slice.
        shape: (rows, columns) of the slice.
        growth: By how much a side grows, as a share of its length.
    """
    columns = max(round(growth / 2 * (box.last_column - box.first_column + 1)), 1)
    rows = max(round(growth / 2 * (box.last_row - box.first_row + 1)), 1)
    return PixelBox(
        max(box.first_column - columns, 0),
        max(box.first_row - rows, 0),
        min(box.last_column + columns, shape[1] - 1),
        min(box.last_row + rows, shape[0] - 1),
    )
