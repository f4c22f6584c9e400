"""What following an organ through the slices gives: mask, maps and a record of every slice, on the volume's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..contour.result import ContourCheck, ContourKind
from ..maps import MapId
from ..results import ModelIdentity
from ..slice.box import PixelBox
from ..volume.volume import PLANE_AXES
from .appearance import Appearance
from .drift_alarm import StopReason, Trail, Verdict, stop_reason
from .request import VolumeRequest


class SliceState(StrEnum):
    """How a slice came into the result."""

    YOUR_BOX = "your box"
    FOLLOWED = "followed"
    TRIED_AGAIN = "followed from another box"
    ALARM = "alarm"


@dataclass(frozen=True, eq=False)
class FollowedSlice:
    """One slice of the way.

    Attributes:
        index: Its voxel index along the plane's axis.
        state: How it came in. The mask of a slice with an alarm is not a part of the volume's mask.
        box: What the model was asked with, in pixels.
        mask: (rows, columns) bool.
        maps: (rows, columns) float32 each, raw values.
        tolerance_mm_per_logit: (rows, columns) float32, on the outline's pixels how far it moves if the logit changes by
            one; zero elsewhere.
        soft_share: The share of the outline that is soft.
        verdict: Likeness, signs and the sum of evidence.
        appearance: What the next slices are compared with; None for an empty mask.
        origin: The slice of the user's box that this one was followed from.
        origin_box: That box.
        seconds: How long the slice took.
    """

    index: int
    state: SliceState
    box: PixelBox
    mask: np.ndarray
    maps: Mapping[MapId, np.ndarray]
    tolerance_mm_per_logit: np.ndarray
    soft_share: float
    verdict: Verdict
    appearance: Appearance | None
    origin: int
    origin_box: PixelBox
    seconds: float

    def __post_init__(self) -> None:
        for array in (self.mask, self.tolerance_mm_per_logit, *self.maps.values()):
            array.setflags(write=False)

    @property
    def is_alarm(self) -> bool:
        return self.state is SliceState.ALARM

    @property
    def area_px(self) -> int:
        return int(self.mask.sum())


@dataclass(frozen=True)
class Stop:
    """Where a way ended.

    Attributes:
        index: The slice at which it ended: that of the alarm, or the last one that was reached.
        direction: 1 for rising indexes, -1 for falling ones.
        reason: Why.
        detail: More on it, in words; empty where nothing.
    """

    index: int
    direction: int
    reason: StopReason
    detail: str = ""

    @property
    def sentence(self) -> str:
        """'Slice 12, downwards: alarm: the organ ends, or is no longer found (…).'"""
        way = "upwards" if self.direction > 0 else "downwards"
        return f"Slice {self.index}, {way}: {self.reason}{f' ({self.detail})' if self.detail else ''}."


@dataclass(frozen=True)
class VolumeProgress:
    """How far the way is.

    Attributes:
        done: Slices that are done.
        total: Slices that there are at most; fewer where the organ ends before the range does.
        seconds_left: An estimate, at most; None before the first slice was computed.
    """

    done: int
    total: int
    seconds_left: float | None


OnSlice = Callable[[FollowedSlice, VolumeProgress], None]
"""Called after each slice, from the thread that computes."""


@dataclass(frozen=True, eq=False)
class VolumeResult:
    """An organ through the slices. Nothing of it is written over the user's voxels.

    Attributes:
        request: What was asked.
        slices: In the order of their indexes, those with an alarm among them.
        stops: Where each way ended.
        model: Which model it was; None for answers without one.
        warnings: Sentences for the user, from the slice with the user's box.
        seconds: How long it took now; slices that were there already take none.
    """

    request: VolumeRequest
    slices: tuple[FollowedSlice, ...]
    stops: tuple[Stop, ...]
    model: ModelIdentity | None
    warnings: tuple[str, ...]
    seconds: float

    @property
    def is_complete(self) -> bool:
        """False where the work was cancelled; ask again with this result to go on."""
        return all(stop.reason is not StopReason.CANCELLED for stop in self.stops)

    @property
    def alarms(self) -> tuple[Stop, ...]:
        """The stops that the reader has to look at."""
        return tuple(stop for stop in self.stops if stop.reason.is_alarm)

    @property
    def accepted(self) -> tuple[FollowedSlice, ...]:
        """The slices that make up the mask."""
        return tuple(one for one in self.slices if not one.is_alarm)

    @property
    def map_ids(self) -> tuple[MapId, ...]:
        """The maps that were kept."""
        return tuple(self.slices[0].maps) if self.slices else ()

    def slice(self, index: int) -> FollowedSlice | None:
        """The slice of an index; None where the way did not reach it."""
        return next((one for one in self.slices if one.index == index), None)

    @property
    def mask(self) -> np.ndarray:
        """(K, J, I) bool on the volume's grid; a new array at each call."""
        return self._volume(lambda one: one.mask, np.dtype(bool))

    @property
    def volume_mm3(self) -> float | None:
        """Of the mask; None where the file does not say how large a voxel is. A tilted voxel is no box: the determinant counts."""
        volume = self.request.on_slice.volume
        if not volume.facts.has_known_spacing:
            return None
        voxel_mm3 = abs(float(np.linalg.det(volume.ijk_to_ras_mm[:3, :3])))
        return sum(one.area_px for one in self.accepted) * voxel_mm3

    @property
    def tolerance_mm_per_logit(self) -> np.ndarray:
        """(K, J, I) float32: on the outlines, how far they move if the logit changes by one; zero elsewhere."""
        return self._volume(lambda one: one.tolerance_mm_per_logit, np.dtype(np.float32))

    def map_volume(self, map_id: MapId) -> np.ndarray:
        """(K, J, I) float32: a map's raw values on the slices that make up the mask, zero on others.

        Raises:
            KeyError: The map was not kept.
        """
        if map_id not in self.map_ids:
            raise KeyError(str(map_id))
        return self._volume(lambda one: one.maps[map_id], np.dtype(np.float32))

    def _volume(self, part: Callable[[FollowedSlice], np.ndarray], dtype: np.dtype) -> np.ndarray:
        on_slice = self.request.on_slice
        whole = np.zeros(on_slice.volume.voxels.shape, dtype)
        layers = np.moveaxis(whole, 2 - PLANE_AXES[on_slice.image.plane][2], 0)
        for one in self.accepted:
            layers[one.index] = part(one)
        return whole


