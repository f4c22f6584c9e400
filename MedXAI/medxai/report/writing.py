"""Everything that an explanation leaves on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..engine import SliceExplanation
from ..explainers.three_stage.stages import STAGES
from ..metrics.case_evidence import CaseEvidence
from ..provenance import provenance_of, shown_layer
from .case_evidence import quick_evidence
from .case_report import write_case_report
from .folder import whole_or_nothing
from .metrics_file import write_figures
from .panels import write_panels
from .record import record_of, write_record
from .volumes import write_slice_volume


def write_results(
    result: SliceExplanation,
    folder: Path,
    source: dict[str, object] | None = None,
    extra: Callable[[Path], None] | None = None,
    evidence: CaseEvidence | None = None,
    reference_mask: np.ndarray | None = None,
) -> None:
    """Writes panels.png, report.html, figures.csv, saliency_stage1..3.nrrd (the shown layer, raw values), segmentation.nrrd and
    explanation.json.

    extra: writes more files into the same scratch folder (the scene), so that they too come whole or not at all.
    evidence: of this result, for the report; None: MedXAI's maps beside the nulls that need no model are measured now.
    reference_mask: (rows, columns) bool on the slice, for the report; None where there is none.
    Raises OutputError; the folder is then as it was.
    """
    image, layer = result.prepared.image, shown_layer(result)
    shared = provenance_of(result)
    with whole_or_nothing(folder) as scratch:
        for stage in STAGES:
            values = result.on_slice(result.explanation.layer(layer).stages[stage])
            details = {**shared, "Stage": f"stage {stage}", "Layer": layer}
            write_slice_volume(scratch / f"saliency_stage{stage}.nrrd", image, values, details)
        write_slice_volume(scratch / "segmentation.nrrd", image, result.segmentation.mask.astype(np.uint8), shared)
        write_panels(result, scratch / "panels.png")
        found = evidence or quick_evidence(result, reference_mask)
        write_figures(scratch / "figures.csv", found.rows)
        write_case_report(scratch / "report.html", result, found, reference_mask, "figures.csv")
        write_record(scratch / "explanation.json", record_of(result, source))
        if extra is not None:
            extra(scratch)
