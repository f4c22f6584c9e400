"""What the way through the slices asks of a model, and an engine that answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from ..contour.check import check_tolerance
from ..contour.result import ContourCheck
from ..explainers.base import Case
from ..maps import MapId, stage_map
from ..model_input.contrast import enhance_contrast
from ..model_input.frame import ModelFrame
from ..model_input.grey import GreyRange, grey_range_of, grey_slice
from ..progress import RunControl
from ..request import ExplainRequest
from ..results import Segmentation, SliceExplanation
from ..slice.box import ClippedBox, PixelBox
from .request import VolumeRequest


@dataclass(frozen=True, eq=False)
class BoxAnswer:
    """A box on a slice, explained.

    Attributes:
        segmentation: Mask and logits.
        contour: The outline with its tolerance.
        maps: (rows, columns) float32 on the slice each.
        tokens: (h, w, C) float32, the encoder's embedding.
        frame: Where the slice lies in the model's square.
    """

    segmentation: Segmentation
    contour: ContourCheck
    maps: Mapping[MapId, np.ndarray]
    tokens: np.ndarray
    frame: ModelFrame


class SliceAnswers(Protocol):
    """What is asked of a model."""

    def grey(self, index: int) -> np.ndarray:
        """(rows, columns) uint8: the slice's grey values as the model sees them."""

    def explain(self, index: int, box: PixelBox) -> BoxAnswer:
        """A box on a slice with its maps."""

    def segment(self, index: int, boxes: Sequence[PixelBox]) -> Sequence[tuple[Segmentation, ContourCheck]]:
        """Boxes on a slice without maps."""


class AskedEngine(Protocol):
    """The two questions that are put to an engine."""

    def case(self, request: ExplainRequest, box: ClippedBox, control: RunControl = ...) -> Case:
        """One box with its result and encoding."""

    def segment(
        self, request: ExplainRequest, boxes: Sequence[ClippedBox], control: RunControl = ...
    ) -> tuple[Segmentation, ...]:
        """One mask a box."""


class EngineAnswers:
    """Answers by an engine, whose cache keeps the slices' encodings."""

    def __init__(
        self,
        engine: AskedEngine,
        request: VolumeRequest,
        control: RunControl,
        at: Callable[[int], ExplainRequest] | None = None,
    ):
        """Answers for one request.

        Args:
            engine: Is asked once a slice, and once more for other boxes.
            request: The volume and how its slices are explained.
            control: Stops the work between two blocks of the encoder; its progress is that of whole slices.
            at: Gives the request of a slice where organs share it, see `shared_slices`; None: a single organ's own.
        """
        self._engine = engine
        self._request = request
        self._control = RunControl(is_cancelled=control.is_cancelled)
        self._frame: ModelFrame | None = None
        self._at = at or shared_slices(request)
        self._grey_of = lru_cache(maxsize=1)(self._prepared_grey)
        self.first: SliceExplanation | None = None

    @cached_property
    def _grey_range(self) -> GreyRange:
        on_slice = self._request.on_slice
        return on_slice.grey_range or grey_range_of(on_slice.volume, on_slice.window)

    def grey(self, index: int) -> np.ndarray:
        return self._grey_of(index)

    def _prepared_grey(self, index: int) -> np.ndarray:
        grey = grey_slice(self._at(index).image, self._grey_range)
        return enhance_contrast(grey) if self._request.on_slice.enhance_input else grey

    def explain(self, index: int, box: PixelBox) -> BoxAnswer:
        case = self._engine.case(self._at(index), ClippedBox(box, False), self._control)
        result, tokens = case.result, case.encoding.embedding[0].permute(1, 2, 0).float().cpu().numpy()
        self.first, self._frame = self.first or result, result.encoding.frame
        asked = self._request.maps
        maps = (stage_map(3, ""),) if asked is None else asked
        full = [_at_shown_layer(map_id, result) for map_id in maps]
        on_slice = {map_id: result.on_slice(result.values(map_id)) for map_id in full}
        return BoxAnswer(result.segmentation, result.contour, on_slice, tokens, result.encoding.frame)

    def segment(self, index: int, boxes: Sequence[PixelBox]) -> list[tuple[Segmentation, ContourCheck]]:
        asked = self._at(index)
        clipped = [ClippedBox(box, False) for box in boxes]
        found = self._engine.segment(asked, clipped, self._control)
        frame = self._frame
        if frame is None:
            raise RuntimeError("other boxes are tried after the first box of a slice")
        return [(one, check_tolerance(asked.image, frame, one.logits)) for one in found]


def shared_slices(request: VolumeRequest) -> Callable[[int], ExplainRequest]:
    """The requests of a volume's slices, one image a slice: the engine knows a prepared slice by its image.

    Several boxes are tried on a slice, one slice at a time, so the last one is enough.
    """
    return lru_cache(maxsize=1)(request.at)


def _at_shown_layer(map_id: MapId, result: SliceExplanation) -> MapId:
    """A map that has layers and is asked for without one is that of the layer that stands for its stage."""
    return map_id if map_id.layer or map_id in result.map_ids() else map_id.at(result.shown_layer)
