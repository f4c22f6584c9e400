"""Explaining what stands in the scene: when the user asks, and when box or slice move."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from medxai.results import SliceExplanation

from .failures import Failures, sentence_of
from .jobs import Job, Jobs
from .observed_state import ObservedState
from .organs import ExplainedOrgans
from .ports import ScenePort
from .snapshot import ChangedInput, ExplanationKey, MissingInput, SceneSnapshot, changed, key_of
from .state import Activity, Followed, Outcome
from .tasks import Tasks
from .worker import TaskContext

#: After this long without a live update the maps that are not seen are brought up to date too.
REST_SECONDS = 0.3

_Explained = tuple[SceneSnapshot, ExplanationKey, SliceExplanation, ExplainedOrgans | None]


class Explaining:
    """Looks at the scene, keeps its explanation up to date, and shows what comes of it."""

    def __init__(
        self,
        state: ObservedState,
        jobs: Jobs,
        failures: Failures,
        scene: ScenePort,
        tasks: Tasks,
        clock: Callable[[], float],
    ):
        self._state = state
        self._jobs = jobs
        self._failures = failures
        self._scene = scene
        self._tasks = tasks
        self._clock = clock
        self._asked: ExplanationKey | None = None
        #: What was cancelled or failed: not tried again until something changes.
        self._declined: ExplanationKey | None = None
        #: When the last live update came, if the maps that are not seen are still the ones before it.
        self._behind_since: float | None = None

    @property
    def has_maps_behind(self) -> bool:
        """Whether maps that are not seen still have to be brought up to date."""
        return self._behind_since is not None

    def look(self) -> None:
        """Takes in what stands in the scene now, and whether the explanation still fits it."""
        if not self._state.now.started:
            return
        method, explained = self._state.now.method, self._state.now.explained
        try:
            snapshot = self._scene.look(method)
        except Exception as error:
            snapshot = SceneSnapshot(lack=MissingInput.UNUSABLE, reason=sentence_of(error, "looking at the scene"))
        now = key_of(snapshot, method)
        stale: tuple[ChangedInput, ...] = ()
        if explained is not None:
            stale = changed(explained, now) if now else self._state.now.stale or _missing_part(snapshot)
        if now != self._declined:
            self._declined = None
        self._state.change(snapshot=snapshot, stale=stale)
        self._failures.review()

    def explain(self) -> None:
        """Explains what stands in the scene; nothing where that cannot be, the state's obstacles say why."""
        self.look()
        state = self._state.now
        if state.can_explain:
            self._state.change(outcome=Outcome.NONE, message="")
            self._start(Activity.EXPLAIN, state.snapshot, key_of(state.snapshot, state.method))

    def follow(self) -> None:
        """Starts a live update where the scene has moved on and the answer costs little."""
        state = self._state.now
        is_idle = not self._jobs.is_under_way and not state.obstacles
        if is_idle and state.stale and self._show_other_organ():
            return
        if not state.live or not is_idle or state.result is None or not state.stale:
            return  # a running live update may finish; the newest box comes next
        now = key_of(state.snapshot, state.method)
        if now == self._declined or _has_slice(state.followed, now, state.view.map_key):
            return
        if self._tasks.is_encoded(state.snapshot, now) or state.paces.is_fast(now.method.model_choice):
            self._start(Activity.LIVE, state.snapshot, now)

    def _show_other_organ(self) -> bool:
        """Another region was chosen that was explained together with the shown one; returns whether its maps are there."""
        state = self._state.now
        key = key_of(state.snapshot, state.method)
        result = state.organs.result_at(key) if state.organs is not None else None
        if result is not None:
            self._show(state.snapshot, key, result, self._scene.show)
        return result is not None

    def catch_up(self) -> bool:
        """Brings the unseen maps up to date once the box rests; returns whether it did."""
        if self._jobs.is_under_way or self._behind_since is None:
            return False
        if self._clock() - self._behind_since <= REST_SECONDS:
            return False
        self._behind_since = None
        state = self._state.now
        self._failures.guarded(self._scene.show, state.result, state.explained, state.view)
        return True

    def decline(self) -> None:
        """Live updates do not repeat what was cancelled."""
        self._declined = self._asked

    def forget(self) -> None:
        """The scene closes, or the explained volume is gone."""
        self._behind_since = self._declined = self._asked = None
        self._state.change(
            outcome=Outcome.NONE,
            message="",
            result=None,
            organs=None,
            explained=None,
            explained_snapshot=None,
            stale=(),
            snapshot=SceneSnapshot(),
        )

    def _start(self, activity: Activity, snapshot: SceneSnapshot, key: ExplanationKey) -> None:
        tasks = self._tasks
        has_preview = activity is Activity.EXPLAIN and self._state.now.paces.needs_preview(key.method.model_choice)

        def run(context: TaskContext) -> _Explained:
            def hand_over(preview: SliceExplanation) -> None:
                context.hand_over((snapshot, key, preview))

            on_preview = hand_over if has_preview else None
            if activity is Activity.EXPLAIN and len(snapshot.together) > 1:
                organs = tasks.explain_organs(snapshot, key, context.control, on_preview)
                return snapshot, key, organs.result_at(key), organs
            return snapshot, key, tasks.explain(snapshot, key, context.control, on_preview), None

        def failed(_error: BaseException) -> bool:
            self._declined = key
            return True

        self._asked = key
        self._jobs.start(Job(activity, run, lambda value: self._take(activity, *value), self._take_preview, failed))

    def _take_preview(self, value: tuple[SceneSnapshot, ExplanationKey, SliceExplanation]) -> None:
        self._show(*value, self._scene.show)

    def _take(
        self,
        activity: Activity,
        snapshot: SceneSnapshot,
        key: ExplanationKey,
        explanation: SliceExplanation,
        organs: ExplainedOrgans | None,
    ) -> None:
        paces, live, before = self._state.now.paces, activity is Activity.LIVE, self._state.now.organs
        if live and before is not None:
            organs = before.with_result(key, explanation)
        if explanation.encoding.is_new:
            paces = paces.with_slice(key.method.model_choice, explanation.encoding.seconds)
        self._declined = None
        changes = {"running": None, "outcome": Outcome.DONE, "message": "", "paces": paces, "organs": organs}
        if organs is not before:
            self._failures.guarded(self._scene.show_organs, organs, key)
        self._show(snapshot, key, explanation, self._scene.show_live if live else self._scene.show, **changes)
        # While the box moves only the shown map follows; the rest is brought up to date when it rests.
        self._behind_since = self._clock() if live else None

    def _show(
        self,
        snapshot: SceneSnapshot,
        key: ExplanationKey,
        explanation: SliceExplanation,
        show: Callable,
        **changes: Any,
    ) -> None:
        self._behind_since = None
        shown = {"result": explanation, "explained": key, "explained_snapshot": snapshot, "is_followed_newer": False}
        self._state.change(stale=(), **shown, **changes)
        self._failures.guarded(show, explanation, key, self._state.now.view)


def _has_slice(followed: Followed | None, key: ExplanationKey, map_key: str) -> bool:
    """Whether the reader scrolls through the map of an organ that was followed: box and method are the same since."""
    if followed is None or replace(followed.key, slice_key=key.slice_key) != key:
        return False
    plane, index = key.slice_key
    result = followed.result
    is_slice = plane == result.request.on_slice.image.plane and result.slice(index) is not None
    return is_slice and map_key in {map_id.key for map_id in result.map_ids}


def _missing_part(snapshot: SceneSnapshot) -> tuple[ChangedInput, ...]:
    """What has changed where the scene lacks something now: its volume, or its box."""
    return (ChangedInput.VOLUME,) if snapshot.volume_key is None else (ChangedInput.BOX,)
