"""The colours of maps whose values below 0 mean the opposite: blue below, orange above, grey and clear towards 0.

Both arms grow lighter at their ends, so that they stand out from the anatomy, and blue and orange are told apart by
colour-blind readers too. Grey in the middle darkens nothing. numpy only: report and scene use the same table.
"""

import numpy as np

#: In legends.
BELOW, ABOVE = "blue", "orange"
_PLACES = (0.0, 0.28, 0.5, 0.72, 1.0)
_COLOURS = ("#a9d6ff", "#2a6be0", "#707078", "#d9561b", "#ffd98a")
#: The opacity reaches 1 at this share of the way from 0 to either end.
_FULL_FROM = 2 / 3


def diverging_colours(scaled: np.ndarray) -> np.ndarray:
    """(…, 4) in [0, 1]: red, green, blue and opacity of display values in [0, 1], where 0.5 is the raw value 0."""
    channels = np.array([[int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)] for colour in _COLOURS])
    coloured = [np.interp(scaled, _PLACES, channel) for channel in channels.T]
    return np.stack([*coloured, np.clip(np.abs(2 * scaled - 1) / _FULL_FROM, 0, 1)], axis=-1)
