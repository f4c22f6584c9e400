"""How raw maps are scaled for the eye: one range a stage for all its layers, and nothing amplified out of noise."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: A map whose values span less than this says nothing; it is shown as zeros.
UNINFORMATIVE_RANGE = 1e-4
_PERCENTILES = (2.0, 99.5)


@dataclass(frozen=True)
class DisplayRange:
    """lower and upper: raw values that get the first and the last colour. informative: False where nothing may be shown."""

    lower: float
    upper: float
    informative: bool


def display_range(maps: Iterable[np.ndarray]) -> DisplayRange:
    """The range shared by maps that are to be compared; negative values (unlike the reference) stay dark."""
    values = np.concatenate([np.ravel(m) for m in maps])
    if values.max() - values.min() < UNINFORMATIVE_RANGE:
        return DisplayRange(0.0, 1.0, False)
    lower, upper = np.percentile(values, _PERCENTILES)
    lower = max(float(lower), 0.0)
    upper = max(float(upper), lower + UNINFORMATIVE_RANGE)
    return DisplayRange(lower, upper, True)


def for_display(values: np.ndarray, shown: DisplayRange) -> np.ndarray:
    """Values scaled to [0, 1]; all zero where the stage is uninformative."""
    if not shown.informative:
        return np.zeros_like(values)
    return np.clip((values - shown.lower) / (shown.upper - shown.lower), 0, 1)
