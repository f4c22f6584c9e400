"""Which stacks of parallel slices a DICOM series holds, and whether a stack makes a volume."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from ..errors import InputError
from .dicom_frames import Frame

#: Directions that differ by less count as one orientation: 0.2 mm at the edge of a picture of 400 mm.
_SAME_DIRECTION = 5e-4
_SAME_SPACING = 1e-4
#: Slices whose positions along the normal differ by less lie in one place; in microscopic scans, less of a pixel's edge.
_SAME_PLACE_MM, _SAME_PLACE_SHARE = 0.05, 0.1
#: How far a slice may lie from the regular grid: positions in headers are rounded.
_REGULAR_MM = 0.1
#: The same as a share of the slices' distance, for thin slices.
_REGULAR_SHARE = 0.1
#: What sets the images of two scans apart wherever they lie: keyword, name, unit.
_KINDS = (
    ("EchoTime", "echo time", "ms"),
    ("EffectiveEchoTime", "echo time", "ms"),
    ("DiffusionBValue", "b-value", "s/mm²"),
    ("ComplexImageComponent", "part of the complex image", ""),
    ("ConvolutionKernel", "kernel", ""),
)
#: What sets images in one place apart.
_REPEATS = (
    ("EchoNumbers", "echo", ""),
    ("TemporalPositionIndex", "time point", ""),
    ("TemporalPositionIdentifier", "time point", ""),
    ("NominalPercentageOfCardiacPhase", "cardiac phase", "%"),
    ("NominalCardiacTriggerDelayTime", "trigger time", "ms"),
    ("TriggerTime", "trigger time", "ms"),
    ("InversionTime", "inversion time", "ms"),
    ("FlipAngle", "flip angle", "°"),
    ("KVP", "tube voltage", "kV"),
    ("ContrastBolusAgent", "contrast agent", ""),
    ("DiffusionGradientOrientation", "gradient direction", ""),
    ("AcquisitionNumber", "acquisition", ""),
    ("StackID", "stack", ""),
    ("AcquisitionTime", "acquisition time", ""),
    ("AcquisitionDateTime", "acquisition time", ""),
    ("FrameReferenceDateTime", "time", ""),
    ("ContentTime", "time", ""),
    ("SeriesTime", "time", ""),
)


@dataclass(frozen=True)
class Stack:
    """Frames with one orientation, size and kind, along their normal.

    Attributes:
        frames: In their order along the normal.
        apart: What sets it apart from the other stacks.
    """

    frames: tuple[Frame, ...]
    apart: tuple[str, ...] = ()

    @property
    def is_localizer(self) -> bool:
        return all("LOCALIZER" in frame.image_kind for frame in self.frames)

    @property
    def text(self) -> str:
        """'20 slices, axial, echo time 15 ms'."""
        count = len(self.frames)
        first = self.frames[0]
        rows, columns = first.shape
        parts = [f"{count} slice{'s' if count != 1 else ''}", f"{columns} × {rows} pixels"]
        if first.orientation is not None:
            parts.insert(1, plane_name(first.orientation))
        if count == 1:
            parts.append(f"'{first.file.name}'")
        return ", ".join((*parts, *self.apart))


def plane_name(orientation: np.ndarray) -> str:
    """'axial', 'coronal', 'sagittal', or 'oblique' where no plane is near.

    Args:
        orientation: (2, 3) unit directions in LPS, in which columns and rows count up.
    """
    normal = np.abs(np.cross(*orientation))
    name = ("sagittal", "coronal", "axial")[int(np.argmax(normal))]
    return name if normal.max() > 0.9 else f"oblique (nearest {name})"


def stacks_of(frames: Sequence[Frame]) -> list[Stack]:
    """The stacks of a series, the largest first.

    Raises:
        InputError: Where several images lie in one place and nothing in the files sets them apart.
    """
    stacks = []
    for group in _by_geometry(frames):
        for part in _by_kind(group):
            stacks += _by_repeat(part)
    stacks.sort(key=lambda stack: -len(stack.frames))
    return stacks


def what_differs(stacks: Sequence[Stack]) -> str:
    """'orientation and size': in what the stacks differ, for a sentence."""
    found = []
    first = [stack.frames[0] for stack in stacks]
    if any(not _same_orientation(first[0], other) for other in first):
        found.append("orientation")
    if any(first[0].shape != other.shape or not _same_spacing(first[0], other) for other in first):
        found.append("size of the picture or its pixels")
    for name in dict.fromkeys(part.rpartition(": ")[0] for stack in stacks for part in stack.apart):
        found.append(name)
    return " and ".join(found) or "place"


def stack_to_lps(stack: Stack, name: str) -> np.ndarray:
    """Where the slices of a stack were cut, tilted or not.

    Args:
        stack: The slices.
        name: Of the volume, for the error's sentence.

    Returns:
        (4, 4): (column, row, slice, 1) to LPS in mm.

    Raises:
        InputError: Where the slices are not evenly spaced, as no grid can say where they lie then.
    """
    first = stack.frames[0]
    (across, down), start = _place_of(first)
    height, width = first.spacing if first.spacing is not None else (1.0, 1.0)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 3] = across * width, down * height, start
    normal = np.cross(across, down)
    normal /= np.linalg.norm(normal)
    count = len(stack.frames)
    if count == 1:
        matrix[:3, 2] = normal * (first.thickness or 1.0)
        return matrix
    positions = np.array([frame.position for frame in stack.frames])
    step = (positions[-1] - positions[0]) / (count - 1)
    off = np.linalg.norm(positions - (positions[0] + np.arange(count)[:, None] * step), axis=1).max()
    if off > min(_REGULAR_MM, _REGULAR_SHARE * float(np.linalg.norm(step))):
        raise InputError(_uneven(name, positions @ normal, off))
    matrix[:3, 2] = step
    return matrix


def _uneven(name: str, along: np.ndarray, off_mm: float) -> str:
    distances = np.diff(along)
    usual = float(np.median(distances))
    remedy = (
        "resample the series to one distance first (3D Slicer's DICOM import offers it), or give the file of one slice"
    )
    if distances.max() - distances.min() <= 2 * _REGULAR_MM:
        return f"The slices of '{name}' do not lie along one line (up to {off_mm:.1f} mm off), so they make no volume; {remedy}."
    whole = distances / usual
    if 0 < np.mean(whole > 1.5) <= 0.25 and np.abs(whole - np.rint(whole)).max() < 0.1:
        missing = int(np.rint(whole).sum()) - len(distances)
        are_missing = "1 slice of '{}' is missing" if missing == 1 else f"{missing} slices of '{{}}' are missing"
        return (
            f"{are_missing.format(name)}: most lie {usual:.4g} mm apart, but two of them {distances.max():.4g} mm; import the "
            f"whole series again, or give the file of one slice."
        )
    return f"The slices of '{name}' are not evenly spaced ({distances.min():.4g} to {distances.max():.4g} mm apart); {remedy}."


def _by_geometry(frames: Sequence[Frame]) -> list[list[Frame]]:
    groups: list[list[Frame]] = []
    for frame in frames:
        for group in groups:
            if frame.shape == group[0].shape and _same_orientation(frame, group[0]) and _same_spacing(frame, group[0]):
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _same_orientation(one: Frame, other: Frame) -> bool:
    if one.orientation is None or other.orientation is None or one.position is None or other.position is None:
        return (one.orientation is None or one.position is None) == (
            other.orientation is None or other.position is None
        )
    return bool(np.abs(one.orientation - other.orientation).max() <= _SAME_DIRECTION)


def _same_spacing(one: Frame, other: Frame) -> bool:
    if one.spacing is None or other.spacing is None:
        return one.spacing is other.spacing
    return bool(np.allclose(one.spacing, other.spacing, rtol=_SAME_SPACING, atol=0))


def _by_kind(frames: list[Frame]) -> list[tuple[list[Frame], tuple[str, ...]]]:
    """Frames of one kind of image each, with what sets the kind apart."""
    keys = {frame: _kind_of(frame) for frame in frames}
    parts = []
    for key in dict.fromkeys(keys.values()):
        apart = tuple(text for n, text in enumerate(key) if text and len({other[n] for other in keys.values()}) > 1)
        parts.append(([frame for frame in frames if keys[frame] == key], apart))
    return parts


def _kind_of(frame: Frame) -> tuple[str, ...]:
    texts = [_text(frame, *attribute) for attribute in _KINDS]
    kind = frame.image_kind
    return *texts, f"kind of image: {'/'.join(kind)}" if kind else ""


def _text(frame: Frame, keyword: str, name: str, unit: str) -> str:
    """'echo time: 15 ms', '' where the frame does not say."""
    value = frame.values.get(keyword)
    if value is None or value == "":
        return ""
    number = frame.numbers(keyword, 1)
    shown = f"{number[0]:.6g}" if number is not None else str(value)
    return f"{name}: {shown}{' ' if unit else ''}{unit}"


def _by_repeat(part: tuple[list[Frame], tuple[str, ...]]) -> list[Stack]:
    """One stack, or several where each place has several images."""
    frames, apart = part
    if any(frame.position is None or frame.orientation is None for frame in frames):
        return [Stack(tuple(sorted(frames, key=_number_of)), apart)]
    ordered, most = _along_normal(frames)
    if most == 1:
        return [Stack(tuple(ordered), apart)]
    for attributes in (*combinations(_REPEATS, 1), *combinations(_REPEATS, 2)):
        groups: dict[tuple[str, ...], list[Frame]] = {}
        for frame in ordered:
            groups.setdefault(tuple(_text(frame, *attribute) for attribute in attributes), []).append(frame)
        if len(groups) == most and all(_along_normal(group)[1] == 1 for group in groups.values()):
            return [
                Stack(tuple(_along_normal(group)[0]), (*apart, *(text for text in key if text)))
                for key, group in groups.items()
            ]
    if len({frame.file for frame in ordered}) == 1:
        raise InputError(
            f"'{ordered[0].file.name}' holds {len(ordered)} frames, up to {most} of them at the same position, and does not say what sets them "
            "apart (a film, or slices without places of their own); save one frame, or export the series as single slices."
        )
    names = " and ".join(f"'{frame.file.name}'" for frame in _first_twice(ordered))
    raise InputError(
        f"There are {most} images at the same position ({names}), and nothing in the files (echo, phase, time) sets them apart, so they make "
        "no volume; put the images of one scan into a folder of their own."
    )


def _place_of(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Orientation (2, 3) and position (3,) in LPS of a frame of a stack."""
    if frame.orientation is None or frame.position is None:
        raise InputError(f"'{frame.file.name}' does not say where it lies; export the series again.")
    return frame.orientation, frame.position


