"""`medxai demo`: the main job on the built-in sample."""

import argparse

import numpy as np

from ..report.folder import check_writable
from ..slice.box import box_of_mask
from ..volume.phantom import ORGAN_LABELS, make_phantom
from .explain import explain_volume

ORGANS = tuple(ORGAN_LABELS)
#: As users draw: a little larger than the organ.
_MARGIN_PX = 2


def run(arguments: argparse.Namespace) -> None:
    """Explains an organ of the phantom on the slice where it is largest, boxed with a small margin."""
    check_writable(arguments.output)
    phantom = make_phantom()
    index = phantom.slice_with_most(arguments.organ)
    masks = {organ: phantom.organs[index] == label for organ, label in ORGAN_LABELS.items()}
    boxes = {
        organ: tuple(box_of_mask(mask).xyxy + _MARGIN_PX * np.array([-1, -1, 1, 1]))
        for organ, mask in masks.items()
        if mask.any()
    }
    others = [box for organ, box in boxes.items() if organ != arguments.organ]
    print(f"The built-in abdominal phantom, axial slice {index}, a box around the {arguments.organ}.")
    explain_volume(
        phantom.volume, "axial", index, boxes[arguments.organ], None, arguments, masks[arguments.organ], others
    )
