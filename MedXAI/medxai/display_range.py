"""How raw maps are scaled for display: by one range for all layers or by each layer's own; noise is not amplified."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

#: A map whose values span less than this says nothing; it is shown as zeros.
UNINFORMATIVE_RANGE = 1e-4
_LOWER_PERCENTILE, _UPPER_PERCENTILE = 2.0, 99.5
#: A layer's own range reaches at least to this share of the range of all layers: what says little stays dim.
_LEAST_SHARE = 1 / 3
#: How much of its opacity is left to a map that is not told from a box over nothing.
PALE = 0.4


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

    @property
    def diverges(self) -> bool:
        """Whether the colours diverge from the raw value 0 in their middle (`signed_range`)."""
        return self.lower < 0


def display_range(maps: Iterable[np.ndarray]) -> DisplayRange:
    """The range shared by maps that are to be compared; negative values (unlike the reference) stay dark.

    The upper end is a percentile of the positive values. A percentile of all values would lie below the values of a
    small organ (an aorta is 0.4 % of a slice), and its whole mask would get one colour.

    Args:
        maps: Arrays of raw values, any shapes.

    Returns:
        The range; not informative where no map has a positive value.
    """
    maps = tuple(maps)
    if not is_informative(maps):
        return DisplayRange(0.0, 1.0, False)
    values = np.concatenate([np.ravel(m) for m in maps])
    positive = values[values > 0]
    lower = max(float(np.percentile(values, _LOWER_PERCENTILE)), 0.0) + 0.0  # never −0.0, which legends would show
    upper = max(float(np.percentile(positive, _UPPER_PERCENTILE)), lower + UNINFORMATIVE_RANGE)
    return DisplayRange(lower, upper, True)


def is_informative(maps: Iterable[np.ndarray]) -> bool:
    """Whether `display_range` of these maps would show anything: their values differ, and some are positive."""
    ends = [(float(m.min()), float(m.max())) for m in maps]
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    return highest - lowest >= UNINFORMATIVE_RANGE and highest > 0


def signed_range(maps: Iterable[np.ndarray]) -> DisplayRange:
    """The range shared by maps whose values below 0 mean the opposite: symmetric about 0.

    It reaches as far as the middle one of the maps. By the largest of them, the others would hardly be seen (of a
    ledger, the constants reach four times as far as the image).

    Args:
        maps: Arrays of raw values, any shapes.
    """
    maps = tuple(maps)
    if max(float(m.max()) for m in maps) - min(float(m.min()) for m in maps) < UNINFORMATIVE_RANGE:
        return DisplayRange(0.0, 1.0, False)
    reach = float(np.median([np.percentile(np.abs(m), _UPPER_PERCENTILE) for m in maps]))
    reach = max(reach, UNINFORMATIVE_RANGE)
    return DisplayRange(-reach, reach, True)


def range_of_one(values: np.ndarray, shared: DisplayRange) -> DisplayRange:
    """The range of one layer's map alone, which shows the most of it.

    In a real model the layers differ by a factor of two and more: on one range for all of them the deepest layer, the one
    that is looked at, has only the lower half of the colours.

    Args:
        values: Of the map.
        shared: The range of the same map over all layers. The new one has its lower end, and at least a third of its span.
    """
    own = display_range([values])
    if not shared.informative or not own.informative:
        return shared
    least = shared.lower + _LEAST_SHARE * (shared.upper - shared.lower)
    return DisplayRange(shared.lower, max(own.upper, least), True)


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
