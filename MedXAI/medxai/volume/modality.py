"""The kind of scan: what says so, a guess from the values where nothing does, and doubts about Hounsfield units."""

from enum import StrEnum

import numpy as np

#: Statistics of a large volume are taken from about this many of its voxels, evenly spread.
_SAMPLE_SIZE = 2_000_000
#: Hounsfield units: air and lung, a gap that hardly any tissue fills, and soft tissue with fat.
_AIR, _GAP, _TISSUE = (-1150, -650), (-600, -220), (-200, 300)

#: Signed numbers of 16 bits reach so far; read without a sign, a negative one is 65536 more.
_LARGEST_SIGNED, _ALL_OF_16_BITS = 32767, 65536
#: Between metal and air whose sign was lost there is nothing.
_NEVER_IN_CT = (20000, 57344)


class Modality(StrEnum):
    """The kind of scan, which decides how intensities become grey values."""

    CT = "CT"
    MR = "MR"
    PICTURE = "picture"
    #: Any other kind (PET, for example); its grey range is found as for MR.
    OTHER = "other"


class ModalitySource(StrEnum):
    """How the modality came about."""

    GIVEN = "given by the user"
    FILE = "from the file"
    SCENE = "from the scene"
    MADE = "as it was made"
    GUESSED = "guessed from the values"


def guess_modality(values: np.ndarray) -> tuple[Modality, tuple[str, ...]]:
    """The likeliest modality, and a sentence for the user where the values leave doubt.

    CT: a peak of air near −1000, soft tissue around 0, little between them, and hardly anything below air. A CT of the
    body's inside alone has whole numbers around 0 that reach from fat to bone. Everything else counts as MR.

    Args:
        values: Of the measured voxels, any shape.
    """
    sample = _sample(values)
    if _looks_like_ct(sample):
        return Modality.CT, ()
    if _looks_like_the_inside_of_a_ct(sample):
        return Modality.CT, (_guessed(Modality.CT, "as its whole numbers around 0 may be Hounsfield units"),)
    if _looks_like_ct(sample - 1024) or _looks_like_the_inside_of_a_ct_with_1024(sample):
        return Modality.MR, (
            _guessed(
                Modality.MR,
                "as no value is negative; it may be a CT with 1024 added, for which the modality CT and the window 1064 400 are right",
            ),
        )
    if has_negative_signal(sample):
        return Modality.MR, (_guessed(Modality.MR, "though it has negative values, as they do not look like CT"),)
    return Modality.MR, ()


def doubt_about_hounsfield_units(values: np.ndarray) -> tuple[str, ...]:
    """A sentence where the values of a CT cannot be Hounsfield units, or where that cannot be seen.

    Args:
        values: Of the measured voxels, any shape.
    """
    low, high = float(values.min()), float(values.max())
    remedy = "subtract what was added (add −1024, for example), give the window (--window), or choose another modality (--modality)"
    if high > 32767 and low >= 0:
        return (
            f"These CT values reach from {low:g} to {high:g}: negative Hounsfield units were stored as large positive numbers. {_first_upper(remedy)}, "
            "or export the scan again with signed values.",
        )
    if low >= 0:
        return (
            f"No value of this CT is negative (they run from {low:g} to {high:g}), so they are not Hounsfield units, or the rescale intercept was lost; {remedy}.",
        )
    if low > -800:
        return (
            f"This CT has no air near −1000 (its lowest value is {low:g}), so it cannot be checked that its values are Hounsfield units; "
            f"if they are not, {remedy}.",
        )
    return ()


def _sample(values: np.ndarray) -> np.ndarray:
    flat = np.ravel(values)
    return flat[:: max(flat.size // _SAMPLE_SIZE, 1)].astype(np.float64)


def _share(values: np.ndarray, lower: float, upper: float) -> float:
    return float(np.mean((values >= lower) & (values <= upper)))


def _looks_like_ct(values: np.ndarray) -> bool:
    air, gap, tissue = (_share(values, *limits) for limits in (_AIR, _GAP, _TISSUE))
    below = values < _AIR[0]
    # Outside the scanned circle there is often one value far below air, which is padding and no noise.
    noise_below = float(np.mean(below & (values != values.min()))) if below.any() else 0.0
    air_density, gap_density = air / (_AIR[1] - _AIR[0]), gap / (_GAP[1] - _GAP[0])
    return air > 0.005 and tissue > 0.01 and gap_density < 0.5 * air_density and noise_below < 0.1 * air


def _looks_like_the_inside_of_a_ct(values: np.ndarray) -> bool:
    if values.min() >= -20 or values.min() < -1200 or not np.array_equal(values, np.rint(values)):
        return False
    p1, median, p99 = np.percentile(values, [1, 50, 99])
    return p1 < -20 and -160 <= median <= 200 and p99 <= 1500


def _looks_like_the_inside_of_a_ct_with_1024(values: np.ndarray) -> bool:
    """No value near 0, as every MR has them around the body, and soft tissue where 1024 more than water lies."""
    p1, median, p99 = np.percentile(values, [1, 50, 99])
    return bool(p1 >= 800 and 900 <= median <= 1250 and p99 <= 2500 and np.array_equal(values, np.rint(values)))


def has_negative_signal(values: np.ndarray) -> bool:
    """Whether negative values are more than the ringing of a filter around a background of zero.

    Args:
        values: Of the measured voxels, any shape. Those of exactly 0 are a background that was masked, and tell nothing.
    """
    signal = values[values != 0]
    if not signal.size:
        return False
    p1, p10, p99 = np.percentile(signal, [1, 10, 99])
    return bool(p10 < 0 and p1 < -0.05 * p99)


def lost_signs(values: np.ndarray, modality: Modality | None) -> bool:
    """Whether values above 32767 are negative Hounsfield units whose 16 bits were read without a sign.

    Args:
        values: Of the measured voxels, any shape.
        modality: As far as it is known; where it is not, the mended values have to look like a CT.
    """
    if values.dtype.kind not in "iu" or modality not in (None, Modality.CT):
        return False
    low, high = int(values.min()), int(values.max())
    if high <= _LARGEST_SIGNED or high > 2 * _LARGEST_SIGNED + 1 or low < 0:
        return False
    sample = _sample(values)
    if ((sample > _NEVER_IN_CT[0]) & (sample < _NEVER_IN_CT[1])).any():
        return False
    mended = np.where(sample > _LARGEST_SIGNED, sample - _ALL_OF_16_BITS, sample)
    return modality is Modality.CT or _looks_like_ct(mended) or _looks_like_the_inside_of_a_ct(mended)


def _guessed(modality: Modality, why: str) -> str:
    return f"The modality is not known; it was taken as {modality.value}, {why}. If this is wrong, choose the modality."


def _first_upper(text: str) -> str:
    return text[0].upper() + text[1:]