def alarms_of(slices: Sequence[FollowedSlice]) -> tuple[Stop, ...]:
    """The stops of the slices with an alarm, by the slices alone: for a way that was cancelled and says no more itself.

    Args:
        slices: With all slices from the boxes to the alarms.
    """
    by_index, found = {one.index: one for one in slices}, []
    for one in slices:
        if one.is_alarm:
            direction = 1 if one.index > one.origin else -1
            before = [by_index[index] for index in range(one.origin, one.index, direction)]
            last = before[-1]
            trail = Trail([], last.mask, last.verdict.evidence, max(other.area_px for other in before))
            found.append(Stop(one.index, direction, stop_reason(trail, one.verdict), one.verdict.reason))
    return tuple(found)


def soft_share_of(contour: ContourCheck) -> float:
    """The share of an outline that is soft by its tolerance alone: which of it follows the box is not asked on every slice."""
    return contour.share[ContourKind.SOFT]


def tolerance_on_pixels(contour: ContourCheck, shape: tuple[int, ...]) -> np.ndarray:
    """(rows, columns) float32: the largest tolerance of the outline's points in each pixel; zero where there is none.

    Args:
        contour: The outline.
        shape: (rows, columns) of the slice.
    """
    values = np.zeros(shape, np.float32)
    columns, rows = np.rint(contour.points_px).astype(int).T
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    np.maximum.at(values, (rows[inside], columns[inside]), contour.tolerance_mm_per_logit[inside])
    return values
