"""`medxai explain`."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from ..engine import Engine
from ..errors import InputError, MedXAIError
from ..explainers.base import Case
from ..limits import LIMITS_STATEMENT
from ..maps import STAGES, stage_map
from ..model_input.grey import WINDOW_PRESETS, Window
from ..organ_codes import UNNAMED
from ..organs_on_slice import OrganExplanation
from ..progress import RunControl
from ..provenance import provenance_of
from ..report.case_evidence import named
from ..report.folder import check_writable
from ..report.segment_file import write_slice_segments
from ..report.writing import write_results
from ..results import SliceExplanation
from ..slice.slice_image import slice_of
from ..through_slices.several import FollowedOrgan
from ..volume.reading import read_volume
from ..volume.volume import PLANE_AXES, Volume
from . import several_organs, through_slices
from .command_case import (
    CommandCase,
    checked,
    evidence_of,
    files_in,
    pixels_segmented,
    say_progress,
    say_written,
    scene_bundle,
    slice_request,
)
from .references import references_of


def run(arguments: argparse.Namespace) -> None:
    """Reads, checks, explains and writes; raises MedXAIError before anything expensive where the input cannot be used."""
    check_writable(arguments.output)
    boxes = several_organs.boxes_of(arguments)
    volume = read_volume(arguments.input, arguments.modality, arguments.series, arguments.stack)
    if arguments.dicom is not None:
        _check_dicom(volume, arguments.dicom)
    _say_orientation(volume, arguments.plane)
    index, window = _slice_index(volume, arguments), _window(arguments)
    case = CommandCase(volume, arguments.plane, index, tuple(arguments.box[0]), window, organ=boxes[0].organ)
    if arguments.through or arguments.slices:
        followed = through_slices.run(slice_request(case, arguments), boxes, arguments)
        _write_dicom(followed, case, arguments.dicom)
        return
    if arguments.maps:
        raise InputError("--maps goes with --through or --slices; on one slice all maps are written.")
    references = references_of(volume, index, boxes, arguments)
    if len(boxes) > 1:
        organs = several_organs.run(slice_request(case, arguments), boxes, references, arguments)
        _write_dicom(organs, case, arguments.dicom)
        return
    (reference,) = references
    case = replace(case, reference=reference)
    _write_dicom(explain_case(case, arguments), case, arguments.dicom)


def explain_case(asked: CommandCase, arguments: argparse.Namespace) -> SliceExplanation:
    """Explains one box and writes everything into `arguments.output`."""
    # First: importing Slicer's libraries takes long, and breaking that off can end the program with its files half written.
    bundle = scene_bundle()
    engine, before = Engine(), files_in(arguments.output)
    request = slice_request(asked, arguments)
    control = RunControl(say_progress)
    case = named(engine.case(request, asked.box, control), asked.reference)
    if asked.organ is not UNNAMED:
        name = asked.organ.name
        case = replace(case, organ=name, result=replace(case.result, organ=name))

    def others() -> list[Case]:
        return [named(engine.case(request, box, control)) for box in asked.other_boxes]

    evidence = evidence_of(case, others, arguments)
    source: dict[str, object] = {"path": str(getattr(arguments, "input", "")) or None}
    result = checked(engine, case, arguments, control)
    write_results(
        result,
        arguments.output,
        evidence,
        source,
        lambda folder: _files_for_slicer(result, asked, folder, bundle),
        asked.reference,
    )
    _report(result)
    if asked.reference is not None:
        print(f"Compared with {asked.reference.name}.")
    say_written(arguments.output, before)
    print(LIMITS_STATEMENT)
    return result


def _files_for_slicer(result: SliceExplanation, asked: CommandCase, folder: Path, bundle: ModuleType) -> None:
    """The segmentation in Slicer's own format, and a scene with everything."""
    image, mask = result.prepared.image, result.segmentation.mask
    write_slice_segments(folder / "segmentation.seg.nrrd", image, [(asked.organ, mask)], provenance_of(result))
    bundle.write_scene(result, asked.volume, folder / "scene.mrb")


def _check_dicom(volume: Volume, folder: Path) -> None:
    """Refuses, before anything expensive, what cannot become DICOM objects."""
    from ..dicom_out.source import check_has_source

    check_has_source(volume)
    if importlib.util.find_spec("highdicom") is None:
        raise MedXAIError("--dicom needs the package highdicom; install it with 'pip install highdicom'.")
    check_writable(folder)


def _write_dicom(
    result: SliceExplanation | Sequence[FollowedOrgan] | Sequence[OrganExplanation],
    asked: CommandCase,
    folder: Path | None,
) -> None:
    """Where a folder was asked for. Imported here: the package highdicom is optional."""
    if folder is None:
        return
    from ..dicom_out import writing

    if isinstance(result, SliceExplanation):
        writing.write_dicom(result, asked.volume, folder, asked.organ)
        return
    followed = [one for one in result if isinstance(one, FollowedOrgan)]
    if followed:
        writing.write_dicom_of_volumes(followed, folder)
    else:
        writing.write_dicom_of_organs(
            [one for one in result if isinstance(one, OrganExplanation)], asked.volume, folder
        )
    print(f"The same as DICOM objects: {folder}")


def _slice_index(volume: Volume, arguments: argparse.Namespace) -> int:
    if arguments.slice is not None:
        return arguments.slice
    count = volume.shape_ijk[PLANE_AXES[arguments.plane][2]]
    if count == 1:
        return 0
    raise InputError(f"'{volume.name}' has {count} {arguments.plane} slices; choose one with --slice.")


def _window(arguments: argparse.Namespace) -> Window | None:
    if arguments.window and arguments.window_preset:
        raise InputError("Both --window and --window-preset were given; give one of them.")
    if arguments.window_preset:
        return WINDOW_PRESETS[arguments.window_preset]
    return Window(*arguments.window) if arguments.window else None


def _say_orientation(volume: Volume, plane: str) -> None:
    """Says so where the voxel axis that the plane is named after runs another way in the patient."""
    image = slice_of(volume, plane, 0)
    anatomical = image.anatomical_plane
    if anatomical in (plane, None):
        return
    axis = "ijk"[PLANE_AXES[plane][2]]
    print(
        f"note: slices along the {axis} axis of this volume, here called {plane}, are {anatomical} in the patient.",
        file=sys.stderr,
    )


def _report(result: SliceExplanation) -> None:
    measured, layer = result.concentration, result.shown_layer
    print(f"{result.model.title}: {pixels_segmented(result)}, {measured.mask_share:.1%} of the slice.")
    prepared = result.prepared
    print(
        f"{prepared.image.where}; modality {prepared.image.facts.modality_text}; grey values {prepared.grey_range.text}."
    )
    shares = (measured.share_inside[stage_map(stage, layer)] for stage in STAGES)
    print(
        f"Share of each stage's map inside the mask ({layer}): "
        + ", ".join("none" if s is None else f"{s:.0%}" for s in shares)
        + "."
    )
    print(result.presence.sentence)
    print(result.mask_check.text)
    if result.box_or_image is not None:
        print(result.box_or_image.sentence)
    print(
        f"Encoding {result.encoding.seconds:.2f} s, segmentation {result.segmentation.seconds:.2f} s, explanation {result.explanation.seconds:.2f} s."
    )
    for warning in result.warnings:
        if warning != result.presence.sentence:
            print(f"warning: {warning}")
