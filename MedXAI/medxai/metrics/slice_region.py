"""Where on the slice a metric is taken: the volume's own pixels, the reference masks, the grown box."""

import numpy as np

from ..explainers.base import Case


def inside_of(case: Case) -> np.ndarray:
    """(rows, columns) bool: the pixels that lie in the volume."""
    return case.result.prepared.image.inside


def masks_of(case: Case) -> dict[str, np.ndarray]:
    """'predicted' and, where there is one, 'reference', each (rows, columns) bool on the slice, within the volume."""
    masks = {"predicted": case.result.segmentation.mask}
    if case.reference_mask is not None:
        masks["reference"] = case.reference_mask
    return {name: np.asarray(mask, bool) & inside_of(case) for name, mask in masks.items()}
