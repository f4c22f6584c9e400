"""Several ways through the slices gone together: each slice is encoded once, and answered for all organs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import Cancelled
from ..progress import RunControl, Step
from .several import OnOrganSlice
from .volume_result import FollowedSlice, OnSlice, VolumeProgress
from .walk import Walk


def run_together(walks: Sequence[Walk], control: RunControl, on_slice: OnOrganSlice | None = None) -> None:
    """Goes several ways slice by slice: all organs on a slice are done before the next slice is encoded.

    A cancelled run leaves each walk with whole slices.

    Args:
        walks: From the same slice.
        control: Hears of slices of all organs together, and stops the work.
        on_slice: Called after each slice of each organ; its progress is that of all.

    Raises:
        Cancelled: Before the first slice of each organ was done.
    """
    progress = _Together(control, on_slice, len(walks))
    ways = [walk.places(progress.control_of_each, progress.told_of(number)) for number, walk in enumerate(walks)]
    next_places: dict[int, tuple[int, int]] = {}
    try:
        for number, way in enumerate(ways):
            _advance(number, way, next_places)
        while next_places:
            nearest = min(next_places.values())
            for number in [number for number, place in next_places.items() if place == nearest]:
                _advance(number, ways[number], next_places)
    except Cancelled:
        if any(not walk.result.slices for walk in walks):
            raise
        for walk in walks:
            walk.break_off()


def _advance(number: int, way: Iterable[tuple[int, int]], next_places: dict[int, tuple[int, int]]) -> None:
    place = next(iter(way), None)
    if place is None:
        next_places.pop(number, None)
    else:
        next_places[number] = place


class _Together:
    """The progress of several ways as that of one."""

    def __init__(self, control: RunControl, on_slice: OnOrganSlice | None, count: int):
        self._control = control
        self._on_slice = on_slice
        self._parts: dict[int, VolumeProgress] = {}
        self._count = count

    @property
    def control_of_each(self) -> RunControl:
        """For each way: it only asks whether it is cancelled, since its own progress is a part of the whole."""
        return RunControl(is_cancelled=self._control.is_cancelled)

    def told_of(self, number: int) -> OnSlice:
        """For a way: called after each of its slices."""

        def told(one: FollowedSlice, progress: VolumeProgress) -> None:
            self._parts[number] = progress
            whole = self._whole(progress.total)
            self._control.at(Step.FOLLOWING).report(whole.done, whole.total)
            if self._on_slice is not None:
                self._on_slice(number, one, whole)

        return told

    def _whole(self, total_of_one: int) -> VolumeProgress:
        parts = self._parts.values()
        known = [part.seconds_left for part in parts if part.seconds_left is not None]
        left = sum(known) if len(known) == self._count else None
        return VolumeProgress(sum(part.done for part in parts), total_of_one * self._count, left)
