"""The way: slice after slice from the user's boxes, in both directions."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from ..errors import Cancelled, InputError
from ..progress import RunControl, Step
from ..slice.box import PixelBox
from .answers import BoxAnswer, SliceAnswers
from .appearance import Appearance, SeenSlice, appearance_of, organ_like
from .drift_alarm import BEGINNING, NOTHING, StopReason, Trail, Verdict, judge, stop_reason
from .legs import Leg, legs_of
from .next_box import boxes_to_try_again, near_mask, next_box, second_part
from .request import VolumeRequest
from .volume_result import (
    FollowedSlice,
    OnSlice,
    SliceState,
    Stop,
    VolumeProgress,
    VolumeResult,
    soft_share_of,
    tolerance_on_pixels,
)

#: An organ is compared with the slice of the user's box and with so many slices before.
_REMEMBERED = 3


class Walk:
    """One run through the slices.

    Example:
        >>> walk = Walk(request, answers)  # doctest: +SKIP
        >>> walk.run(RunControl()).mask.sum()  # doctest: +SKIP
    """

    def __init__(self, request: VolumeRequest, answers: SliceAnswers, so_far: VolumeResult | None = None):
        """A run that has not begun.

        Args:
            request: What is asked; checked.
            answers: Of the model.
            so_far: An earlier result of the same volume and choices; slices of it that would come out the same are
                taken over.
        """
        self._request, self._answers = request, answers
        self._spacing_mm = request.on_slice.image.spacing_mm
        self._old = {one.index: one for one in so_far.slices} if so_far else {}
        self._done: dict[int, FollowedSlice] = {}
        self._stops: list[Stop] = []
        self._computed_s: list[float] = []

    def run(self, control: RunControl, on_slice: OnSlice | None = None) -> VolumeResult:
        """Goes through the slices; a cancelled run gives what it has, all of it whole slices.

        Args:
            control: Hears of whole slices, and stops the work.
            on_slice: Called after each slice.

        Returns:
            Slices and stops; the model and the warnings are the caller's to add.

        Raises:
            Cancelled: Before the first slice was done.
            InputError: The slice of a user's box cannot be used.
        """
        try:
            for _place in self.places(control, on_slice):
                pass
        except Cancelled:
            if not self._done:
                raise
            self.break_off()
        return self.result

    def places(self, control: RunControl, on_slice: OnSlice | None = None) -> Iterator[tuple[int, int]]:
        """The run slice by slice: before each slice its place, (way, distance from the first box).

        The boxes are way 0, and each way from a box has the next number, so that ways of several organs can be gone together:
        those at the same place are on the same slice.

        Args:
            control: As for `run`.
            on_slice: As for `run`.
        """
        start = self._request.start
        for origin in sorted(self._request.boxes, key=lambda index: abs(index - start)):
            yield 0, abs(origin - start)
            self._add(self._taken_over(origin, origin) or self._origin(origin), control, on_slice)
        for number, leg in enumerate(legs_of(self._request), start=1):
            for index in self._follow(leg, control, on_slice):
                yield number, abs(index - start)

    def break_off(self) -> None:
        """The work was cancelled: what is done stays."""
        self._stops.append(Stop(max(self._done, default=self._request.start), 1, StopReason.CANCELLED))

    @property
    def result(self) -> VolumeResult:
        """What there is so far; the seconds are those of the slices that were computed."""
        slices = tuple(self._done[index] for index in sorted(self._done))
        stops = tuple(sorted(self._stops, key=lambda stop: stop.index))
        return VolumeResult(self._request, slices, stops, None, (), sum(self._computed_s))

    def _origin(self, index: int) -> FollowedSlice:
        begin, box = time.perf_counter(), self._request.boxes[index]
        answer = self._answers.explain(index, box)
        known = self._appearance(index, answer, None)
        verdict = NOTHING if known is None else BEGINNING
        return self._followed(index, answer, SliceState.YOUR_BOX, (known, verdict), (index, begin))

    def _follow(self, leg: Leg, control: RunControl, on_slice: OnSlice | None) -> Iterator[int]:
        """Goes along a leg; gives the index of each slice before it is done."""
        if self._done[leg.origin].appearance is None:
            self._stops.append(Stop(leg.origin, leg.direction, StopReason.ORGAN_ENDS, NOTHING.reason))
            return
        last = leg.origin
        for index in leg:
            before = self._done.get(index)
            if before is not None and not before.is_alarm:  # the way from the other box came so far
                self._stops.append(Stop(last, leg.direction, StopReason.NEXT_BOX))
                return
            yield index
            trail = self._trail(leg, last)
            try:
                one = self._taken_over(index, leg.origin) or self._step(index, leg, trail)
            except InputError as error:
                self._stops.append(Stop(index, leg.direction, StopReason.UNUSABLE, str(error)))
                return
            self._add(one, control, on_slice)
            if one.is_alarm:
                reason = stop_reason(trail, one.verdict)
                self._stops.append(Stop(index, leg.direction, reason, one.verdict.reason))
                return
            last = index
        self._stops.append(Stop(last, leg.direction, leg.at_end))

    def _step(self, index: int, leg: Leg, trail: Trail) -> FollowedSlice:
        begin, known = time.perf_counter(), trail.known[0]
        like = organ_like(self._answers.grey(index), known)
        parts = second_part(like & near_mask(trail.before, self._spacing_mm))
        box = next_box(trail.before, like, self._spacing_mm)
        answer, state = self._answers.explain(index, box), SliceState.FOLLOWED
        judged = self._judged(index, answer, trail, parts)
        if judged[1].is_alarm and judged[1].speaks_of_the_box:
            other = self._better_box(index, leg, trail, (answer, like, parts))
            if other is not None:
                answer, state = self._answers.explain(index, other), SliceState.TRIED_AGAIN
                judged = self._judged(index, answer, trail, parts)
        state = SliceState.ALARM if judged[1].is_alarm else state
        return self._followed(index, answer, state, judged, (leg.origin, begin))

    def _better_box(
        self, index: int, leg: Leg, trail: Trail, tried: tuple[BoxAnswer, np.ndarray, float]
    ) -> PixelBox | None:
        """Another box on the slice whose mask gives no alarm; None where there is none."""
        answer, like, parts = tried
        two_before = self._done.get(index - 2 * leg.direction)
        is_before = two_before is not None and not two_before.is_alarm
        boxes = boxes_to_try_again(trail.before, two_before.mask if two_before and is_before else None, like)
        best: tuple[float, PixelBox | None] = (1.0, None)
        for box, (segmentation, contour) in zip(boxes, self._answers.segment(index, boxes), strict=True):
            other = BoxAnswer(segmentation, contour, {}, answer.tokens, answer.frame)
            _, verdict = self._judged(index, other, trail, parts)
            if not verdict.is_alarm and verdict.evidence < best[0]:
                best = verdict.evidence, box
        return best[1]

    def _judged(self, index: int, answer: BoxAnswer, trail: Trail, parts: float) -> tuple[Appearance | None, Verdict]:
        here = self._appearance(index, answer, trail.known[0])
        return here, judge(trail, here, answer.segmentation.mask, parts)

    def _appearance(self, index: int, answer: BoxAnswer, known: Appearance | None) -> Appearance | None:
        if not answer.segmentation.mask.any():
            return None
        seen = SeenSlice(self._answers.grey(index), answer.tokens, answer.frame)
        return appearance_of(seen, answer.segmentation, soft_share_of(answer.contour), known)

    def _followed(
        self,
        index: int,
        answer: BoxAnswer,
        state: SliceState,
        judged: tuple[Appearance | None, Verdict],
        origin_and_begin: tuple[int, float],
    ) -> FollowedSlice:
        origin, begin = origin_and_begin
        segmentation, seconds = answer.segmentation, time.perf_counter() - begin
        self._computed_s.append(seconds)
        return FollowedSlice(
            index=index,
            state=state,
            box=segmentation.box,
            mask=segmentation.mask,
            maps=answer.maps,
            tolerance_mm_per_logit=tolerance_on_pixels(answer.contour, segmentation.mask.shape),
            soft_share=soft_share_of(answer.contour),
            verdict=judged[1],
            appearance=judged[0],
            origin=origin,
            origin_box=self._request.boxes[origin],
            seconds=seconds,
        )

    def _taken_over(self, index: int, origin: int) -> FollowedSlice | None:
        """The slice from the earlier result, where it was followed from the same box; all before it are then the same."""
        old = self._old.get(index)
        is_same = old is not None and old.origin == origin and old.origin_box == self._request.boxes[origin]
        return old if is_same else None

    def _trail(self, leg: Leg, last: int) -> Trail:
        """What the slices of a leg were, from its origin to the last one that was reached."""
        ordered = [self._done[index] for index in range(leg.origin, last + leg.direction, leg.direction)]
        found = [one.appearance for one in ordered if one.appearance is not None]
        return Trail(
            known=[found[0], *found[1:][-_REMEMBERED:]],
            before=ordered[-1].mask,
            evidence=ordered[-1].verdict.evidence,
            largest_px=max(one.area_px for one in ordered),
        )

    def _add(self, one: FollowedSlice, control: RunControl, on_slice: OnSlice | None) -> None:
        self._done[one.index] = one
        done, total = len(self._done), len(self._request.range)
        mean_s = sum(self._computed_s) / len(self._computed_s) if self._computed_s else None
        left = None if mean_s is None else mean_s * max(total - done, 0)
        control.at(Step.FOLLOWING).report(done, total)
        if on_slice is not None:
            on_slice(one, VolumeProgress(done, total, left))
        control.raise_if_cancelled()
