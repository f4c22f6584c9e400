"""An explanation as DICOM files: segmentation.dcm, one saliency map a file, report.dcm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode

from ..contour.look import kinds_sentence
from ..contour.result import ContourKind
from ..maps import STAGE1, STAGE2, STAGE3
from ..organ_codes import Organ
from ..report.folder import whole_or_nothing
from ..results import SliceExplanation
from ..volume.volume import Volume
from .objects import Making, own_code
from .parametric_map import map_object
from .planes import Planes
from .segmentation import segmentation_object
from .source import source_images_of
from .structured_report import Figure, report_object

_MM2, _PERCENT = DicomCode("mm2", "UCUM", "square millimeter"), DicomCode("%", "UCUM", "percent")


def write_dicom(result: SliceExplanation, volume: Volume, folder: Path, organ: Organ) -> None:
    """Writes the mask, the three stages' shown maps and the figures of one slice, whole or not at all.

    Args:
        result: What is written.
        volume: Where it came from, read from DICOM.
        folder: Where the files go.
        organ: What was segmented; `UNNAMED` where nobody has said so.

    Raises:
        InputError: Where the volume's images cannot be named by new objects.
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    source, planes, making = (
        source_images_of(volume),
        Planes.of_slice(result.prepared.image, volume),
        Making(result.model),
    )
    segmentation = segmentation_object([(organ, result.segmentation.mask[None])], planes, source, making)
    maps = []
    for info in (STAGE1, STAGE2, STAGE3):
        map_id = info.at(result.shown_layer)
        values = result.on_slice(result.values(map_id))[None]
        maps.append((info.map, map_object(info, map_id, values, planes, source, making)))
    report = report_object(organ, figures_of(result), _sentences(result), segmentation, source, making)
    with whole_or_nothing(folder) as scratch:
        segmentation.save_as(scratch / "segmentation.dcm")
        for name, data in maps:
            data.save_as(scratch / f"saliency_{name}.dcm")
        report.save_as(scratch / "report.dcm")


def figures_of(result: SliceExplanation) -> tuple[Figure, ...]:
    """The area of the mask, how much of each stage's map lies in it, and the shares of its outline."""
    image = result.prepared.image
    width_mm, height_mm, _ = image.spacing_mm
    area = float(np.count_nonzero(result.segmentation.mask)) * width_mm * height_mm
    found = [Figure(codes.SCT.Area, area, _MM2)]
    for info in (STAGE1, STAGE2, STAGE3):
        share = result.concentration.share_inside.get(info.at(result.shown_layer))
        if share is not None:
            name = own_code(f"INSIDE_{info.map.upper()}"[:16], f"Share of the map inside the mask: {info.title}")
            found.append(Figure(name, 100 * share, _PERCENT))
    for kind in ContourKind:
        if kind is ContourKind.FOLLOWS_BOX and result.contour.follows_box is None:
            continue
        name = own_code(f"OUTLINE_{kind.name}"[:16], f"Share of the outline that is said to be: {kind}")
        found.append(Figure(name, 100 * result.contour.share[kind], _PERCENT))
    return tuple(found)


def _sentences(result: SliceExplanation) -> tuple[str, ...]:
    return (
        f"Box by a person on {result.prepared.image.where}; segmented by {result.model.title}.",
        kinds_sentence(result.contour),
        *result.warnings,
    )
