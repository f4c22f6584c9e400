"""`medxai explain … --through`: the organ followed from the box through the slices."""

from __future__ import annotations

import argparse
import sys

from ..engine import Engine
from ..errors import Cancelled, InputError
from ..limits import LIMITS_STATEMENT
from ..maps import MEDXAI, MapId
from ..organ_codes import Organ
from ..progress import RunControl
from ..report.kept_slices import KeptSlices
from ..report.through_slices import stops_text, write_through_slices
from ..request import ExplainRequest
from ..slice.box import clip_box
from ..through_slices.drift_alarm import ALARM_SENTENCE
from ..through_slices.request import VolumeRequest
from ..through_slices.volume_result import FollowedSlice, VolumeProgress, VolumeResult
from .command_case import files_in, say_written


def run(
    on_slice: ExplainRequest, box: tuple[float, float, float, float], organ: Organ, arguments: argparse.Namespace
) -> VolumeResult:
    """Follows the organ and writes the files; a run that was broken off before goes on where it was.

    Args:
        on_slice: The slice with the box.
        box: First column, first row, last column, last row, inclusive.
        organ: What the box is around, as far as somebody has said so.
        arguments: Of the command.

    Raises:
        InputError: Options that go with one slice only; or the box or the range cannot be used.
        Cancelled: The user broke it off; finished slices are kept.
    """
    _refuse_options_of_one_slice(arguments)
    first, last = arguments.slices or (None, None)
    maps = tuple(MapId(MEDXAI, name) for name in arguments.maps) if arguments.maps else None
    request = VolumeRequest(on_slice, clip_box(on_slice.image, *box).box, first, last, maps=maps)
    request.check()
    kept, before = KeptSlices(arguments.output, request), files_in(arguments.output)
    so_far = kept.load()
    there = {one.index for one in so_far.slices} if so_far else set()
    if there:
        print(f"{len(there)} slices of an earlier run are there.", file=sys.stderr)

    def on_done(one: FollowedSlice, progress: VolumeProgress) -> None:
        kept.keep(one)
        _say(one, progress)

    try:
        result = Engine().explain_volume(request, RunControl(), so_far, on_done)
    except KeyboardInterrupt as error:
        raise Cancelled(
            "Cancelled; the slices that were done are kept, and the same command goes on with them."
        ) from error
    source: dict[str, object] = {"path": str(arguments.input)}
    write_through_slices(result, arguments.output, source, organ)
    kept.remove()
    _report(result)
    say_written(arguments.output, before)
    print(ALARM_SENTENCE)
    print(LIMITS_STATEMENT)
    return result


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


def _report(result: VolumeResult) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    image, accepted = result.request.on_slice.image, result.accepted
    voxels = sum(one.area_px for one in accepted)
    size = "" if result.volume_mm3 is None else f", {result.volume_mm3 / 1000:.1f} ml"
    title = result.model.title if result.model else "earlier run"
    print(
        f"{title}: {voxels} voxels segmented{size}, on the {image.plane} slices {accepted[0].index} to {accepted[-1].index}."
    )
    for sentence in stops_text(result):
        print(sentence)
    for warning in result.warnings:
        print(f"warning: {warning}")
