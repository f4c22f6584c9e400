"""How raw maps are scaled for display: one range for all layers of a stage; noise is not amplified."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: A map whose values span less than this says nothing; it is shown as zeros.
UNINFORMATIVE_RANGE = 1e-4
_LOWER_PERCENTILE, _UPPER_PERCENTILE = 2.0, 99.5


@dataclass(frozen=True)
class DisplayRange:
    """The raw values that a map's colours span.

    Attributes:
        lower: The raw value that gets the first colour.
        upper: The raw value that gets the last colour.
        informative: False where the values differ so little that nothing may be shown.
    """

    lower: float
    upper: float
    informative: bool


def display_range(maps: Iterable[np.ndarray]) -> DisplayRange:
    """The range shared by maps that are to be compared; negative values (unlike the reference) stay dark.

    The upper end is a percentile of the positive values. A percentile of all values would lie below the values of a
    small organ (an aorta is 0.4 % of a slice), and its whole mask would get one colour.

    Args:
        maps: Arrays of raw values, any shapes.

    Returns:
        The range; not informative where no map has a positive value.
    """
    values = np.concatenate([np.ravel(m) for m in maps])
    positive = values[values > 0]
    if values.max() - values.min() < UNINFORMATIVE_RANGE or positive.size == 0:
        return DisplayRange(0.0, 1.0, False)
    lower = max(float(np.percentile(values, _LOWER_PERCENTILE)), 0.0) + 0.0  # never −0.0, which legends would show
    upper = max(float(np.percentile(positive, _UPPER_PERCENTILE)), lower + UNINFORMATIVE_RANGE)
    return DisplayRange(lower, upper, True)


def for_display(values: np.ndarray, shown: DisplayRange) -> np.ndarray:
    """Values scaled to [0, 1]; all zero where the range is not informative.

    Args:
        values: Raw values, any shape.
        shown: The range that becomes 0 to 1.

    Returns:
        An array of the same shape.
    """
    if not shown.informative:
        return np.zeros_like(values)
    return np.clip((values - shown.lower) / (shown.upper - shown.lower), 0, 1)
