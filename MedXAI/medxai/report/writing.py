"""Everything that an explanation leaves on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..maps import STAGE1, STAGE2, STAGE3
from ..metrics.case_evidence import CaseEvidence
from ..organs_on_slice import OrganExplanation
from ..provenance import map_attributes, provenance_of
from ..results import ReferenceMask, SliceExplanation
from .case_report import write_case_report
from .contour_file import write_contour
from .earlier_organs import files_of_earlier_organs
from .folder import whole_or_nothing
from .metrics_file import write_metrics
from .panels import write_panels
from .record import record_of, write_record
from .volumes import write_slice_volume


def write_results(
    result: SliceExplanation,
    folder: Path,
    evidence: CaseEvidence,
    source: dict[str, object] | None = None,
    extra: Callable[[Path], None] | None = None,
    reference: ReferenceMask | None = None,
) -> None:
    """Writes all files of an explanation into a folder, whole or not at all.

    The files are panels.png, report.html, figures.csv, contour.csv, saliency_stage1.nrrd to saliency_stage3.nrrd
    (the shown layer, raw values), segmentation.nrrd and explanation.json.

    Args:
        result: What is written.
        folder: Where the files go.
        evidence: Of this result, for the report (see `quick_evidence`).
        source: What is known of the input file beyond the volume itself.
        extra: Writes more files into the same temporary folder (the scene), so that they too come whole or not at all.
        reference: What the mask is compared with, for report and record; None for nothing.

    Raises:
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    with whole_or_nothing(folder, files_of_earlier_organs(folder)) as scratch:
        write_files_of_one(result, scratch, evidence, source, reference=reference)
        mask = result.segmentation.mask.astype(np.uint8)
        write_slice_volume(scratch / "segmentation.nrrd", result.prepared.image, mask, provenance_of(result))
        write_metrics(scratch / "figures.csv", evidence.rows)
        write_case_report(scratch / "report.html", result, evidence, reference, "figures.csv")
        if extra is not None:
            extra(scratch)


def write_files_of_one(
    result: SliceExplanation,
    folder: Path,
    evidence: CaseEvidence,
    source: dict[str, object] | None = None,
    organ: OrganExplanation | None = None,
    reference: ReferenceMask | None = None,
) -> None:
    """Writes those files of an explanation that each organ of a slice has: maps, outline, panels and record.

    Args:
        result: What is written.
        folder: Where the files go.
        evidence: Of the result; its signed maps are drawn, too.
        source: What is known of the input file beyond the volume itself.
        organ: Whose result it is where the slice has several; its name then stands before the files' endings.
        reference: What the mask is compared with, for the record.
    """
    suffix = f"_{organ.file_part}" if organ else ""
    image, layer, shared = result.prepared.image, result.shown_layer, provenance_of(result)
    for info in (STAGE1, STAGE2, STAGE3):
        map_id = info.at(layer)
        details = {**shared, **map_attributes(info, map_id)}
        write_slice_volume(
            folder / f"saliency_{info.map}{suffix}.nrrd", image, result.on_slice(result.values(map_id)), details
        )
    write_contour(folder / f"contour{suffix}.csv", result)
    parts = [one for one in evidence.maps if one.is_signed]
    write_panels(result, folder / f"panels{suffix}.png", parts, result.organ)
    write_record(folder / f"explanation{suffix}.json", record_of(result, source, reference))
