"""A volume as MedXAI sees it: voxels, where they lie in the patient, what kind of scan it is, and what had to be assumed."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from .modality import Modality, ModalitySource, doubt_about_hounsfield_units, guess_modality, lost_signs

#: In-plane axes (first, second) and through-plane axis of the three planes, as indexes into (i, j, k).
PLANE_AXES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}
#: Axes that are further from a right angle than this count as sheared: half a millimetre over 300 mm.
RIGHT_ANGLE_TOLERANCE_DEGREES = 0.1
#: Whole volumes are filled with this by programs that have no value for a voxel; no scan reaches it.
_PADDING_VALUE = -32768
_PADDING_GAP = 1000
#: Other fillings (below every Hounsfield unit, or above every signal): so far out, in so many voxels, and further from all others than these lie from each other.
_LOW_FILLING, _HIGH_FILLING, _FILLED_SHARE = -1500.0, 1e6, 0.001
_SIGNS_NOTE = "Negative Hounsfield units were stored as large positive numbers (the sign was lost): 65536 was subtracted from every value above 32767."


@dataclass(frozen=True)
class ScanFacts:
    """What is known of a scan beside its voxels, and what was assumed.

    Attributes:
        modality: The kind of scan.
        modality_source: Who said so.
        has_known_orientation: False where the file does not say how the scan lies in the patient.
        has_known_spacing: False where it does not say how large a pixel is (1 mm then stands for one pixel).
        slice_thickness_mm: How thick the scanner's slices are, None where the file does not say so; slices may overlap
            or
            leave gaps, so this is not their distance.
        notes: Assumptions and changes, in sentences for the user.
    """

    modality: Modality = Modality.MR
    modality_source: ModalitySource = ModalitySource.GIVEN
    has_known_orientation: bool = True
    has_known_spacing: bool = True
    slice_thickness_mm: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def modality_text(self) -> str:
        """'CT (from the file)'."""
        return f"{self.modality.value} ({self.modality_source.value})"


@dataclass(frozen=True)
class SourceFrame:
    """One image of a DICOM series.

    Attributes:
        file: Where it is.
        number: Of the frame in the file, from 0.
    """

    file: Path
    number: int


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar volume in its patient's frame. Two volumes are equal only if they are the same object.

    Voxels that were not measured hold the lowest measured value and belong into no statistic.

    Attributes:
        name: What the user calls it.
        voxels: (K, J, I), any real dtype, all finite, Hounsfield units for CT; never written to.
        ijk_to_ras_mm: (4, 4), voxel index (i, j, k, 1) to RAS in millimetres.
        facts: What else is known of the scan.
        measured: (K, J, I) bool, False for voxels without a measured value (NaN in the file, padding); None: all have
            one.
        source_frames: Where it was read from DICOM: an image for each slice, by K; empty otherwise.
    """

    name: str
    voxels: np.ndarray
    ijk_to_ras_mm: np.ndarray
    facts: ScanFacts
    measured: np.ndarray | None = None
    source_frames: tuple[SourceFrame, ...] = ()

    @property
    def modality(self) -> Modality:
        return self.facts.modality

    @property
    def modality_source(self) -> ModalitySource:
        return self.facts.modality_source

    @property
    def notes(self) -> tuple[str, ...]:
        return self.facts.notes

    @property
    def shape_ijk(self) -> tuple[int, int, int]:
        k, j, i = self.voxels.shape
        return i, j, k

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,): edge lengths of a voxel along I, J and K."""
        return np.linalg.norm(self.ijk_to_ras_mm[:3, :3], axis=0)

    @property
    def measured_values(self) -> np.ndarray:
        """The values that count in statistics: all voxels, or (n,) of those that were measured."""
        return self.voxels if self.measured is None else self.voxels[self.measured]


def make_volume(
    name: str,
    voxels: np.ndarray,
    ijk_to_ras_mm: np.ndarray,
    modality: Modality | str | None = None,
    facts: ScanFacts | None = None,
    measured: np.ndarray | None = None,
) -> Volume:
    """A checked `Volume`.

    Args:
        name: What the user calls it; control characters become spaces.
        voxels: (K, J, I). Voxels that are not finite count as not measured.
        ijk_to_ras_mm: (4, 4), voxel index (i, j, k, 1) to RAS in millimetres.
        modality: The kind of scan; None: it is guessed from the values, and the facts say that it was.
        facts: What else is known; `modality` takes the place of its own.
        measured: (K, J, I) bool, False for padding; None: where all voxels count.

    Returns:
        The volume, its notes extended by what was assumed here.

    Raises:
        InputError: For anything but a 3-D, scalar, non-empty volume with measured voxels and an invertible geometry.
    """
    name, voxels = _clean_name(name), np.asarray(voxels)
    if voxels.ndim != 3 or voxels.size == 0:
        raise InputError(
            f"'{name}' has the shape {voxels.shape}, but MedXAI needs one scalar 3-D volume; "
            "pick one time point or one channel first."
        )
    if voxels.dtype.kind not in "biuf":
        raise InputError(
            f"'{name}' holds {voxels.dtype} values, but MedXAI needs real numbers; convert it to a scalar volume first."
        )
    matrix = np.array(ijk_to_ras_mm, dtype=float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise InputError(
            f"'{name}' has no valid geometry (its IJK to RAS matrix cannot be inverted); check its spacing and directions."
        )
    matrix.setflags(write=False)
    voxels, measured, notes = _without_gaps(name, voxels, measured)
    facts = facts or ScanFacts()
    notes = (*facts.notes, *notes, *_note_on_angles(matrix))
    values = voxels if measured is None else voxels[measured]
    if lost_signs(values, None if modality is None else Modality(modality)):
        voxels = np.where(voxels > 32767, voxels.astype(np.int32) - 65536, voxels).astype(np.int16)
        values = voxels if measured is None else voxels[measured]
        notes = (*notes, _SIGNS_NOTE)
    if modality is None:
        modality, doubt = guess_modality(values)
        facts = replace(facts, modality_source=ModalitySource.GUESSED)
        notes = (*notes, *doubt)
    modality = Modality(modality)
    if modality is Modality.CT:
        notes = (*notes, *doubt_about_hounsfield_units(values))
    return Volume(name, voxels, matrix, replace(facts, modality=modality, notes=tuple(dict.fromkeys(notes))), measured)


def shear_degrees(axes: np.ndarray) -> float:
    """How far the two axes that are furthest from a right angle are from it, in degrees.

    Args:
        axes: (3, n), a column a direction.
    """
    unit = axes / np.linalg.norm(axes, axis=0)
    cosines = np.abs(unit.T @ unit - np.eye(axes.shape[1]))
    return float(np.degrees(np.arcsin(np.clip(cosines.max(), 0, 1))))


def _note_on_angles(matrix: np.ndarray) -> tuple[str, ...]:
    shear = shear_degrees(matrix[:3, :3])
    if shear <= RIGHT_ANGLE_TOLERANCE_DEGREES:
        return ()
    return (
        f"The volume's axes are not at right angles ({shear:.1f}° off, as with a tilted scanner). Slices are shown exactly as they were cut "
        "and lie where they were; resample the volume to look at it in another plane.",
    )


def _without_gaps(
    name: str, voxels: np.ndarray, measured: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Voxels, what was measured, and notes: where no value is, the lowest measured one stands in."""
    padding = _isolated_padding(voxels)
    if padding is not None:
        measured = ~padding if measured is None else measured & ~padding
    finite = np.isfinite(voxels) if voxels.dtype.kind == "f" else None
    if finite is not None and finite.all():
        finite = None
    if finite is not None:
        measured = finite if measured is None else measured & finite
    if measured is None or measured.all():
        return voxels, None, ()
    if not measured.any():
        raise InputError(f"'{name}' has no voxel with a value (all are NaN, infinite or padding); export it again.")
    lost = int(measured.size - np.count_nonzero(measured))
    kind = "NaN or infinite" if finite is not None else "padding"
    voxels = np.where(measured, voxels, voxels[measured].min())
    measured.setflags(write=False)
    return (
        voxels,
        measured,
        (
            f"{lost} voxel{'s hold' if lost > 1 else ' holds'} no value ({kind}), shown black and counted in no statistic.",
        ),
    )