def _along(frame: Frame) -> float:
    orientation, position = _place_of(frame)
    return float(np.cross(*orientation) @ position)


def _along_normal(frames: Sequence[Frame]) -> tuple[list[Frame], int]:
    """The frames along their normal, and how many lie in the place with most."""
    normal = np.cross(*_place_of(frames[0])[0])
    along = [float(normal @ frame.position) for frame in frames]
    order = sorted(range(len(frames)), key=along.__getitem__)
    same_place_mm = _same_place_mm(frames[0])
    most, here = 1, 1
    for before, after in pairwise(order):
        here = here + 1 if along[after] - along[before] < same_place_mm else 1
        most = max(most, here)
    return [frames[n] for n in order], most


def _same_place_mm(frame: Frame) -> float:
    edge = float(frame.spacing.min()) if frame.spacing is not None else 1.0
    return min(_SAME_PLACE_MM, _SAME_PLACE_SHARE * edge)


def _first_twice(ordered: Sequence[Frame]) -> tuple[Frame, Frame]:
    same_place_mm = _same_place_mm(ordered[0])
    return next((a, b) for a, b in pairwise(ordered) if abs(_along(b) - _along(a)) < same_place_mm)


def _number_of(frame: Frame) -> tuple[float, str, int]:
    number = frame.numbers("InstanceNumber", 1)
    return (float("inf") if number is None else float(number[0]), frame.file.name, frame.number)
