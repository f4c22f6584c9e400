"""Everything that an explanation leaves on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..maps import STAGE1, STAGE2, STAGE3
from ..metrics.case_evidence import CaseEvidence
from ..provenance import map_attributes, provenance_of
from ..results import SliceExplanation
from .case_report import write_case_report
from .contour_file import write_contour
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
    reference_mask: np.ndarray | None = None,
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
        reference_mask: (rows, columns) bool on the slice, for the report; None where there is none.

    Raises:
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    image, layer = result.prepared.image, result.shown_layer
    shared = provenance_of(result)
    with whole_or_nothing(folder) as scratch:
        for info in (STAGE1, STAGE2, STAGE3):
            map_id = info.at(layer)
            values = result.on_slice(result.values(map_id))
            details = {**shared, **map_attributes(info, map_id)}
            write_slice_volume(scratch / f"saliency_{info.map}.nrrd", image, values, details)
        write_slice_volume(scratch / "segmentation.nrrd", image, result.segmentation.mask.astype(np.uint8), shared)
        write_contour(scratch / "contour.csv", result)
        write_panels(result, scratch / "panels.png", [one for one in evidence.maps if one.is_signed])
        write_metrics(scratch / "figures.csv", evidence.rows)
        write_case_report(scratch / "report.html", result, evidence, reference_mask, "figures.csv")
        write_record(scratch / "explanation.json", record_of(result, source))
        if extra is not None:
            extra(scratch)
