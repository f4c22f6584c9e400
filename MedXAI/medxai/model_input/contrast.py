"""The paper's adaptive contrast enhancement: percentile stretch and CLAHE on the body, the background left as it is."""

import numpy as np
from scipy import ndimage
from skimage import exposure, filters

#: Percentiles of the body's grey values that are stretched to the full range.
STRETCH_PERCENTILES = (1.0, 99.0)
#: Where scikit-image clips each tile's histogram (share of the pixels); low, so that noise is not amplified.
CLIP_LIMIT = 0.01


def body_mask(grey: np.ndarray) -> np.ndarray:
    """The body, with its dark insides, without air and table around it.

    It is the largest bright region after Otsu's threshold on a smoothed slice (halved, since fat and lung are body
    too), with holes filled. Where nothing is bright, everything counts as body.

    Args:
        grey: (rows, columns) uint8.

    Returns:
        (rows, columns) bool.
    """
    smooth = filters.gaussian(grey.astype(np.float32), sigma=1.0, preserve_range=True)
    if smooth.max() == smooth.min():
        return np.ones(grey.shape, bool)
    bright = ndimage.binary_opening(smooth > filters.threshold_otsu(smooth) / 2, iterations=1)
    labels, count = ndimage.label(bright)
    if count == 0:
        return np.ones(grey.shape, bool)
    largest = 1 + int(np.argmax(ndimage.sum_labels(bright, labels, range(1, count + 1))))
    return ndimage.binary_fill_holes(labels == largest)


def enhance_contrast(grey: np.ndarray) -> np.ndarray:
    """The body's contrast stretched and locally equalised (the paper's section 2); outside the body nothing changes.

    Args:
        grey: (rows, columns) uint8.

    Returns:
        (rows, columns) uint8.
    """
    body = body_mask(grey)
    low, high = np.percentile(grey[body], STRETCH_PERCENTILES)
    if not high > low:
        return grey.copy()
    stretched = np.clip((grey - low) / (high - low), 0.0, 1.0)
    equalised = exposure.equalize_adapthist(stretched, clip_limit=CLIP_LIMIT)
    return np.where(body, np.uint8(np.rint(equalised * 255)), grey)
