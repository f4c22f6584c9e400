"""The files of several organs on one slice: one segmentation, one table, one report, and maps and pictures for each."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from ..limits import LIMITS_STATEMENT
from ..metrics.case_evidence import CaseEvidence
from ..organs_on_slice import FIGURES, OrganExplanation, figures_of_organ, label_mask, overlaps
from ..provenance import organs_provenance_of
from ..results import ReferenceMask
from .case_report import case_values, date_text, provenance_lines
from .earlier_organs import ORGANS_TABLE, files_of_earlier_organs
from .folder import whole_or_nothing
from .metrics_file import write_metrics
from .page import page_html, part_html, write_page
from .pictures import Pictures, SliceScene
from .segment_file import write_slice_segments
from .volumes import write_slice_volume
from .writing import write_files_of_one

#: Half of the room that a number takes, as a share of the slice's width.
_HALF_NUMBER = 0.03
#: The columns of the page's table; organs.csv has all.
_ON_PAGE = tuple(
    figure
    for figure in FIGURES
    if figure.key in ("area_mm2", "told_from_nothing", "warnings")
    or figure.key.startswith(("mask_share", "inside_", "outline_"))
)


@dataclass(frozen=True, eq=False)
class OrganWithEvidence:
    """An organ, and what was measured of it.

    Attributes:
        organ: Its result.
        evidence: Metrics, baselines, comparison methods and sanity checks of this very result.
        reference: What its mask is compared with; None for nothing.
    """

    organ: OrganExplanation
    evidence: CaseEvidence
    reference: ReferenceMask | None = None


@dataclass(frozen=True)
class _Part:
    """An organ on the page: its line in the table, its outline in the first picture, and its section.

    Attributes:
        key: Before the names of its shapes.
        label, name, colour: Of the organ; colour '#rrggbb'.
        scene: Its outline and box.
        number: Where its number stands, (x, y) of the middle in the scene's lengths.
        figures: Its line in the table.
        html: Its section.
    """

    key: str
    label: int
    name: str
    colour: str
    scene: SliceScene
    number: tuple[float, float]
    figures: tuple[str, ...]
    html: Markup


def write_organs(
    organs: Sequence[OrganWithEvidence],
    folder: Path,
    source: dict[str, object] | None = None,
    extra: Callable[[Path], None] | None = None,
) -> None:
    """Writes all files into a folder, whole or not at all.

    For all organs: segmentation.nrrd (labels from 1), segmentation.seg.nrrd (Slicer's own format), organs.csv,
    figures.csv and report.html. For each: what `write_results` writes of one, with the organ's name before the ending,
    for example saliency_stage3_liver.nrrd, contour_liver.csv, panels_liver.png, explanation_liver.json.

    Args:
        organs: On one slice.
        folder: Where the files go.
        source: What is known of the input file beyond the volume itself.
        extra: Writes more files into the same temporary folder (the scene).

    Raises:
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    only = [one.organ for one in organs]
    shared, image = organs_provenance_of(only), only[0].explanation.prepared.image
    with whole_or_nothing(folder, files_of_earlier_organs(folder)) as scratch:
        for one in organs:
            write_files_of_one(one.organ.explanation, scratch, one.evidence, source, one.organ, one.reference)
        write_slice_volume(scratch / "segmentation.nrrd", image, label_mask(only), shared)
        masks = [(one.organ, one.explanation.segmentation.mask) for one in only]
        write_slice_segments(scratch / "segmentation.seg.nrrd", image, masks, shared)
        write_table_of_organs(scratch / ORGANS_TABLE, only)
        write_metrics(scratch / "figures.csv", [row for one in organs for row in one.evidence.rows])
        write_page(scratch / "report.html", organs_report_html(organs, datetime.now().astimezone(), "figures.csv"))
        if extra is not None:
            extra(scratch)


def write_table_of_organs(path: Path, organs: Sequence[OrganExplanation]) -> None:
    """Writes organs.csv, a row an organ; the first lines are comments with the limits and what masks share."""
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {sentence}\n" for sentence in (LIMITS_STATEMENT, *overlaps(organs)))
        writer = csv.DictWriter(file, [figure.key for figure in FIGURES])
        writer.writeheader()
        writer.writerows(map(figures_of_organ, organs))


def organs_report_html(
    organs: Sequence[OrganWithEvidence], made: datetime | None = None, metrics_file: str = ""
) -> str:
    """The page as text: a table of all organs, then a section for each with what the report of one case has.

    Args:
        organs: On one slice.
        made: The date on the page.
        metrics_file: The name of a file beside the page that has all metrics, '' for none.
    """
    pictures = [Pictures(one.organ.explanation, one.reference) for one in organs]
    numbers = places_of_numbers([drawn.scene for drawn in pictures])
    parts = [
        _part(one, drawn, number, metrics_file) for one, drawn, number in zip(organs, pictures, numbers, strict=True)
    ]
    first = organs[0].organ.explanation
    return page_html(
        "organs.html",
        title=f"MedXAI report: {first.prepared.image.where}",
        made=date_text(made),
        scene=parts[0].scene,
        columns=[figure.title for figure in _ON_PAGE],
        parts=parts,
        layer=first.shown_layer,
        overlaps=overlaps([one.organ for one in organs]),
        provenance=provenance_lines(first),
        key="",
    )


def places_of_numbers(scenes: Sequence[SliceScene]) -> list[tuple[float, float]]:
    """Where the organs' numbers stand beside their boxes, none on another: within a box a small organ would be hidden.

    Args:
        scenes: Of one slice; each with its box.
    """
    places: list[tuple[float, float]] = []
    for scene in scenes:
        half, box = _HALF_NUMBER * scene.width, scene.box
        above = box.y - half if box.y > 2 * half else None
        below = box.y + box.height + half if box.y + box.height < scene.height - 2 * half else None
        rows = [y for y in (above, below) if y is not None] or [scene.height - half]
        # Along the box's upper edge, then its lower one, then on beyond its ends as far as the slice goes.
        begin, most = min(box.x + half, scene.width - half), math.ceil(scene.width / (2 * half))
        along = [begin + 2 * half * step for step in (*range(most), *range(-1, -most, -1))]
        along = [x for x in along if half <= x <= scene.width - half] or [begin]
        within = [x for x in along if box.x <= x <= box.x + box.width]
        free = [(x, y) for xs in (within or along[:1], along) for y in rows for x in xs]
        clear = [one for one in free if all(math.dist(one, other) >= 2 * half for other in places)]
        places.append((clear or free)[0])
    return places


def _part(one: OrganWithEvidence, pictures: Pictures, number: tuple[float, float], metrics_file: str) -> _Part:
    organ, row = one.organ, figures_of_organ(one.organ)
    key = f"organ-{organ.label}-"
    values = case_values(organ.explanation, pictures, one.evidence, metrics_file)
    return _Part(
        key,
        organ.label,
        organ.organ.name,
        organ.organ.hex_colour,
        pictures.scene,
        number,
        tuple(figure.text(row[figure.key]) for figure in _ON_PAGE),
        part_html("case_body.html", key=key, level=3, **values),
    )
