"""DICOM files and folders as volumes: which series, which stack of slices, where it lies, and its grey values."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from .dicom_facts import check_is_volume, modality_of, notes_on_places, notes_on_values
from .dicom_frames import Frame, damaged, frames_of_file, no_scan, without_copies
from .dicom_pixels import pixels_of
from .dicom_stacks import Stack, stack_to_lps, stacks_of, what_differs
from .volume import Modality, ModalitySource, ScanFacts, SourceFrame, Volume, make_volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: An error lists no more series or stacks than this.
_LISTED = 5
#: Corners of a slice and of its image are at most so far apart, in mm.
_SAME_PLACE_MM = 0.05
#: Scans that are no DICOM, which a folder may hold.
_OTHER_SCANS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


def read_dicom(
    path: Path, modality: Modality | str | None = None, series: int | str | None = None, stack: int | None = None
) -> Volume:
    """The volume of a DICOM file, or of a series in a folder.

    Args:
        path: The file or folder.
        modality: The kind of scan; None: what the header says, else a guess.
        series: Which series: its number as the error lists them, from 1, or its UID.
        stack: Which stack of slices of the series, from 1.

    Raises:
        InputError: Where there is no series, several to choose from, or the slices make no volume.
    """
    # Hidden files are a system's own (macOS leaves '._name.dcm' beside each).
    inside = (
        (file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")) if path.is_dir() else ()
    )
    files = sorted(inside) if path.is_dir() else [path]
    frames = [frame for file in files for frame in frames_of_file(file)]
    if not frames:
        raise no_scan(path) if path.is_file() else _no_series(path)
    name = path.name if path.is_dir() else path.stem
    chosen, copies = without_copies(_chosen_series(frames, name, series))
    notes = [f"{copies} files are copies of others in the folder and were left out."] if copies else []
    return _volume_of(_chosen_stack(chosen, name, stack, notes), name, modality, notes)


def _no_series(folder: Path) -> InputError:
    inside = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    others = [entry.name for entry in inside if entry.name.lower().endswith(_OTHER_SCANS)]
    remedy = "point to the folder with the .dcm files of one series"
    if others:
        remedy = f"give '{others[0]}' in it by its own name"
    elif any(entry.is_dir() for entry in inside):
        remedy += " (folders inside it are not searched)"
    return InputError(f"The folder '{folder}' holds no DICOM series; {remedy}.")


def read_dicom_slices(files: Sequence[Path], name: str, modality: Modality | str | None = None) -> Volume:
    """The volume of DICOM files of one slice each, in the given order, whatever series they name.

    Args:
        files: In the order of the slices.
        name: Of the volume.
        modality: The kind of scan; None: what the header says, else a guess.

    Raises:
        InputError: Where a file is unreadable, or the slices differ in size or orientation, or make no volume.
    """
    frames: list[Frame] = []
    for file in files:
        found = frames_of_file(Path(file))
        if len(found) != 1:
            raise damaged(Path(file))
        frames += found
    return _volume_of(Stack(tuple(frames)), name, modality, [])


def with_source_frames(volume: Volume, files: Sequence[Path]) -> Volume:
    """A volume that another program read from DICOM files, with the image of each of its slices, found by its place.

    Args:
        volume: Its slices, by K, lie where they were scanned, in whichever order.
        files: What it was read from.

    Raises:
        InputError: A file is unreadable, or a slice has no image of its own: the volume was cropped or resampled since.
    """
    frames = [frame for file in files for frame in frames_of_file(file)]
    to_lps = _LPS_TO_RAS @ volume.ijk_to_ras_mm  # its own inverse
    placed = [frame for frame in frames if frame.position is not None]
    corners = np.array([frame.position for frame in placed]).reshape(-1, 3)
    found = []
    for k in range(len(volume.voxels)):
        slice_to_lps = to_lps @ _first_voxel(k)
        near = np.linalg.norm(corners - slice_to_lps[:3, 3], axis=1) < _SAME_PLACE_MM  # a long scan has few there
        found.append(_frame_at([placed[n] for n in np.flatnonzero(near)], slice_to_lps, volume.voxels.shape[1:]))
    if None in found:
        raise InputError(
            f"The slices of '{volume.name}' do not lie where its DICOM images do, so no objects can be made that name them: it was "
            "cropped, resampled or moved since. Take the volume as it was loaded."
        )
    chosen = [frame for frame in found if frame is not None]
    facts = replace(volume.facts, slice_thickness_mm=chosen[0].thickness)
    return replace(volume, facts=facts, source_frames=tuple(SourceFrame(one.file, one.number) for one in chosen))


def _first_voxel(k: int) -> np.ndarray:
    """(4, 4): the slice's own (column, row, 0, 1) to the volume's (i, j, k, 1)."""
    matrix = np.eye(4)
    matrix[2, 3] = k
    return matrix


def _frame_at(frames: Sequence[Frame], to_lps: np.ndarray, shape: tuple[int, ...]) -> Frame | None:
    """The frame of a shape whose pixels lie where a slice's do; None where there is none, or several."""
    theirs, last = to_lps[:3, [0, 1, 3]], np.array([shape[1] - 1, shape[0] - 1, 1.0])
    same = []
    for frame in frames:
        if frame.position is None or frame.orientation is None or frame.spacing is None or frame.shape != tuple(shape):
            continue
        (across, down), (height, width) = frame.orientation, frame.spacing
        off = np.stack([across * width, down * height, frame.position], axis=1) - theirs
        if max(np.linalg.norm(off[:, 2]), np.linalg.norm(off @ last)) < _SAME_PLACE_MM:
            same.append(frame)
    return same[0] if len(same) == 1 else None