def _isolated_padding(voxels: np.ndarray) -> np.ndarray | None:
    """(K, J, I) bool: where a value that is far from all others stands for 'no value'; None where none does."""
    if voxels.dtype.kind not in "if":
        return None
    if (voxels <= _PADDING_VALUE).any():
        padding = voxels <= _PADDING_VALUE
        others = voxels[~padding & np.isfinite(voxels)]
        if others.size and others.min() > _PADDING_VALUE + _PADDING_GAP:
            return padding
    low, high = (float(f.reduce(voxels, axis=None)) for f in (np.fmin, np.fmax))
    if low <= _LOW_FILLING and np.isfinite(low):
        return _filled_with(voxels, low, 1.0)
    if voxels.dtype.kind == "f" and high >= _HIGH_FILLING and np.isfinite(high):
        return _filled_with(voxels, high, 10.0)
    return None


def _filled_with(voxels: np.ndarray, value: float, times: float) -> np.ndarray | None:
    """(K, J, I) bool: the voxels of a value, None where they are few or not `times` as far away as the others are apart."""
    filled = voxels == value
    if filled.mean() < _FILLED_SHARE:
        return None
    others = ~filled & np.isfinite(voxels)
    if not others.any():
        return None
    low, high = float(voxels[others].min()), float(voxels[others].max())
    away = low - value if value < low else value - high
    return filled if high > low and away > times * (high - low) else None


def _clean_name(name: str) -> str:
    """The name as text that every file and console can hold: no control characters, no half of a character."""
    whole = name.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in whole)


__all__ = [
    "RIGHT_ANGLE_TOLERANCE_DEGREES",
    "Modality",
    "ModalitySource",
    "ScanFacts",
    "SourceFrame",
    "Volume",
    "make_volume",
    "shear_degrees",
]
