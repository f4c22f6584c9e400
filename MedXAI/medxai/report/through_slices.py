"""The files of an organ that was followed through the slices: volumes, a table, a record, and a picture of all slices."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np

from .. import __version__
from ..limits import LIMITS_STATEMENT
from ..maps import MapId
from ..model_input.grey import grey_range_of, grey_slice
from ..provenance import followed_organs_provenance_of, volume_provenance_of
from ..slice.orientation import orientation_of
from ..through_slices.drift_alarm import ALARM_AT, ALARM_SENTENCE, StopReason
from ..through_slices.several import FollowedOrgan, label_volume, overlaps_through_slices
from ..through_slices.volume_result import FollowedSlice, VolumeResult
from ..volume.volume import PLANE_AXES
from .earlier_organs import ORGANS_TABLE, files_of_earlier_organs
from .folder import whole_or_nothing
from .overlay import BOX_COLOUR, MASK_COLOUR, outlines_of
from .record import SCHEMA_ID, versions_here, write_record
from .segment_file import write_segments
from .sheet import Cell, Lettering, Sheet
from .through_report import write_through_report
from .volumes import write_volume

#: The published description of the record (JSON Schema), beside that of explanation.json.
THROUGH_SCHEMA_ID = SCHEMA_ID.replace("explanation.schema", "through_slices.schema")
THROUGH_SCHEMA_VERSION = "1.0"
#: likeness: of the model's features, in [-1, 1]; grey_likeness: in [0, 1]; evidence: the alarm fires from 1 on.
COLUMNS = (
    "slice",
    "state",
    "first_column",
    "first_row",
    "last_column",
    "last_row",
    "area_px",
    "area_mm2",
    "likeness",
    "grey_likeness",
    "soft_share",
    "evidence",
    "reason",
    "followed_from",
    "seconds",
)
_ALARM_COLOUR = "#ff6b6b"
# Inches: a picture's width, the gap between pictures, the room for a title, a line of the footer, the least width of the page.
_PICTURE_INCHES, _GAP, _TITLE, _FOOTER_LINE, _LEAST_WIDTH = 1.9, 0.04, 0.25, 0.17, 5.0
_DPI, _ACROSS = 100, 6
#: Letters of the footer to an inch, and their size; that of the letters at a picture's edges.
_LETTERS, _FOOTER_POINTS, _SIDE_POINTS = 17, 8.0, 7.0

#: The columns of organs.csv, a row an organ.
ORGAN_COLUMNS = (
    "label",
    "organ",
    "code",
    "first_slice",
    "last_slice",
    "voxels",
    "volume_mm3",
    "alarms_on_slices",
    "warnings",
)


def write_through_slices(
    organs: Sequence[FollowedOrgan],
    folder: Path,
    source: dict[str, object] | None = None,
    extra: Callable[[Path], None] | None = None,
) -> None:
    """Writes all files into a folder, whole or not at all; the volumes lie on the source's grid.

    For all organs: segmentation.nrrd (labels from 1), segmentation.seg.nrrd (Slicer's own format) and report.html. For each: one
    volume a map (for example saliency_stage3_block_11.nrrd), contour_tolerance.nrrd, slices.csv, slices.png and
    through_slices.json. With several organs these have the organ's name before the ending, and organs.csv has a row for each.

    Args:
        organs: From one slice.
        folder: Where the files go.
        source: What is known of the input file beyond the volume itself.
        extra: Writes more files into the same temporary folder (the scene).

    Raises:
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    matrix, shared = organs[0].result.request.on_slice.volume.ijk_to_ras_mm, followed_organs_provenance_of(organs)
    with whole_or_nothing(folder, files_of_earlier_organs(folder)) as scratch:
        write_volume(scratch / "segmentation.nrrd", label_volume(organs), matrix, shared)
        masks = [(one.organ, one.result.mask) for one in organs]
        write_segments(scratch / "segmentation.seg.nrrd", masks, matrix, shared)
        for one in organs:
            _write_files_of_one(one.result, scratch, source, suffix_of(one, organs))
        if len(organs) > 1:
            _write_table_of_organs(scratch / ORGANS_TABLE, organs)
        pictures = [(scratch / f"slices{suffix_of(one, organs)}.png").read_bytes() for one in organs]
        write_through_report(scratch / "report.html", organs, pictures)
        if extra is not None:
            extra(scratch)


def suffix_of(one: FollowedOrgan, organs: Sequence[FollowedOrgan]) -> str:
    """What stands before the ending of an organ's files: nothing where it is the only one."""
    return f"_{one.file_part}" if len(organs) > 1 else ""


def _write_files_of_one(result: VolumeResult, folder: Path, source: dict[str, object] | None, suffix: str) -> None:
    matrix, shared = result.request.on_slice.volume.ijk_to_ras_mm, volume_provenance_of(result)
    for map_id in result.map_ids:
        details = {**shared, "Map": str(map_id), "Layer": map_id.layer}
        write_volume(folder / map_file_name(map_id, suffix), result.map_volume(map_id), matrix, details)
    write_volume(folder / f"contour_tolerance{suffix}.nrrd", result.tolerance_mm_per_logit, matrix, shared)
    write_slices(folder / f"slices{suffix}.csv", result)
    write_montage(folder / f"slices{suffix}.png", result)
    write_record(folder / f"through_slices{suffix}.json", through_record(result, source))


def _write_table_of_organs(path: Path, organs: Sequence[FollowedOrgan]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        said = (LIMITS_STATEMENT, ALARM_SENTENCE, *overlaps_through_slices(organs))
        file.writelines(f"# {sentence}\n" for sentence in said)
        writer = csv.DictWriter(file, ORGAN_COLUMNS)
        writer.writeheader()
        writer.writerows(map(organ_row, organs))


def organ_row(one: FollowedOrgan) -> dict[str, object]:
    """An organ in plain values, by the names of `ORGAN_COLUMNS`."""
    accepted, side = one.result.accepted, one.organ.side
    return {
        "label": one.label,
        "organ": one.organ.name,
        "code": one.organ.type.value + ("" if side is None else f" {side.value}"),
        "first_slice": accepted[0].index if accepted else None,
        "last_slice": accepted[-1].index if accepted else None,
        "voxels": sum(each.area_px for each in accepted),
        "volume_mm3": None if one.result.volume_mm3 is None else round(one.result.volume_mm3, 1),
        "alarms_on_slices": " ".join(str(stop.index) for stop in one.result.alarms),
        "warnings": len(one.result.warnings),
    }


def map_file_name(map_id: MapId, suffix: str = "") -> str:
    """'saliency_stage3_block_11.nrrd'; suffix: before the ending."""
    parts = [map_id.map or map_id.explainer, *([map_id.layer] if map_id.layer else [])]
    return "_".join(["saliency", *parts]).replace(" ", "_").replace("/", "_") + f"{suffix}.nrrd"


def write_slices(path: Path, result: VolumeResult) -> None:
    """Writes slices.csv, a row a slice; the first two lines are comments with the limits and what an alarm means."""
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {LIMITS_STATEMENT}\n# {ALARM_SENTENCE}\n")
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(slice_row(result, one) for one in result.slices)


def slice_row(result: VolumeResult, one: FollowedSlice) -> dict[str, object]:
    """A slice in plain values, by the names of `COLUMNS`."""
    image, box = result.request.on_slice.image, one.box
    area_mm2 = one.area_px * image.spacing_mm[0] * image.spacing_mm[1] if image.facts.has_known_spacing else None
    return {
        "slice": one.index,
        "state": str(one.state),
        "first_column": box.first_column,
        "first_row": box.first_row,
        "last_column": box.last_column,
        "last_row": box.last_row,
        "area_px": one.area_px,
        "area_mm2": None if area_mm2 is None else round(area_mm2, 2),
        "likeness": round(one.verdict.likeness, 4),
        "grey_likeness": round(one.verdict.grey_likeness, 4),
        "soft_share": round(one.soft_share, 4),
        "evidence": round(one.verdict.evidence, 4),
        "reason": one.verdict.reason,
        "followed_from": one.origin,
        "seconds": round(one.seconds, 3),
    }


def through_record(result: VolumeResult, source: dict[str, object] | None = None) -> dict[str, object]:
    """The record as plain values for JSON; through_slices.schema.json describes every field.

    Args:
        result: What is recorded.
        source: What is known of the input file beyond the volume itself.
    """
    request, model = result.request, result.model
    volume, asked = request.on_slice.volume, request.range
    known = volume.facts
    voxels = sum(one.area_px for one in result.accepted)
    return {
        "$schema": THROUGH_SCHEMA_ID,
        "schema_version": THROUGH_SCHEMA_VERSION,
        "limits": LIMITS_STATEMENT,
        "alarm_means": ALARM_SENTENCE,
        "medxai": __version__,
        "input": {
            **(source or {}),
            "volume": volume.name,
            "plane": request.on_slice.image.plane,
            "start_slice": request.start,
            "asked_slices": [asked[0], asked[-1]],
            "modality": known.modality.value,
            "ijk_to_ras_mm": volume.ijk_to_ras_mm.tolist() if known.has_known_orientation else None,
        },
        "model": None
        if model is None
        else {
            "name": model.name,
            "title": model.title,
            "checksum_sha256": model.checksum_sha256,
            "device": model.device,
        },
        "segmentation": {"voxels": voxels, "volume_mm3": result.volume_mm3},
        "maps": [str(map_id) for map_id in result.map_ids],
        "alarm_from_evidence": ALARM_AT,
        "slices": [slice_row(result, one) for one in result.slices],
        "stops": [
            {
                "slice": stop.index,
                "direction": stop.direction,
                "reason": str(stop.reason),
                "is_alarm": stop.reason.is_alarm,
                "detail": stop.detail,
            }
            for stop in result.stops
        ],
        "is_complete": result.is_complete,
        "warnings": list(result.warnings),
        "seconds": result.seconds,
        "versions": versions_here(),
    }


def write_montage(path: Path, result: VolumeResult) -> None:
    """Draws every slice of the way with its box and mask, and marks those with an alarm.

    Args:
        path: Of the PNG.
        result: What is drawn.
    """
    image = result.request.on_slice.image
    turn = orientation_of(image)
    rows, columns = turn.upright(image.pixels).shape
    size_mm = columns * turn.pixel_mm[0], rows * turn.pixel_mm[1]
    cell_height = _PICTURE_INCHES * float(np.clip(size_mm[1] / size_mm[0], 0.2, 2.5))
    across = min(_ACROSS, max(len(result.slices), 1))
    down = -(-len(result.slices) // across)
    width = max(across * (_PICTURE_INCHES + _GAP) + _GAP, _LEAST_WIDTH)
    said = " ".join(stop.sentence for stop in result.stops if stop.reason.is_alarm) or "No alarm."
    lines = [line for part in (said, ALARM_SENTENCE, LIMITS_STATEMENT) for line in wrap(part, int(width * _LETTERS))]
    footer = _FOOTER_LINE * (len(lines) + 1)
    sheet = Sheet(width, down * (cell_height + _TITLE) + footer, _DPI)
    grey_range = grey_range_of(result.request.on_slice.volume, result.request.on_slice.window)
    for number, one in enumerate(result.slices):
        row, column = divmod(number, across)
        left, top = _GAP + column * (_PICTURE_INCHES + _GAP), _TITLE + row * (cell_height + _TITLE)
        cell = sheet.cell(left, top, _PICTURE_INCHES, cell_height, size_mm)
        _draw(cell, grey_slice(result.request.at(one.index).image, grey_range), result, one)
    for number, line in enumerate(lines):
        sheet.text(_GAP, sheet.height - footer + (number + 1) * _FOOTER_LINE, line, Lettering(_FOOTER_POINTS))
    sheet.save(path)


def _draw(cell: Cell, grey: np.ndarray, result: VolumeResult, one: FollowedSlice) -> None:
    image = result.request.on_slice.image
    turn = orientation_of(image)
    upright = turn.upright(grey)
    size_mm = upright.shape[1] * turn.pixel_mm[0], upright.shape[0] * turn.pixel_mm[1]
    cell.image(upright, size_mm, smooth=True)
    colour, style = (_ALARM_COLOUR, "dashed") if one.is_alarm else (MASK_COLOUR, "solid")
    for outline in outlines_of(turn.upright(one.mask)):
        cell.line(outline * turn.pixel_mm, color=colour, linewidth=1.0, linestyle=style)
    box_mm = np.array(turn.upright_extent(one.box, image.shape)) * (*turn.pixel_mm, *turn.pixel_mm)
    cell.rectangle(*box_mm, edgecolor=BOX_COLOUR, linewidth=0.7)
    # Only which side is which: more letters would hide too much of so small a picture.
    cell.letters((*turn.letters[:2], "", ""), _SIDE_POINTS)
    axis = "ijk"[PLANE_AXES[image.plane][2]]
    cell.title(f"{axis} = {one.index}: {one.state}", 6.5, centred=True, colour="#b00020" if one.is_alarm else "black")


def stops_text(result: VolumeResult) -> list[str]:
    """Where the ways ended, in sentences for the terminal; those at the next box of the user's are left out."""
    return [stop.sentence for stop in result.stops if stop.reason is not StopReason.NEXT_BOX]
