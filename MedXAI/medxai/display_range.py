"""How raw maps are scaled for the eye: one range a stage for all its layers, and nothing amplified out of noise."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: A map whose values span less than this says nothing; it is shown as zeros.
UNINFORMATIVE_RANGE = 1e-4
_LOWER_PERCENTILE, _UPPER_PERCENTILE = 2.0, 99.5


@dataclass(frozen=True)
class DisplayRange:
    """lower and upper: raw values that get the first and the last colour. informative: False where nothing may be shown."""

    lower: float
    upper: float
    informative: bool


def display_range(maps: Iterable[np.ndarray]) -> DisplayRange:
    """The range shared by maps that are to be compared; negative values (unlike the reference) stay dark.

    The upper end is a percentile of the positive values: of all values it would lie below a small organ's own, an aorta's
    being 0.4 % of a slice, and its whole mask would be one colour. Maps without a positive value have nothing to show.
    """
    values = np.concatenate([np.ravel(m) for m in maps])
    positive = values[values > 0]
    if values.max() - values.min() < UNINFORMATIVE_RANGE or positive.size == 0:
        return DisplayRange(0.0, 1.0, False)
    lower = max(float(np.percentile(values, _LOWER_PERCENTILE)), 0.0) + 0.0  # never −0.0, which legends would show
    upper = max(float(np.percentile(positive, _UPPER_PERCENTILE)), lower + UNINFORMATIVE_RANGE)
    return DisplayRange(lower, upper, True)


def for_display(values: np.ndarray, shown: DisplayRange) -> np.ndarray:
    """Values scaled to [0, 1]; all zero where the stage is uninformative."""
    if not shown.informative:
        return np.zeros_like(values)
    return np.clip((values - shown.lower) / (shown.upper - shown.lower), 0, 1)
