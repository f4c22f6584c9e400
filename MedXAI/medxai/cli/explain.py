"""`medxai explain`."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..engine import Engine
from ..errors import InputError, MedXAIError
from ..explainers.base import Case
from ..explainers.three_stage.parameters import parameters_for
from ..limits import LIMITS_STATEMENT
from ..maps import STAGES, stage_map
from ..metrics.box_or_image import box_or_image
from ..model_input.grey import WINDOW_PRESETS, Window
from ..organ_codes import UNNAMED, Organ, organ_named
from ..progress import RunControl, Step
from ..provenance import provenance_of
from ..report.case_evidence import full_evidence, named, quick_evidence
from ..report.folder import check_writable
from ..report.segment_file import write_slice_segment
from ..report.writing import write_results
from ..request import ExplainRequest, ModelChoice
from ..results import BoxOrImage, SliceExplanation
from ..slice.slice_image import slice_of
from ..through_slices.volume_result import VolumeResult
from ..volume.labelled_volume import labelled
from ..volume.reading import read_volume
from ..volume.volume import PLANE_AXES, Modality, Volume
from . import through_slices


def run(arguments: argparse.Namespace) -> None:
    """Reads, checks, explains and writes; raises MedXAIError before anything expensive where the input cannot be used."""
    check_writable(arguments.output)
    organ = organ_named(arguments.organ)
    volume = read_volume(arguments.input, arguments.modality, arguments.series, arguments.stack)
    if arguments.dicom is not None:
        _check_dicom(volume, arguments.dicom)
    _say_orientation(volume, arguments.plane)
    index = _slice_index(volume, arguments)
    if arguments.through or arguments.slices:
        case = CommandCase(volume, arguments.plane, index, tuple(arguments.box), _window(arguments))
        followed = through_slices.run(slice_request(case, arguments), case.box, organ, arguments)
        if arguments.dicom is not None:
            _write_dicom(followed, volume, organ, arguments.dicom)
        return
    if arguments.maps:
        raise InputError("--maps goes with --through or --slices; on one slice all maps are written.")
    window, reference_mask = _window(arguments), _reference(volume, index, arguments)
    asked = CommandCase(volume, arguments.plane, index, tuple(arguments.box), window, reference_mask, organ=organ)
    result = explain_case(asked, arguments)
    if arguments.dicom is not None:
        _write_dicom(result, volume, organ, arguments.dicom)


@dataclass(frozen=True)
class CommandCase:
    """What a command explains besides its options.

    Attributes:
        volume: The scan.
        plane, index: The slice.
        box: First column, first row, last column, last row, inclusive.
        window: Level and width; None for the modality's own.
        reference_mask: (rows, columns) bool on the slice; None where there is none.
        other_boxes: Around other organs on the slice, for the full evidence.
        organ: What the box is around, as far as somebody has said so.
    """

    volume: Volume
    plane: str
    index: int
    box: tuple[float, float, float, float]
    window: Window | None = None
    reference_mask: np.ndarray | None = None
    other_boxes: Sequence[tuple[float, float, float, float]] = ()
    organ: Organ = UNNAMED


def explain_case(asked: CommandCase, arguments: argparse.Namespace) -> SliceExplanation:
    """Explains one box and writes everything into `arguments.output`."""
    engine = Engine()
    request = slice_request(asked, arguments)
    control = RunControl(_say_progress)
    case = named(engine.case(request, asked.box, control), asked.reference_mask)
    if arguments.evidence == "full":
        others = [named(engine.case(request, box, control)) for box in asked.other_boxes]
        evidence = full_evidence(case, others, control)
    else:
        evidence = quick_evidence(case, explainers=arguments.explainers, control=control)
    source: dict[str, object] = {"path": str(getattr(arguments, "input", "")) or None}
    result = replace(
        case.result,
        contour=engine.check_contour(request, case.result, control),
        box_or_image=_box_or_image(case, control) if arguments.box_or_image else None,
    )
    write_results(
        result,
        arguments.output,
        evidence,
        source,
        lambda folder: _files_for_slicer(result, asked, folder),
        asked.reference_mask,
    )
    _report(result, arguments.output)
    return result


def _box_or_image(case: Case, control: RunControl) -> BoxOrImage | None:
    """The two shares; where they cannot be had, the reason is a note, and everything else is written."""
    try:
        return box_or_image(case, control=control)
    except InputError as error:
        print(f"note: {error}", file=sys.stderr)
        return None


def slice_request(asked: CommandCase, arguments: argparse.Namespace) -> ExplainRequest:
    """What the engine is asked on the command's slice."""
    return ExplainRequest.of_slice(
        asked.volume,
        asked.plane,
        asked.index,
        model=ModelChoice(arguments.model, arguments.device, arguments.encoder, arguments.preparation),
        window=asked.window,
        enhance_input=getattr(arguments, "enhance_input", False),
        layers=tuple(arguments.layers) if arguments.layers else None,
        parameters=parameters_for(arguments.preset),
    )


