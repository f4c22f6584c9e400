"""How a map looks over its slice, the same in the drawn panels and in the report."""

import numpy as np

COLOUR_MAP = "inferno"
BOX_COLOUR, MASK_COLOUR = "#00b4d8", "#39d98a"


#: How much of its opacity is left to a map that is not told from a box over nothing.
PALE = 0.4


def opacity_of(scaled: np.ndarray, pale: bool = False) -> np.ndarray:
    """Opacity in [0, 0.75] for display values in [0, 1]: what is dark in the map leaves the anatomy in view.

    Args:
        scaled: Display values.
        pale: The map is not told from one over nothing, so it is shown pale.
    """
    return np.clip(1.5 * scaled, 0, 1) * (0.75 * PALE if pale else 0.75)


def scale_bar_mm(width_mm: float) -> float:
    """A round length of at most a third of the picture's width."""
    return next((float(mm) for mm in (200, 100, 50, 20, 10, 5, 2, 1) if mm <= width_mm / 3), width_mm / 3)
