"""Cubic convolution of 8-bit slices (Keys, "Cubic convolution interpolation for digital image processing", 1981)."""

import numpy as np


def cubic_resized(grey: np.ndarray, shape: tuple[int, int], slope: float) -> np.ndarray:
    """A slice brought to another shape by cubic convolution, smoothed where it shrinks.

    Args:
        grey: (rows, columns) uint8.
        shape: Rows and columns of the result, uint8.
        slope: Keys' parameter a, the kernel's slope at a distance of one pixel: −0.5 is his own, −0.75 is OpenCV's and
            PyTorch's, −1 that of the sinc. The steeper, the sharper an enlarged slice.
    """
    down, across = (_weights(old, new, slope) for old, new in zip(grey.shape, shape, strict=True))
    return np.clip(np.rint(down @ grey.astype(np.float64) @ across.T), 0, 255).astype(np.uint8)


def _weights(old: int, new: int, slope: float) -> np.ndarray:
    """(new, old): what each old pixel gives to each new one; pixels beyond the rim are those at the rim."""
    factor = old / new
    width = max(factor, 1.0)  # a kernel over several pixels where the slice shrinks, so that nothing is left out
    reach = int(np.ceil(2 * width)) + 1
    centres = (np.arange(new) + 0.5) * factor - 0.5
    pixels = np.arange(-reach, old + reach)
    weights = _kernel(np.abs(centres[:, None] - pixels) / width, slope)
    weights /= weights.sum(axis=1, keepdims=True)
    inside = weights[:, reach:-reach].copy()
    inside[:, 0] += weights[:, :reach].sum(axis=1)
    inside[:, -1] += weights[:, -reach:].sum(axis=1)
    return inside


def _kernel(distance: np.ndarray, slope: float) -> np.ndarray:
    near = (slope + 2) * distance**3 - (slope + 3) * distance**2 + 1
    far = slope * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
