"""`medxai explain`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..encoding.backends.choice import choose_backend
from ..encoding.cache import EncodingCache
from ..encoding.feature_extraction import check_layers
from ..engine import Explainer, SliceExplanation, prepare_slice
from ..errors import InputError, MedXAIError
from ..explainers.three_stage.parameters import parameters_for
from ..limits import LIMITS_STATEMENT
from ..model_input.grey import WINDOW_PRESETS, Window, grey_range_of
from ..models.device import choose_device
from ..models.loading import load_model
from ..models.store import ModelStore
from ..report.case_evidence import full_evidence, quick_evidence
from ..report.folder import check_writable
from ..report.writing import write_results
from ..slice.box import clip_box
from ..slice.slice_image import PLANE_AXES, slice_of
from ..volume.labelled_volume import labelled
from ..volume.reading import read_volume
from ..volume.volume import Modality, Volume

WINDOW_NAMES = tuple(WINDOW_PRESETS)


def run(arguments: argparse.Namespace) -> None:
    """Reads, checks, explains and writes; raises MedXAIError before anything expensive where the input cannot be used."""
    check_writable(arguments.output)
    volume = read_volume(arguments.input, arguments.modality)
    _say_orientation(volume, arguments.plane)
    index = _slice_index(volume, arguments)
    explain_volume(
        volume,
        arguments.plane,
        index,
        tuple(arguments.box),
        _window(arguments),
        arguments,
        _reference(volume, index, arguments),
    )


def explain_volume(
    volume: Volume,
    plane: str,
    index: int,
    box: tuple[float, float, float, float],
    window: Window | None,
    arguments: argparse.Namespace,
    reference_mask: np.ndarray | None = None,
    other_boxes: Sequence[tuple[float, float, float, float]] = (),
) -> SliceExplanation:
    """Explains one box and writes everything into `arguments.output`.

    reference_mask: (rows, columns) bool on the slice. other_boxes: around other organs on it, for the full evidence.
    """
    image = slice_of(volume, plane, index)
    clipped = clip_box(image, *box)
    grey_range = grey_range_of(volume, window)
    enhance = getattr(arguments, "enhance_input", False)
    device = choose_device(arguments.device)
    if device.note:
        print(device.note, file=sys.stderr)
    model = load_model(arguments.model, device=device.device)
    layers = check_layers(model.sam.image_encoder, arguments.layers) if arguments.layers else None
    prepared = prepare_slice(volume, image, model.convention, window, enhance, grey_range)
    backend = choose_backend(arguments.encoder, model.sam.image_encoder, model.device, ModelStore().folder / "compiled")
    explainer = Explainer(model, EncodingCache(), backend)
    boxes = [clipped, *(clip_box(image, *other) for other in other_boxes)]
    result, *others = explainer.explain(prepared, boxes, parameters_for(arguments.preset), layers, progress=_progress)
    full = arguments.evidence == "full"
    evidence = (
        full_evidence(result, reference_mask, others, _measuring) if full else quick_evidence(result, reference_mask)
    )
    source = {"path": str(getattr(arguments, "input", "")) or None}
    write_results(
        result, arguments.output, source, lambda folder: _scene(result, volume, folder), evidence, reference_mask
    )
    _report(result, arguments.output)
    return result


def _scene(result: SliceExplanation, volume: Volume, folder: Path) -> None:
    try:
        from ..scene.bundle import write_scene
    except ImportError as error:
        raise MedXAIError(
            "scene.mrb needs the package slicer-core; install it with 'pip install slicer-core'."
        ) from error
    write_scene(result, volume, folder / "scene.mrb")


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
    through = volume.ijk_to_ras_mm[:3, PLANE_AXES[plane][2]]
    anatomical = ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(through)))]
    if anatomical != plane:
        print(
            f"note: slices along the {'ijk'[PLANE_AXES[plane][2]]} axis of this volume, here called {plane}, are {anatomical} in the patient.",
            file=sys.stderr,
        )


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(
            f"\rencoding the slice: {done} of {total} parts",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )


def _measuring(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(
            f"\rmeasuring the maps: {done} of {total} parts",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )


def _report(result: SliceExplanation, folder: Path) -> None:
    figures, layer = result.concentration, result.explanation.layers[-1].layer
    print(
        f"{result.model.title}: {result.segmentation.mask.sum()} pixels segmented, {figures.mask_share:.1%} of the slice."
    )
    shares = (figures.share_inside[stage, layer] for stage in (1, 2, 3))
    print(
        f"Share of each stage's map inside the mask ({layer}): "
        + ", ".join("none" if s is None else f"{s:.0%}" for s in shares)
        + "."
    )
    print(
        f"Encoding {result.encoding.seconds:.2f} s, segmentation {result.segmentation.seconds:.2f} s, explanation {result.explanation.seconds:.2f} s."
    )
    for warning in result.warnings:
        print(f"warning: {warning}")
    print(f"Written to {folder}: " + ", ".join(sorted(p.name for p in folder.iterdir() if p.is_file())))
    print(LIMITS_STATEMENT)
