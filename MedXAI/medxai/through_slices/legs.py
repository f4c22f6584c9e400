"""The ways from the user's boxes through the slices, and which slices of an earlier run still hold on them; free of torch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .drift_alarm import StopReason
from .request import VolumeRequest
from .volume_result import FollowedSlice


@dataclass(frozen=True)
class Leg:
    """A way from one of the user's boxes in one direction.

    Attributes:
        origin: The slice of the user's box.
        direction: 1 or -1.
        until: The last slice that may be reached; the origin itself where there is none.
        at_end: Why it ends there.
    """

    origin: int
    direction: int
    until: int
    at_end: StopReason

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.origin + self.direction, self.until + self.direction, self.direction))


def legs_of(request: VolumeRequest) -> list[Leg]:
    """The ways from the user's boxes; between two boxes the one nearer to the start leads, the other comes back.

    Args:
        request: With the boxes and the range.
    """
    origins, asked, start = sorted(request.boxes), request.range, request.start
    count = request.on_slice.volume.voxels.size // request.on_slice.image.pixels.size
    top = StopReason.VOLUME_ENDS if asked[-1] == count - 1 else StopReason.RANGE_ENDS
    bottom = StopReason.VOLUME_ENDS if asked[0] == 0 else StopReason.RANGE_ENDS
    legs = [Leg(origins[-1], 1, asked[-1], top), Leg(origins[0], -1, asked[0], bottom)]
    for low, high in itertools.pairwise(origins):
        up = Leg(low, 1, high - 1, StopReason.NEXT_BOX)
        down = Leg(high, -1, low + 1, StopReason.NEXT_BOX)
        legs += [up, down] if low >= start else [down, up]
    return sorted(legs, key=lambda leg: abs(leg.origin - start))


def slices_that_hold(request: VolumeRequest, slices: Iterable[FollowedSlice]) -> tuple[FollowedSlice, ...]:
    """Those slices that a run of the request would take over: from the same boxes, and all between them and their box, too.

    Args:
        request: With the boxes and the range.
        slices: Of earlier runs of the same question; of two of the same index the later one counts.
    """
    known, boxes = {one.index: one for one in slices}, request.boxes

    def taken(index: int, origin: int) -> FollowedSlice | None:
        one = known.get(index)
        return one if one is not None and (one.origin, one.origin_box) == (origin, boxes[origin]) else None

    held = {index: one for index in boxes if (one := taken(index, index)) is not None}
    for leg in legs_of(request):
        if leg.origin not in held or held[leg.origin].appearance is None:
            continue
        for index in leg:
            one, before = taken(index, leg.origin), held.get(index)
            if one is None or (before is not None and not before.is_alarm):
                break
            held[index] = one
            if one.is_alarm:
                break
    return tuple(held[index] for index in sorted(held))
