"""Several organs through the slices of a volume: what is asked, what comes of it, and what their masks share; free of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ..errors import InputError
from ..organ_codes import Organ
from ..organs_on_slice import file_part_of_name, with_own_names
from ..request import ExplainRequest
from ..slice.box import PixelBox
from .request import VolumeRequest
from .volume_result import FollowedSlice, VolumeProgress, VolumeResult


@dataclass(frozen=True)
class FollowedOrgan:
    """One of several organs through the slices.

    Attributes:
        organ: With a name that no other organ of the run has.
        label: Its number in files of labels, from 1.
        result: Its slices, mask and maps.
    """

    organ: Organ
    label: int
    result: VolumeResult

    @property
    def file_part(self) -> str:
        """Its name as a part of a file's name: 'right_kidney'."""
        return file_part_of_name(self.organ.name)


OnOrganSlice = Callable[[int, FollowedSlice, VolumeProgress], None]
"""Called after each slice of each organ with the organ's number in the order of the boxes, from 0."""


def check_requests(requests: Sequence[VolumeRequest]) -> None:
    """Looks whether requests can be followed together.

    Raises:
        InputError: There is none, or they differ in more than box and range.
    """
    if not requests:
        raise InputError("There is no box to follow; give one for each organ.")
    first = requests[0]
    for other in requests[1:]:
        is_same = other.on_slice.volume is first.on_slice.volume and other.question == first.question
        if not is_same or other.start != first.start:
            raise InputError(
                "Organs are followed together from one slice of one volume, and explained in the same way; follow others by themselves."
            )


def requests_of(on_slice: ExplainRequest, boxes: Iterable[PixelBox], **choices: object) -> tuple[VolumeRequest, ...]:
    """One request a box, all alike else.

    Args:
        on_slice: The slice that the boxes are on.
        boxes: In pixels.
        **choices: Of `VolumeRequest`: first, last, maps.
    """
    return tuple(VolumeRequest(on_slice, box, **choices) for box in boxes)  # type: ignore[arg-type]


def followed_organs(organs: Iterable[Organ], results: Iterable[VolumeResult]) -> tuple[FollowedOrgan, ...]:
    """Puts results beside what they are of, with names of their own and numbers from 1."""
    pairs = zip(with_own_names(organs), results, strict=True)
    return tuple(FollowedOrgan(organ, label, result) for label, (organ, result) in enumerate(pairs, start=1))


def overlaps_through_slices(organs: Sequence[FollowedOrgan]) -> tuple[str, ...]:
    """A sentence for each two organs whose masks share voxels, with the slices on which they do."""
    said = []
    for one, other in combinations(organs, 2):
        shared = {}
        for mine in one.result.accepted:
            its = other.result.slice(mine.index)
            count = 0 if its is None or its.is_alarm else int(np.count_nonzero(mine.mask & its.mask))
            if count:
                shared[mine.index] = count
        if shared:
            first, last = min(shared), max(shared)
            where = f"on slice {first}" if first == last else f"on slices {first} to {last}"
            count = sum(shared.values())
            voxels = "one voxel" if count == 1 else f"{count} voxels"
            said.append(
                f"The masks of {one.organ.name} and {other.organ.name} share {voxels} {where}; a voxel belongs to one organ at most."
            )
    return tuple(said)


def label_volume(organs: Sequence[FollowedOrgan]) -> np.ndarray:
    """(K, J, I) uint8: each organ's label. A voxel of several masks goes to the organ that comes first in the run."""
    labels = np.zeros(organs[0].result.request.on_slice.volume.voxels.shape, np.uint8)
    for one in reversed(organs):
        labels[one.result.mask] = one.label
    return labels


def with_shared_model(results: Sequence[VolumeResult]) -> tuple[VolumeResult, ...]:
    """Results of one run: what one knows of the model holds for all."""
    model = next((one.model for one in results if one.model is not None), None)
    return tuple(replace(one, model=one.model or model) for one in results)