def _files_for_slicer(result: SliceExplanation, asked: CommandCase, folder: Path) -> None:
    """The segmentation in Slicer's own format, and a scene with everything."""
    image, mask = result.prepared.image, result.segmentation.mask
    write_slice_segment(folder / "segmentation.seg.nrrd", image, mask, asked.organ, provenance_of(result))
    try:
        from ..scene.bundle import write_scene
    except ImportError as error:
        raise MedXAIError(
            "scene.mrb needs the package slicer-core; install it with 'pip install slicer-core'."
        ) from error
    write_scene(result, asked.volume, folder / "scene.mrb")


def _check_dicom(volume: Volume, folder: Path) -> None:
    """Refuses, before anything expensive, what cannot become DICOM objects."""
    from ..dicom_out.source import check_has_source

    check_has_source(volume)
    if importlib.util.find_spec("highdicom") is None:
        raise MedXAIError("--dicom needs the package highdicom; install it with 'pip install highdicom'.")
    check_writable(folder)


def _write_dicom(result: SliceExplanation | VolumeResult, volume: Volume, organ: Organ, folder: Path) -> None:
    """Imported here: the package highdicom is optional."""
    from ..dicom_out.writing import write_dicom, write_dicom_of_volume

    if isinstance(result, SliceExplanation):
        write_dicom(result, volume, folder, organ)
    else:
        write_dicom_of_volume(result, folder, organ)
    print(f"The same as DICOM objects: {folder}")


def _slice_index(volume: Volume, arguments: argparse.Namespace) -> int:
    if arguments.slice is not None:
        return arguments.slice
    count = volume.shape_ijk[PLANE_AXES[arguments.plane][2]]
    if count == 1:
        return 0
    raise InputError(f"'{volume.name}' has {count} {arguments.plane} slices; choose one with --slice.")


def _reference(volume: Volume, index: int, arguments: argparse.Namespace) -> np.ndarray | None:
    """(rows, columns) bool: the asked label of the reference on the slice."""
    if arguments.reference is None:
        if arguments.reference_label is not None:
            raise InputError("--reference-label says which label of --reference is the organ; give the file, too.")
        return None
    slice_of(volume, arguments.plane, index)  # says so where there is no such slice
    labels = labelled(volume, read_volume(arguments.reference, Modality.PICTURE)).slices(arguments.plane)[index]
    present = [int(label) for label in np.unique(labels) if label]
    asked = arguments.reference_label
    if not present or (asked is not None and asked not in present):
        sought = "no label" if asked is None else f"no label {asked}"
        there = f" (there: {', '.join(map(str, present))})" if present else ""
        raise InputError(
            f"'{arguments.reference.name}' has {sought} on {arguments.plane} slice {index}{there}; choose another label or slice."
        )
    if asked is None and len(present) > 1:
        raise InputError(
            f"'{arguments.reference.name}' has the labels {', '.join(map(str, present))} on this slice; choose one with --reference-label."
        )
    return labels == (present[0] if asked is None else asked)


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


_STEPS = {Step.ENCODING: "encoding the slice", Step.MEASURING: "measuring the maps"}


def _say_progress(step: Step, done: int, total: int) -> None:
    if step in _STEPS and sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{_STEPS[step]}: {done} of {total} parts", end=end, file=sys.stderr, flush=True)


def _report(result: SliceExplanation, folder: Path) -> None:
    measured, layer = result.concentration, result.shown_layer
    print(
        f"{result.model.title}: {result.segmentation.mask.sum()} pixels segmented, {measured.mask_share:.1%} of the slice."
    )
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
    if result.box_or_image is not None:
        print(result.box_or_image.sentence)
    print(
        f"Encoding {result.encoding.seconds:.2f} s, segmentation {result.segmentation.seconds:.2f} s, explanation {result.explanation.seconds:.2f} s."
    )
    for warning in result.warnings:
        if warning != result.presence.sentence:
            print(f"warning: {warning}")
    print(f"Written to {folder}: " + ", ".join(sorted(p.name for p in folder.iterdir() if p.is_file())))
    print(LIMITS_STATEMENT)
