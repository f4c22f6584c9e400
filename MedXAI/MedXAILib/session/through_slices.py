"""The organ in the box, followed through the slices of the volume: when the user asks, and on from where it was."""

from dataclasses import replace
from typing import Any

import numpy as np

from medxai.maps import MEDXAI, OWN_MAP_KEYS, STAGE3, MapId
from medxai.organ_codes import Organ
from medxai.slice.box import PixelBox
from medxai.through_slices.drift_alarm import StopReason
from medxai.through_slices.legs import slices_that_hold
from medxai.through_slices.request import VolumeRequest
from medxai.through_slices.volume_result import FollowedSlice, Stop, VolumeProgress, VolumeResult, alarms_of

from .failures import Failures
from .jobs import Job, Jobs
from .observed_state import ObservedState
from .ports import ScenePort
from .snapshot import ExplanationKey, key_of
from .state import Activity, Followed, Outcome
from .tasks import Tasks
from .worker import TaskContext

#: A box that holds at least this share of the mask that it is near to is another box around the same organ.
_SAME_ORGAN = 0.5


class ThroughSlices:
    """Follows an organ on the worker, keeps whole slices of what was cancelled, and shows what comes of it."""

    def __init__(self, state: ObservedState, jobs: Jobs, failures: Failures, scene: ScenePort, tasks: Tasks):
        self._state = state
        self._jobs = jobs
        self._failures = failures
        self._scene = scene
        self._tasks = tasks
        self._asked: tuple[ExplanationKey, VolumeRequest, Organ] | None = None
        self._slices: dict[int, FollowedSlice] = {}
        #: Whether what was asked last goes on from the organ that is there.
        self._goes_on = False

    def follow(self) -> None:
        """Follows the organ from the box on the shown slice; the state says whether that can be.

        Where the same organ was followed before, its slices are taken over: all where nothing has changed, and those that
        a moved or a further box does not concern.
        """
        state = self._state.now
        if not state.can_follow:
            return
        key = key_of(state.snapshot, state.method)
        request = self._tasks.volume_request(state.snapshot, key, _maps_of(state.view.map_key))
        before = state.followed
        went_on = gone_on(before, key, request) if before is not None else None
        so_far = before.result if before is not None and went_on is not None else None
        self._goes_on = so_far is not None
        self._start((key, went_on or request, state.snapshot.organ), so_far)

    def keep_slices(self) -> None:
        """The user cancels: the slices that are done stay, and are shown as soon as the worker has a moment.

        Slices of before that still hold stay, too; and the whole organ of before does where that would be more of it.
        """
        if self._asked is None or not self._slices:
            return
        key, request, organ = self._asked
        before = self._state.now.followed if self._goes_on else None
        earlier = before.result.slices if before is not None else ()
        slices = slices_that_hold(request, [*earlier, *self._slices.values()])
        if before is not None and sum(not one.is_alarm for one in slices) < len(before.result.accepted):
            return
        cancelled = Stop(slices[-1].index, 1, StopReason.CANCELLED)
        kept = VolumeResult(request, slices, (*alarms_of(slices), cancelled), None, (), 0.0)
        followed = Followed(key, kept, organ)
        self._state.change(followed=followed, is_followed_newer=True)

        def run(_context: TaskContext) -> Any:
            return self._scene.prepare_followed(kept)

        self._jobs.start(Job(Activity.SHOW_SLICES, run, lambda prepared: self._show(followed, prepared, running=None)))

    def forget(self) -> None:
        """The scene closes, or the volume is gone."""
        self._asked, self._slices = None, {}
        self._state.change(followed=None, is_followed_newer=False)

    def _start(self, asked: tuple[ExplanationKey, VolumeRequest, Organ], so_far: VolumeResult | None) -> None:
        tasks, scene = self._tasks, self._scene
        key, request, organ = asked
        self._asked, self._slices = asked, {}
        self._state.change(outcome=Outcome.NONE, message="")

        def run(context: TaskContext) -> tuple[VolumeResult, Any]:
            def hand_over(one: FollowedSlice, progress: VolumeProgress) -> None:
                context.hand_over((one, progress))

            result = tasks.follow(request, so_far, context.control, hand_over)
            return result, scene.prepare_followed(result)

        def take(found: tuple[VolumeResult, Any]) -> None:
            result, prepared = found
            self._show(Followed(key, result, organ), prepared, running=None, outcome=Outcome.DONE, message="")

        self._jobs.start(Job(Activity.FOLLOW, run, take, self._take_slice))

    def _take_slice(self, found: tuple[FollowedSlice, VolumeProgress]) -> None:
        one, progress = found
        self._slices[one.index] = one
        running = self._state.now.running
        self._state.change(running=replace(running, seconds_left=progress.seconds_left))

    def _show(self, followed: Followed, prepared: Any, **changes: Any) -> None:
        self._state.change(followed=followed, is_followed_newer=True, **changes)
        self._failures.guarded(self._scene.show_followed, prepared, followed.key, self._state.now.view)


def _maps_of(map_key: str) -> tuple[MapId, ...]:
    """Stage 3, and the map that is looked at where it is one of MedXAI's own."""
    looked_at = MapId.parse(map_key)
    is_own = looked_at.explainer == MEDXAI and looked_at.map in OWN_MAP_KEYS
    return tuple(dict.fromkeys([*([looked_at] if is_own else []), STAGE3.at("")]))


def gone_on(before: Followed, key: ExplanationKey, request: VolumeRequest) -> VolumeRequest | None:
    """The earlier request with the box of the shown slice changed or added, in the range that is asked for now.

    None where something else is asked.

    Args:
        before: What was followed.
        key: What is asked now depends on.
        request: What is asked now.
    """
    old = before.result.request
    same = replace(request, maps=old.maps)
    is_same_scene = before.key.volume_key == key.volume_key and _region_of(before.key) == _region_of(key)
    if not is_same_scene or old.on_slice.volume is not request.on_slice.volume or old.question != same.question:
        return None
    asked = replace(old, first=request.first, last=request.last)
    is_deep = request.first is not None  # else the region reaches the shown slice only, and is a box on that slice
    is_known = request.box in old.boxes.values() if is_deep else old.boxes.get(request.start) == request.box
    if not is_known:
        if request.start not in asked.range or not is_around(before.result, request.start, request.box):
            return None
        asked = asked.with_box(request.start, request.box)
    if asked.start not in asked.range:
        return None
    others = {index: box for index, box in asked.other_boxes.items() if index in asked.range}
    return replace(asked, other_boxes=others)


def is_around(result: VolumeResult, index: int, box: PixelBox) -> bool:
    """Whether a box on a slice is around the organ that was followed: it holds most of the nearest slice's mask.

    Args:
        result: What was followed.
        index: The slice's voxel index.
        box: On it, in pixels.
    """
    accepted = [one for one in result.accepted if one.mask.any()]
    if not accepted:
        return False
    mask = min(accepted, key=lambda one: abs(one.index - index)).mask
    return bool(np.count_nonzero(mask & box.mask(mask.shape)) >= _SAME_ORGAN * np.count_nonzero(mask))


def _region_of(key: ExplanationKey) -> Any:
    """The region that a key was made from, as the scene names it."""
    return getattr(key.origin, "roi", None)
