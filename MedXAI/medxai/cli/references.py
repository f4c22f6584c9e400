"""`--reference` and `--reference-label`: for each box the mask that its organ is compared with."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..organs_on_slice import OrganBox
from ..results import ReferenceMask
from ..slice.box import PixelBox, box_of_mask, clipped_box
from ..slice.slice_image import slice_of
from ..volume.labelled_volume import labelled
from ..volume.reading import read_volume
from ..volume.volume import Modality, Volume

#: A box is around a label where it and the label's own box share at least this much of the area of both.
_AROUND = 0.5


def references_of(
    volume: Volume, index: int, boxes: Sequence[OrganBox], arguments: argparse.Namespace
) -> list[ReferenceMask | None]:
    """One for each box; None for all where no file was given.

    Args:
        volume: The scan.
        index: Of the slice.
        boxes: With their organs.
        arguments: Of the command.

    Raises:
        InputError: The file does not fit the scan, a label is not on the slice or not in its box, or it is not clear which label is a box's.
    """
    asked: list[int] = arguments.reference_label or []
    if arguments.reference is None:
        if asked:
            raise InputError("--reference-label says which label of --reference is the organ; give the file, too.")
        return [None] * len(boxes)
    if asked and len(asked) != len(boxes):
        raise InputError(
            f"There are {len(boxes)} boxes and {len(asked)} labels; give --reference-label once for each box, in the boxes' order, or "
            "leave it out."
        )
    image = slice_of(volume, arguments.plane, index)  # says so where there is no such slice
    reference = read_volume(arguments.reference, Modality.PICTURE)
    if np.array_equal(reference.voxels, volume.voxels):
        raise InputError(
            f"'{arguments.reference.name}' holds the scan itself, not labels; give the file with the organs."
        )
    labels = labelled(volume, reference).slices(arguments.plane)[index]
    present = [int(label) for label in np.unique(labels) if label]
    missing = [label for label in asked if label not in present]
    if missing or not present:
        sought = f"no label {missing[0]}" if missing else "no label"
        there = f" (there: {', '.join(map(str, present))})" if present else ""
        raise InputError(
            f"'{arguments.reference.name}' has {sought} on {arguments.plane} slice {index}{there}; choose another label or slice."
        )
    if not asked and len(boxes) == 1 and len(present) > 1:
        raise InputError(
            f"'{arguments.reference.name}' has the labels {', '.join(map(str, present))} on this slice; choose one with --reference-label."
        )
    if not asked and len(boxes) == 1:
        asked = present
    pixels = [clipped_box(image, one.box).box for one in boxes]
    if not asked:
        named = [f"{number} ({one.organ.name})" for number, one in enumerate(boxes, start=1)]
        asked = [_label_in(box, labels, name) for box, name in zip(pixels, named, strict=True)]
    file = arguments.reference
    for label, box in zip(asked, pixels, strict=True):
        if not (box.mask(labels.shape) & (labels == label)).any():
            raise InputError(
                f"Label {label} of '{file.name}' has no pixel in the box (columns {box.first_column} to {box.last_column}, rows "
                f"{box.first_row} to {box.last_row}); choose the label of the organ that the box is around, or another box."
            )
    return [ReferenceMask(labels == label, f"label {label} of {file.name}", str(file), label) for label in asked]


def _label_in(box: PixelBox, labels: np.ndarray, name: str) -> int:
    """The one label that a box is around; name: of the box, for the user."""
    overlap = {int(label): _overlap(box, box_of_mask(labels == label)) for label in np.unique(labels) if label}
    found = [label for label, share in overlap.items() if share >= _AROUND]
    if len(found) == 1:
        return found[0]
    around = f"the labels {', '.join(map(str, found))}" if found else "no label"
    raise InputError(
        f"Box {name} is around {around} of the reference, so it is not clear what to compare it with; give --reference-label once for "
        "each box, in the boxes' order."
    )


def _overlap(box: PixelBox, other: PixelBox) -> float:
    """The shared area of two boxes over the area of both."""
    x0, y0, x1, y1 = np.transpose([box.extent_xyxy, other.extent_xyxy])
    shared = max(0.0, float(x1.min() - x0.max())) * max(0.0, float(y1.min() - y0.max()))
    areas = (x1 - x0) * (y1 - y0)
    return shared / (float(areas.sum()) - shared)
