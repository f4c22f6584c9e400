"""`medxai explain … --through`: organs followed from their boxes through the slices."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..engine import Engine
from ..errors import Cancelled, InputError
from ..limits import LIMITS_STATEMENT
from ..maps import MEDXAI, MapId
from ..organs_on_slice import OrganBox, warnings_of_organs
from ..progress import RunControl
from ..report.kept_slices import KeptSlices
from ..report.through_slices import stops_text, write_through_slices
from ..request import ExplainRequest
from ..slice.box import clipped_box
from ..through_slices.drift_alarm import ALARM_SENTENCE
from ..through_slices.several import FollowedOrgan, followed_organs, overlaps_through_slices, requests_of
from ..through_slices.volume_result import FollowedSlice, VolumeProgress, VolumeResult
from .command_case import files_in, say_written, scene_bundle


def run(
    on_slice: ExplainRequest, boxes: Sequence[OrganBox], arguments: argparse.Namespace
) -> tuple[FollowedOrgan, ...]:
    """Follows the organs and writes the files; a run that was broken off before goes on where it was.

    Args:
        on_slice: The slice with the boxes.
        boxes: One for each organ.
        arguments: Of the command.

    Raises:
        InputError: Options that go with one slice only; or a box or the range cannot be used.
        Cancelled: The user broke it off; finished slices are kept.
    """
    _refuse_options_of_one_slice(arguments)
    bundle = scene_bundle()
    first, last = arguments.slices or (None, None)
    maps = tuple(MapId(MEDXAI, name) for name in arguments.maps) if arguments.maps else None
    pixels = [clipped_box(on_slice.image, one.box).box for one in boxes]
    requests = requests_of(on_slice, pixels, first=first, last=last, maps=maps)
    for request in requests:
        request.check()
    kept = [
        KeptSlices(arguments.output, request, f"-{number}" if len(requests) > 1 else "")
        for number, request in enumerate(requests, start=1)
    ]
    before, so_far = files_in(arguments.output), [one.load() for one in kept]
    there = sum(len(one.slices) for one in so_far if one)
    if there:
        print(
            f"{there} slices of an earlier run are there; those that belong to this box are taken over.",
            file=sys.stderr,
        )

    done: list[int] = []

    def on_done(number: int, one: FollowedSlice, progress: VolumeProgress) -> None:
        kept[number].keep(one)
        done.append(one.index)
        _say(one, progress)

    try:
        results = Engine().explain_organ_volumes(requests, RunControl(), so_far, on_done)
    except KeyboardInterrupt as error:
        raise Cancelled(
            "Cancelled; the slices that were done are kept, and the same command goes on with them."
            if done or there
            else "Cancelled before the first slice was done; nothing was changed."
        ) from error
    organs = followed_organs([one.organ for one in boxes], results)
    source: dict[str, object] = {"path": str(arguments.input)}

    def write_scene(folder: Path) -> None:
        bundle.write_scene_of_followed_organs(organs, folder / "scene.mrb")

    write_through_slices(organs, arguments.output, source, write_scene)
    for one in kept:
        one.remove()
    _report(organs)
    say_written(arguments.output, before)
    print(ALARM_SENTENCE)
    print(LIMITS_STATEMENT)
    return organs


def _refuse_options_of_one_slice(arguments: argparse.Namespace) -> None:
    given = {
        "--reference": arguments.reference is not None,
        "--reference-label": arguments.reference_label is not None,
        "--box-or-image": arguments.box_or_image,
        "--explainers": bool(arguments.explainers),
        "--evidence full": arguments.evidence == "full",
    }
    wrong = [name for name, is_given in given.items() if is_given]
    if wrong:
        raise InputError(
            f"{' and '.join(wrong)} cannot go with --through or --slices; explain one slice for that, without them."
        )


def _say(one: FollowedSlice, progress: VolumeProgress) -> None:
    if sys.stderr.isatty():
        left = "" if progress.seconds_left is None else f", at most {progress.seconds_left:.0f} s left"
        print(f"\rslice {one.index}: {progress.done} of at most {progress.total}{left}    ", end="", file=sys.stderr)


def _report(organs: Sequence[FollowedOrgan]) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    model = organs[0].result.model
    print(f"{model.title if model else 'earlier run'}:")
    for one in organs:
        prefix = f"{one.label} {one.organ.name}: " if len(organs) > 1 else ""
        print(f"{prefix}{_size_text(one.result)}")
        for sentence in stops_text(one.result):
            print(f"{prefix}{sentence}")
    for sentence in (
        *overlaps_through_slices(organs),
        *warnings_of_organs([(one.organ.name, one.result.warnings) for one in organs]),
    ):
        print(f"warning: {sentence}")


def _size_text(result: VolumeResult) -> str:
    accepted = result.accepted
    if not accepted:
        return "nothing was segmented."
    size = "" if result.volume_mm3 is None else f", {result.volume_mm3 / 1000:.1f} ml"
    voxels = sum(one.area_px for one in accepted)
    plane = result.request.on_slice.image.plane
    return f"{voxels} voxels segmented{size}, on the {plane} slices {accepted[0].index} to {accepted[-1].index}."
