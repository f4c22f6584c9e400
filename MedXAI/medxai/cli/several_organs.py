"""`medxai explain … --box … --organ liver --box … --organ spleen`: several organs on one slice."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..engine import Engine
from ..errors import InputError
from ..explainers.base import Case
from ..limits import LIMITS_STATEMENT
from ..organ_codes import organ_named
from ..organs_on_slice import OrganBox, OrganExplanation, organs_of, overlaps, warnings_of_organs
from ..progress import RunControl
from ..report.case_evidence import named
from ..report.organs import OrganWithEvidence, write_organs
from ..request import ExplainRequest
from ..results import ReferenceMask
from .command_case import checked, evidence_of, files_in, pixels_segmented, say_progress, say_written, scene_bundle


def boxes_of(arguments: argparse.Namespace) -> list[OrganBox]:
    """The boxes with their organs, paired in the order in which they were given.

    Raises:
        InputError: There are other numbers of boxes and organs, or an organ is not known.
    """
    boxes, names = arguments.box, arguments.organ or [None] * len(arguments.box)
    if len(names) != len(boxes):
        raise InputError(
            f"--box was given {_times(boxes)} and --organ {_times(names)}; give an organ for each box, in the boxes' order, or none."
        )
    return [OrganBox(tuple(box), organ_named(name)) for box, name in zip(boxes, names, strict=True)]


def _times(given: Sequence[object]) -> str:
    return "once" if len(given) == 1 else f"{len(given)} times"


def run(
    request: ExplainRequest,
    boxes: Sequence[OrganBox],
    references: Sequence[ReferenceMask | None],
    arguments: argparse.Namespace,
) -> tuple[OrganExplanation, ...]:
    """Explains all boxes and writes everything into `arguments.output`; the slice is encoded once.

    Args:
        request: The slice.
        boxes: At least one.
        references: For each box what its organ is compared with; None for nothing.
        arguments: Of the command.

    Raises:
        MedXAIError: What `Engine.explain` raises, or a file cannot be written; the folder is then as it was.
    """
    bundle = scene_bundle()  # first, as for one box
    engine, control, before = Engine(), RunControl(say_progress), files_in(arguments.output)
    found_cases = engine.cases(request, [one.box for one in boxes], control)
    cases = [named(case, reference) for case, reference in zip(found_cases, references, strict=True)]
    organs = organs_of((one.organ for one in boxes), [checked(engine, case, arguments, control) for case in cases])
    cases = [replace(case, organ=one.organ.name) for case, one in zip(cases, organs, strict=True)]
    found = [
        OrganWithEvidence(one, evidence_of(case, partial(_others, case, cases), arguments), reference)
        for one, case, reference in zip(organs, cases, references, strict=True)
    ]
    source: dict[str, object] = {"path": str(arguments.input)}

    def write_scene(folder: Path) -> None:
        bundle.write_scene_of_organs(organs, request.volume, folder / "scene.mrb")

    write_organs(found, arguments.output, source, write_scene)
    _report(organs)
    for one, reference in zip(organs, references, strict=True):
        if reference is not None:
            print(f"{one.label} {one.organ.name}: compared with {reference.name}.")
    say_written(arguments.output, before)
    print(LIMITS_STATEMENT)
    return organs


def _others(case: Case, cases: Sequence[Case]) -> list[Case]:
    return [other for other in cases if other is not case]


def _report(organs: Sequence[OrganExplanation]) -> None:
    first = organs[0].explanation
    prepared = first.prepared
    print(f"{first.model.title}: {len(organs)} organs on one slice, encoded once in {first.encoding.seconds:.2f} s.")
    print(
        f"{prepared.image.where}; modality {prepared.image.facts.modality_text}; grey values {prepared.grey_range.text}."
    )
    for one in organs:
        result = one.explanation
        print(f"{one.label} {one.organ.name}: {pixels_segmented(result)}. {result.presence.sentence}")
        print(result.mask_check.sentence)
        if result.box_or_image is not None:
            print(result.box_or_image.sentence)
    own = [
        (one.organ.name, [text for text in one.explanation.warnings if text != one.explanation.presence.sentence])
        for one in organs
    ]
    for sentence in (*overlaps(organs), *warnings_of_organs(own)):
        print(f"warning: {sentence}")
