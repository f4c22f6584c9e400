"""Explanations as DICOM files: segmentation.dcm, one saliency map a file, report.dcm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode

from ..contour.look import kinds_sentence
from ..contour.result import ContourKind
from ..errors import InputError
from ..maps import STAGE1, STAGE2, STAGE3, MapId
from ..organ_codes import Organ
from ..organs_on_slice import OrganExplanation, overlaps
from ..report.folder import whole_or_nothing
from ..results import ModelIdentity, SliceExplanation
from ..through_slices.several import FollowedOrgan, overlaps_through_slices
from ..through_slices.volume_result import VolumeResult
from ..volume.volume import Volume
from .objects import Figure, Making, Structure, own_code
from .parametric_map import map_object
from .planes import Planes
from .segmentation import segmentation_object
from .source import SourceImages, source_images_of
from .structured_report import report_object

_MM2, _MM3 = DicomCode("mm2", "UCUM", "square millimeter"), DicomCode("mm3", "UCUM", "cubic millimeter")
_PERCENT = DicomCode("%", "UCUM", "percent")


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
    _write(
        result.model,
        [_structure_of(result, organ)],
        sentences_of(result),
        (Planes.of_slice(result.prepared.image, volume), source_images_of(volume)),
        folder,
    )


def write_dicom_of_organs(organs: Sequence[OrganExplanation], volume: Volume, folder: Path) -> None:
    """Writes several organs of one slice: one segmentation of several segments, one report, and each organ's maps.

    Args:
        organs: On one slice.
        volume: Where they came from, read from DICOM.
        folder: Where the files go.

    Raises:
        InputError: Where the volume's images cannot be named by new objects.
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    first = organs[0].explanation
    sentences = [f"{one.organ.name}: {sentence}" for one in organs for sentence in sentences_of(one.explanation)]
    _write(
        first.model,
        [_structure_of(one.explanation, one.organ) for one in organs],
        [*overlaps(organs), *sentences],
        (Planes.of_slice(first.prepared.image, volume), source_images_of(volume)),
        folder,
        [f"_{one.file_part}" for one in organs],
    )


def _structure_of(result: SliceExplanation, organ: Organ) -> Structure:
    """The mask, the stages' shown maps and the figures of one slice."""
    maps = [
        (info.at(result.shown_layer), result.on_slice(result.values(info.at(result.shown_layer)))[None])
        for info in (STAGE1, STAGE2, STAGE3)
    ]
    return Structure(organ, result.segmentation.mask[None], maps, figures_of(result))


def write_dicom_of_volume(result: VolumeResult, folder: Path, organ: Organ) -> None:
    """Writes mask, maps and volume of an organ that was followed through the slices; see `write_dicom_of_volumes`."""
    write_dicom_of_volumes([FollowedOrgan(organ, 1, result)], folder)


def write_dicom_of_volumes(organs: Sequence[FollowedOrgan], folder: Path) -> None:
    """Writes masks, maps and volumes of organs that were followed through the slices, whole or not at all.

    One segmentation with a segment for each organ, and one report. Where the slices are those that were scanned, the objects hold
    the slices that make up the masks and no others.

    Args:
        organs: From one slice; their volume was read from DICOM.
        folder: Where the files go.

    Raises:
        InputError: Where the volume's images cannot be named by new objects, or no model is known, or nothing was segmented.
        OutputError: Where a file cannot be written; the folder is then as it was.
    """
    first = organs[0].result
    on_slice, model = first.request.on_slice, first.model
    if model is None:
        raise InputError("A result that no model computed cannot be written as DICOM, which names the model.")
    volume = on_slice.volume
    slices = list(range(volume.voxels.shape[0]))
    if on_slice.image.plane == "axial":
        slices = sorted({one.index for each in organs for one in each.result.accepted})
    is_one = len(organs) == 1
    structures, sentences = (
        [],
        [f"Box by a person on {on_slice.image.where}, followed through the slices by {model.title}."],
    )
    for each in organs:
        result, prefix = each.result, "" if is_one else f"{each.organ.name}: "
        maps = [(map_id, result.map_volume(map_id)[slices]) for map_id in result.map_ids]
        figures = () if result.volume_mm3 is None else (Figure(codes.SCT.Volume, result.volume_mm3, _MM3),)
        structures.append(Structure(each.organ, result.mask[slices], maps, figures))
        sentences += [f"{prefix}{text}" for text in (*(stop.sentence for stop in result.stops), *result.warnings)]
    sentences += overlaps_through_slices(organs)
    where = Planes.of_volume(volume, slices), source_images_of(volume)
    suffixes = [""] if is_one else [f"_{each.file_part}" for each in organs]
    _write(model, structures, sentences, where, folder, suffixes)


def _write(
    model: ModelIdentity,
    structures: Sequence[Structure],
    sentences: Sequence[str],
    where: tuple[Planes, SourceImages],
    folder: Path,
    suffixes: Sequence[str] = ("",),
) -> None:
    """Makes all objects, then writes them. suffixes: for each structure, at the end of its maps' names."""
    making, (planes, source) = Making(model), where
    segmentation = segmentation_object(structures, planes, source, making)
    maps = {
        _file_name(map_id, suffix): map_object(map_id, values, structure.organ, planes, source, making)
        for structure, suffix in zip(structures, suffixes, strict=True)
        for map_id, values in structure.maps
    }
    report = report_object(structures, sentences, segmentation, source, making)
    with whole_or_nothing(folder) as scratch:
        segmentation.save_as(scratch / "segmentation.dcm")
        for name, data in maps.items():
            data.save_as(scratch / name)
        report.save_as(scratch / "report.dcm")


def _file_name(map_id: MapId, suffix: str) -> str:
    return f"saliency_{map_id.map or map_id.explainer}{suffix}.dcm".replace("/", "_").replace(" ", "_")


def figures_of(result: SliceExplanation) -> tuple[Figure, ...]:
    """The area of the mask, how much of each stage's map lies in it, and the shares of its outline."""
    image = result.prepared.image
    width_mm, height_mm, _ = image.spacing_mm
    area = float(np.count_nonzero(result.segmentation.mask)) * width_mm * height_mm
    found = [Figure(codes.SCT.Area, area, _MM2)]
    for info in (STAGE1, STAGE2, STAGE3):
        share = result.concentration.share_inside.get(info.at(result.shown_layer))
        if share is not None:
            name = own_code(
                f"INSIDE_{info.map.upper()}"[:16], f"Share inside the mask: {info.title}, {result.shown_layer}"
            )
            found.append(Figure(name, 100 * share, _PERCENT))
    for kind in ContourKind:
        if kind is ContourKind.FOLLOWS_BOX and result.contour.follows_box is None:
            continue
        name = own_code(f"OUTLINE_{kind.name}"[:16], f"Share of the outline that is said to be: {kind}")
        found.append(Figure(name, 100 * result.contour.share[kind], _PERCENT))
    return tuple(found)


def sentences_of(result: SliceExplanation) -> tuple[str, ...]:
    """What a reader of the report has to know besides the limits."""
    return (
        f"Box by a person on {result.prepared.image.where}; segmented by {result.model.title}.",
        kinds_sentence(result.contour),
        *result.warnings,
    )
