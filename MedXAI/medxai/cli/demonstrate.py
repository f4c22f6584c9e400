"""`medxai demo`: the main job on the built-in sample."""

import argparse
import sys

import numpy as np

from ..errors import DownloadError
from ..models.default_model import FIRST_DOWNLOAD, LAST_RESORT, default_model
from ..models.download import download
from ..models.registry import registered
from ..organ_codes import organ_named
from ..progress import RunControl
from ..report.folder import check_writable
from ..results import ReferenceMask
from ..slice.box import box_of_mask
from ..volume.phantom import ORGAN_LABELS, make_phantom
from .command_case import CommandCase
from .explain import explain_case
from .models import show_bytes

#: As users draw: a little larger than the organ.
_MARGIN_PX = 2


def run(arguments: argparse.Namespace) -> None:
    """Explains an organ of the phantom on the slice where it is largest, boxed with a small margin."""
    check_writable(arguments.output)
    if arguments.model is None:
        _fetch_small_model()
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
    case = CommandCase(
        phantom.volume,
        "axial",
        index,
        boxes[arguments.organ],
        reference=ReferenceMask(masks[arguments.organ], f"the phantom's own {arguments.organ}"),
        other_boxes=others,
        organ=organ_named(arguments.organ),
    )
    explain_case(case, arguments)


def _fetch_small_model() -> None:
    """Fetches the small medical model where there is none yet; says so in one sentence where that does not work."""
    if default_model() != LAST_RESORT:
        return
    checkpoint = registered(FIRST_DOWNLOAD)
    print(f"Fetching {checkpoint.title}, {checkpoint.size_bytes / 1e6:.0f} MB, once.", file=sys.stderr)
    try:
        download(checkpoint, control=RunControl(show_bytes))
    except DownloadError as error:
        print(f"note: {error} Going on with the small demo model that comes with MedXAI.", file=sys.stderr)
