"""What the commands that explain share: the slice and its options, the evidence, the scene, the progress."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from ..engine import Engine
from ..errors import InputError, MedXAIError
from ..explainers.base import Case
from ..explainers.three_stage.parameters import parameters_for
from ..metrics.box_or_image import box_or_image
from ..metrics.case_evidence import CaseEvidence
from ..model_input.grey import Window
from ..organ_codes import UNNAMED, Organ
from ..progress import RunControl, Step
from ..report.case_evidence import full_evidence, quick_evidence
from ..request import ExplainRequest, ModelChoice
from ..results import ReferenceMask, SliceExplanation
from ..volume.volume import Volume


@dataclass(frozen=True)
class CommandCase:
    """What a command explains besides its options.

    Attributes:
        volume: The scan.
        plane, index: The slice.
        box: First column, first row, last column, last row, inclusive.
        window: Level and width; None for the modality's own.
        reference: What the mask is compared with; None for nothing.
        other_boxes: Around other organs on the slice, for the full evidence.
        organ: What the box is around, as far as somebody has said so.
    """

    volume: Volume
    plane: str
    index: int
    box: tuple[float, float, float, float]
    window: Window | None = None
    reference: ReferenceMask | None = None
    other_boxes: Sequence[tuple[float, float, float, float]] = ()
    organ: Organ = UNNAMED


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


def checked(engine: Engine, case: Case, arguments: argparse.Namespace, control: RunControl) -> SliceExplanation:
    """The result of a case with its whole contour check, and box or image where it was asked for.

    Where the shares cannot be had, the reason is a note, and everything else is written.

    Args:
        engine: That answered the case.
        case: Of one box.
        arguments: Of the command.
        control: Stops the work.
    """
    result = replace(case.result, contour=engine.check_contour(case.request, case.result, control))
    if not arguments.box_or_image:
        return result
    try:
        return replace(result, box_or_image=box_or_image(case, control=control))
    except InputError as error:
        print(f"note: {error}", file=sys.stderr)
        return result


def evidence_of(case: Case, others: Callable[[], Sequence[Case]], arguments: argparse.Namespace) -> CaseEvidence:
    """As much as `--evidence` and `--explainers` ask for.

    Args:
        case: What is measured.
        others: Makes the cases of other organs, which only the full evidence needs.
        arguments: Of the command.
    """
    control = RunControl(say_progress)
    if arguments.evidence == "full":
        return full_evidence(case, others(), control)
    return quick_evidence(case, explainers=arguments.explainers, control=control)


def pixels_segmented(result: SliceExplanation) -> str:
    """How large the mask is, in words."""
    count = int(result.segmentation.mask.sum())
    return f"{count} pixel{'s' * (count != 1)} segmented"


def scene_bundle() -> ModuleType:
    """The module that writes scenes.

    Raises:
        MedXAIError: Where it cannot be imported.
    """
    try:
        from ..scene import bundle
    except ImportError as error:
        wanted = "is not installed" if importlib.util.find_spec("slicer") is None else f"cannot be imported ({error})"
        raise MedXAIError(
            f"scene.mrb needs the package slicer-core, which {wanted}; install it with 'pip install --force-reinstall slicer-core'."
        ) from error
    return bundle


def files_in(folder: Path) -> dict[str, int]:
    """The names of a folder's files, each with its time of writing in ns; empty where there is no such folder."""
    if not folder.is_dir():
        return {}
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}


def say_written(folder: Path, before: dict[str, int]) -> None:
    """Says which files were written, and which were there already and are of something else.

    Args:
        folder: Of the results.
        before: What `files_in` gave before the run.
    """
    now = files_in(folder)
    print(f"Written to {folder}: " + ", ".join(sorted(name for name in now if now[name] != before.get(name))))
    others = sorted(name for name in now if now[name] == before.get(name))
    if others:
        print(f"note: {folder} also has files that are not of this run: {', '.join(others)}.", file=sys.stderr)


_STEPS = {Step.ENCODING: "encoding the slice", Step.MEASURING: "measuring the maps"}


def say_progress(step: Step, done: int, total: int) -> None:
    """On a terminal, what is being done."""
    if step in _STEPS and sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{_STEPS[step]}: {done} of {total} parts", end=end, file=sys.stderr, flush=True)
