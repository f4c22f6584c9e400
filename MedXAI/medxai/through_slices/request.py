"""What is asked when an organ is followed through the slices of a volume, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import InputError
from ..maps import MEDXAI, OWN_MAP_KEYS, MapId
from ..request import ExplainRequest
from ..slice.box import PixelBox, clip_box
from ..slice.slice_image import slice_of
from ..volume.volume import PLANE_AXES


@dataclass(frozen=True)
class VolumeRequest:
    """An organ that is followed from one box on one slice.

    Example:
        >>> from medxai import ExplainRequest, ModelChoice, make_phantom
        >>> from medxai.slice.box import PixelBox
        >>> on_slice = ExplainRequest.of_slice(make_phantom().volume, "axial", 13, model=ModelChoice("demo"))
        >>> request = VolumeRequest(on_slice, PixelBox(53, 97, 82, 129), first=10, last=16)
        >>> list(request.range)
        [10, 11, 12, 13, 14, 15, 16]

    Attributes:
        on_slice: The slice that the user drew the box on, and how slices are explained.
        box: The box on it, in pixels.
        first, last: The slices' range, voxel indexes along the plane's axis, inclusive; None: as far as the volume goes.
        other_boxes: Boxes that the user set on other slices, by index. The organ is followed from each of them, too.
        maps: Which of MedXAI's own maps are kept as volumes, without a layer for that of the layer that stands for its stage;
            None for stage 3.
    """

    on_slice: ExplainRequest
    box: PixelBox
    first: int | None = None
    last: int | None = None
    other_boxes: Mapping[int, PixelBox] = field(default_factory=dict)
    maps: tuple[MapId, ...] | None = None

    @property
    def start(self) -> int:
        """The index of the slice that the user drew the box on."""
        index = self.on_slice.image.index
        if index is None:
            raise InputError("An oblique slice has no neighbours to go through; show the volume along its own axes.")
        return index

    @property
    def boxes(self) -> dict[int, PixelBox]:
        """All boxes that the user set, by slice."""
        return {**self.other_boxes, self.start: self.box}

    @property
    def range(self) -> range:
        """The slices that may be gone through."""
        count = self.on_slice.volume.shape_ijk[PLANE_AXES[self.on_slice.image.plane][2]]
        first = 0 if self.first is None else self.first
        last = count - 1 if self.last is None else self.last
        return range(first, last + 1)

    @property
    def question(self) -> tuple[object, ...]:
        """What is asked of the volume besides boxes and range; slices of two requests with equal questions can be mixed."""
        one = self.on_slice
        choices = one.model, one.window, one.grey_range, one.enhance_input, one.layers, one.parameters
        return one.image.plane, *choices, self.maps

    def with_box(self, index: int, box: PixelBox) -> VolumeRequest:
        """The same with the box of a slice changed or added.

        Args:
            index: The slice's voxel index.
            box: On it, in pixels.
        """
        if index == self.start:
            return replace(self, box=box)
        return replace(self, other_boxes={**self.other_boxes, index: box})

    def at(self, index: int) -> ExplainRequest:
        """The request for one slice of the range."""
        if index == self.start:
            return self.on_slice
        return replace(self.on_slice, image=slice_of(self.on_slice.volume, self.on_slice.image.plane, index))

    def check(self) -> None:
        """Looks whether range and boxes can be used.

        Raises:
            InputError: The slice is oblique, a map is unknown, the range is empty, leaves the volume or does not hold a box's slice, or a
                box cannot be used.
        """
        start, image = self.start, self.on_slice.image
        count = self.on_slice.volume.shape_ijk[PLANE_AXES[image.plane][2]]
        asked = self.range
        if not asked or asked[0] < 0 or asked[-1] >= count:
            raise InputError(
                f"The slices {self.first} to {self.last} are no range of this volume's {count} {image.plane} slices; "
                f"give a first and a last one from 0 to {count - 1}."
            )
        for map_id in self.maps or ():
            if map_id.explainer != MEDXAI or map_id.map not in OWN_MAP_KEYS:
                raise InputError(
                    f"There is no map '{map_id}' through the slices; choose from {', '.join(sorted(OWN_MAP_KEYS))}."
                )
        for index, box in self.boxes.items():
            if index not in asked:
                raise InputError(
                    f"The box on slice {index} lies outside the slices {asked[0]} to {asked[-1]} that are gone through; "
                    "widen the range, or draw the box on one of them."
                )
            clip_box(self.at(index).image if index != start else image, *box.xyxy)