def _chosen_series(frames: Sequence[Frame], name: str, asked: int | str | None) -> list[Frame]:
    series: dict[str, list[Frame]] = {}
    for frame in frames:
        series.setdefault(str(frame.header.get("SeriesInstanceUID", "")), []).append(frame)
    by_number = sorted(series, key=lambda uid: (_series_number(series[uid][0]), uid))
    if asked is None:
        if len(series) == 1:
            return list(frames)
        listed = _listing([_series_text(series[uid]) for uid in by_number])
        raise InputError(
            f"The folder '{name}' holds {len(series)} DICOM series: {listed}. Choose one with --series and its number."
        )
    if str(asked) in series:
        return series[str(asked)]
    number = int(asked) if str(asked).isdigit() else 0
    if not 1 <= number <= len(by_number):
        listed = _listing([_series_text(series[uid]) for uid in by_number])
        raise InputError(
            f"'{name}' has no series {asked}; it holds {listed}. Give one of these numbers, or a series' UID."
        )
    return series[by_number[number - 1]]


def _series_number(frame: Frame) -> float:
    number = frame.numbers("SeriesNumber", 1)
    return float("inf") if number is None else float(number[0])


def _series_text(frames: Sequence[Frame]) -> str:
    header = frames[0].header
    title = str(header.get("SeriesDescription", "") or "").strip()[:40]
    count = len(frames)
    return f"{header.get('Modality', '?')}{f' {title!r}' if title else ''}, {count} image{'s' if count != 1 else ''}"


def _listing(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return "; ".join(f"{n}: {text[:90]}" for n, text in enumerate(texts[:_LISTED], start=1)) + more


def _chosen_stack(frames: Sequence[Frame], name: str, asked: int | None, notes: list[str]) -> Stack:
    stacks = stacks_of(frames)
    if asked is not None:
        if not 1 <= asked <= len(stacks):
            raise InputError(
                f"'{name}' has no stack {asked}; it holds {_listing([stack.text for stack in stacks])}. Give one of these numbers."
            )
        if len(stacks) > 1:
            notes.append(
                f"The series holds {len(stacks)} stacks of slices; stack {asked} was chosen ({stacks[asked - 1].text})."
            )
        return stacks[asked - 1]
    scans = [stack for stack in stacks if not stack.is_localizer] or stacks
    if len(scans) == 1:
        if len(stacks) > 1:
            left = sum(len(stack.frames) for stack in stacks) - len(scans[0].frames)
            notes.append(
                f"{left} localizer (scout) image{'s' if left > 1 else ''} of the series, which {'lie' if left > 1 else 'lies'} elsewhere, {'were' if left > 1 else 'was'} left out."
            )
        return scans[0]
    raise InputError(
        f"'{name}' holds {len(stacks)} stacks of slices that differ in {what_differs(stacks)}, so they are not one volume: "
        f"{_listing([stack.text for stack in stacks])}. Choose one with --stack and its number."
    )


def _volume_of(stack: Stack, name: str, modality: Modality | str | None, notes: list[str]) -> Volume:
    first = stack.frames[0]
    check_is_volume(stack)
    _check_alike(stack, name)
    is_placed = all(frame.position is not None and frame.orientation is not None for frame in stack.frames)
    if is_placed:
        matrix = _LPS_TO_RAS @ stack_to_lps(stack, name)
    else:
        apart = first.numbers("SpacingBetweenSlices", 1)
        step = abs(float(apart[0])) if apart is not None and apart[0] else first.thickness or 1
        matrix = _LPS_TO_RAS @ np.diag([*(first.spacing[::-1] if first.spacing is not None else (1, 1)), step, 1])
        notes.append(
            "The images say neither where they lie nor how they are turned in the patient, so position and orientation are not known"
            + (" and they are ordered by their numbers." if len(stack.frames) > 1 else ".")
        )
    if first.spacing is None:
        notes.append("The images do not say how large a pixel is (no pixel spacing), so no millimetres are shown.")
    voxels, measured = pixels_of(stack.frames)
    notes += notes_on_places(stack.frames) + notes_on_values(first)
    found, source = (Modality(modality), ModalitySource.GIVEN) if modality else modality_of(first, voxels, notes)
    facts = ScanFacts(
        modality_source=source,
        has_known_orientation=is_placed,
        has_known_spacing=first.spacing is not None,
        slice_thickness_mm=first.thickness,
        notes=tuple(notes),
    )
    if found is Modality.PICTURE and voxels.min() >= 0 and voxels.max() <= 255:
        voxels = voxels.astype(np.uint8)
    volume = make_volume(name, voxels, matrix, found, facts, measured)
    return replace(volume, source_frames=tuple(SourceFrame(frame.file, frame.number) for frame in stack.frames))


def _check_alike(stack: Stack, name: str) -> None:
    first = stack.frames[0]
    for frame in stack.frames:
        if frame.shape != first.shape:
            raise InputError(
                f"The slices of '{name}' differ in size ('{first.file.name}', '{frame.file.name}'); keep one series."
            )
        if (frame.position is None) != (first.position is None):
            unplaced = frame if frame.position is None else first
            raise InputError(
                f"'{unplaced.file.name}' does not say where it lies though others of '{name}' do; remove it from the folder or export it again."
            )
