"""`medxai demo`: the main job on the built-in sample."""

import argparse

import numpy as np

from ..imaging.box import box_of_mask
from ..output.folder import check_writable
from ..synthesis.phantom import ORGAN_LABELS, make_phantom
from .explain import explain_volume

ORGANS = tuple(ORGAN_LABELS)
#: As users draw: a little larger than the organ.
_MARGIN_PX = 2


def run(arguments: argparse.Namespace) -> None:
    """Explains an organ of the phantom on the slice where it is largest, boxed with a small margin."""
    check_writable(arguments.output)
    phantom = make_phantom()
    index = phantom.slice_with_most(arguments.organ)
    tight = box_of_mask(phantom.organs[index] == ORGAN_LABELS[arguments.organ]).xyxy
    box = tight + np.array([-1, -1, 1, 1]) * _MARGIN_PX
    print(f"The built-in abdominal phantom, axial slice {index}, a box around the {arguments.organ}.")
    explain_volume(phantom.volume, "axial", index, tuple(box), None, arguments)
