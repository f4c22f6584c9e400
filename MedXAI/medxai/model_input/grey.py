"""Intensities to grey values 0 to 255, as MedSAM's own preprocessing does it (bowang-lab/MedSAM, pre_CT_MR.py)."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..slice.slice_image import SliceImage
from ..volume.modality import Modality, has_negative_signal
from ..volume.volume import Volume


@dataclass(frozen=True)
class Window:
    """A radiological window.

    Attributes:
        level: Its middle, in the volume's units (Hounsfield units for CT).
        width: From black to white, in the same units.
    """

    level: float
    width: float

    @property
    def lower(self) -> float:
        return self.level - self.width / 2

    @property
    def upper(self) -> float:
        return self.level + self.width / 2


_PERCENTILES = (0.5, 99.5)
#: More voxels of exactly 0 than this are a background that was masked.
_MASKED_SHARE = 0.1
#: Usual CT windows; 'abdomen' is MedSAM's own and the default.
WINDOW_PRESETS = {
    "abdomen": Window(40, 400),
    "liver": Window(60, 160),
    "mediastinum": Window(50, 350),
    "lung": Window(-600, 1500),
    "bone": Window(400, 1800),
    "brain": Window(40, 80),
    "spine": Window(50, 250),
}


@dataclass(frozen=True)
class GreyRange:
    """The intensities that become 0 and 255, taken over the whole volume so that neighbouring slices agree.

    Attributes:
        lower: What becomes 0, in the volume's units.
        upper: What becomes 255.
        zero_is_background: Whether voxels of exactly 0 stay black (MR: outside the body).
        origin: How it came about, for the user.
    """

    lower: float
    upper: float
    zero_is_background: bool
    origin: str = ""

    @property
    def text(self) -> str:
        """'−160 to 240 (the abdominal window, level 40, width 400)'."""
        numbers = f"{self.lower:g} to {self.upper:g}".replace("-", "−")
        return f"{numbers} ({self.origin})" if self.origin else numbers


def grey_range_of(volume: Volume, window: Window | None = None) -> GreyRange:
    """The grey range of a volume, from its measured voxels.

    CT: the window (default level 40, width 400) clipped to the volume's own values. MR and others: percentiles 0.5 and
    99.5 of the positive voxels, or of all where negative ones are more than a filter's ringing (phase images,
    z-scores; a large background of exactly 0 is left out). An 8-bit picture: its values as they are. A window given by
    the user is used for any modality. The rules for CT and MR are those of MedSAM's own preprocessing
    (bowang-lab/MedSAM, pre_CT_MR.py).

    Args:
        volume: The scan.
        window: None for the modality's own.

    Raises:
        InputError: For a window of no width, or where the volume has only one value in the range.
    """
    values = volume.measured_values
    low, high = float(values.min()), float(values.max())
    zero_is_background = False
    if window is not None or volume.modality is Modality.CT:
        origin = "the chosen window" if window is not None else "the abdominal window"
        window = window or WINDOW_PRESETS["abdomen"]
        if not (np.isfinite([window.level, window.width]).all() and window.width > 0):
            raise InputError(
                f"The window (level {window.level}, width {window.width}) has no width; give a width above 0."
            )
        lower, upper = np.clip([low, high], window.lower, window.upper)
        origin = f"{origin}, level {window.level:g}, width {window.width:g}"
    elif volume.modality is Modality.PICTURE and volume.voxels.dtype == np.uint8:
        lower, upper, origin = 0.0, 255.0, "the picture's own values"
    elif low < 0 and has_negative_signal(values):
        # A mask around the body leaves exact zeros, which would else lie in the middle of the greys.
        zero_is_background = float(np.mean(values == 0)) > _MASKED_SHARE
        lower, upper = np.percentile(values[values != 0] if zero_is_background else values, _PERCENTILES)
        origin = "percentiles 0.5 and 99.5 of all values{}, as negative ones carry signal".format(
            " but the background of 0" if zero_is_background else ""
        )
    else:
        positive = values[values > 0]
        if positive.size == 0:
            raise InputError(
                f"'{volume.name}' has no voxel above 0, so it is not an MR as MedXAI expects it; choose the modality CT or give a window."
            )
        lower, upper = np.percentile(positive, _PERCENTILES)
        # MedSAM clips first and scales by what the clipped volume then holds.
        lower, upper = max(low, lower), min(high, upper)
        zero_is_background, origin = True, "percentiles 0.5 and 99.5 of the values above 0"
    if not upper > lower:
        raise InputError(
            f"'{volume.name}' shows nothing in this window (its values run from {low:g} to {high:g}); choose another window or modality."
        )
    return GreyRange(float(lower), float(upper), zero_is_background, origin)


def grey_slice(image: SliceImage, grey_range: GreyRange) -> np.ndarray:
    """A slice's grey values; pixels outside the volume are 0.

    Args:
        image: The slice.
        grey_range: What becomes 0 and 255.

    Returns:
        (rows, columns) uint8.

    Raises:
        InputError: For a slice that is constant, or becomes so in this range.
    """
    inside = image.pixels[image.inside]
    if inside.min() == inside.max():
        raise InputError(
            f"The slice is constant (every voxel is {inside.flat[0]:g}), so there is nothing to segment; choose another slice."
        )
    clipped = np.clip(image.pixels.astype(np.float64), grey_range.lower, grey_range.upper)
    grey = (clipped - grey_range.lower) / (grey_range.upper - grey_range.lower) * 255.0
    if grey_range.zero_is_background:
        grey[image.pixels == 0] = 0
    grey = grey.astype(np.uint8)
    grey[~image.inside] = 0
    shown = grey[image.inside]
    if shown.min() == shown.max():
        raise InputError(
            f"In this window (from {grey_range.lower:g} to {grey_range.upper:g}) the slice is constant; choose a window that shows the organ."
        )
    return grey
