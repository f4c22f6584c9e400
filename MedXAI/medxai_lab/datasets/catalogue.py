"""The layouts by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from medxai.errors import InputError

from .chaos import chaos_ct, chaos_mr
from .flare22 import flare22
from .nifti_pairs import nifti_pairs
from .organ_labels import NO_LABELS, OrganLabels
from .scan import Scan

Layout = Callable[[Path, OrganLabels], tuple[Scan, ...]]

LAYOUTS: Mapping[str, Layout] = {
    "flare22": flare22,
    "chaos-ct": chaos_ct,
    "chaos-mr": chaos_mr,
    "nifti-pairs": nifti_pairs,
}


def scans_of(folder: Path, layout: str, labels: OrganLabels = NO_LABELS) -> tuple[Scan, ...]:
    """Finds all scans of a data set, in a fixed order.

    Args:
        folder: of the data set.
        layout: a key of LAYOUTS.
        labels: what labels mean, where the layout itself does not say it.

    Raises:
        InputError: For an unknown layout, a missing folder, or one that holds nothing in that layout.
    """
    if layout not in LAYOUTS:
        raise InputError(f"There is no layout '{layout}'; choose one of {', '.join(LAYOUTS)}.")
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'; give the folder of the data set.")
    return LAYOUTS[layout](folder, labels)
