"""The rules of the panel without a panel: what can be done now, what happens then, and what is shown after it."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medxai.errors import Cancelled, MedXAIError

from .choices import MapKind, MethodChoices, ViewChoices
from .figures import has_map
from .idle import IdleTime
from .model_list import model_statuses, preferred
from .ports import ScenePort
from .situation import Aspect, Lack, Sight, Situation, changed, situation_of
from .state import Activity, Outcome, Running, State, Step
from .worker import Broke, Event, HandedOver, Hands, Progress, Worker
from .workshop import Workshop

if TYPE_CHECKING:
    from medxai.engine import SliceExplanation

Observer = Callable[[State, State], None]
"""Called on the main thread with the new state and the one before."""

#: A model that needs less than this for a new slice follows the slice on its own.
FAST_SECONDS = 1.0
#: A model that needs more than this for a new slice, or has not shown what it needs, gives a preview first.
PREVIEW_SECONDS = 3.0
#: After this long without a live update the maps that are not seen are brought up to date too.
REST_SECONDS = 0.3


class Controller:
    """Holds the state, starts and stops the work, and takes in what the worker has done.

    Everything is called from the main thread. `tick` is to be called every few hundredths of a second while
    `wants_ticks`; it is the only place where the worker's results, and changes of the scene, are taken in.
    """

    def __init__(
        self,
        scene: ScenePort,
        workshop: Workshop | None = None,
        worker: Worker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._scene = scene
        self._workshop = workshop or Workshop()
        self._worker = worker or Worker()
        self._clock = clock
        self._state = State()
        self._observers: list[Observer] = []
        self._task: int | None = None
        self._task_situation: Situation | None = None
        #: What was cancelled or failed: not tried again until something changes.
        self._declined: Situation | None = None
        self._is_dirty = True
        #: When the last live update came, if the maps that are not seen are still the ones before it.
        self._behind_since: float | None = None
        self._idle = IdleTime(clock)
        #: The result for which another method's map could not be made: not tried again.
        self._incomparable: SliceExplanation | None = None
        self._is_closed = False

    # What a front end reads.

    @property
    def state(self) -> State:
        return self._state

    @property
    def workshop(self) -> Workshop:
        return self._workshop

    @property
    def wants_ticks(self) -> bool:
        """Whether there is anything that a tick would take in, or a worker that has to be given time."""
        has_use = (
            self._is_dirty
            or self._behind_since is not None
            or self._lacks_comparison
            or self._idle.has_use(self._state)
        )
        return not self._is_closed and (has_use or self.is_working)

    @property
    def is_working(self) -> bool:
        """Whether the worker's thread has anything to do, also to notice that it was cancelled."""
        return self._task is not None or not self._worker.is_idle

    @property
    def elapsed_seconds(self) -> float:
        """Since the work under way began; 0 where there is none."""
        running = self._state.running
        return self._clock() - running.since if running else 0.0

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Calls the observer after every change of the state; returns what ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer) if observer in self._observers else None

    # What a user does.

    def start(self) -> None:
        """Looks, off the main thread, whether all that is needed is installed; again after an installation."""
        if self._is_closed or self._state.is_busy:
            return
        self._set(started=False, missing=())
        self.list_models()
        self._submit(Activity.START, lambda hands: self._workshop.start(hands.report))

    def choose_method(self, method: MethodChoices) -> None:
        """Takes over what decides the maps; a live update or a stale result follows from it.

        An empty model is the best one whose weights are here.
        """
        if not method.model:
            method = replace(method, model=preferred(self._state.models))
        if method != self._state.method:
            self._user_acts()
            self._is_dirty = True  # before observers hear of it, so that they see that ticks are wanted
            self._set(method=method)
            self.list_models()

    def choose_view(self, view: ViewChoices) -> None:
        """Takes over how the maps are looked at, and shows them so at once."""
        if view != self._state.view:
            self._user_acts()
            self._set(view=view)
            self._restyle()

    def choose_live(self, live: bool) -> None:
        """Whether dragging the box updates the maps."""
        if live != self._state.live:
            self._user_acts()
            self._is_dirty = True
            self._set(live=live)

    def choose_look_ahead(self, look_ahead: bool) -> None:
        """Whether idle time goes to the slices around the one that was explained."""
        if look_ahead != self._state.look_ahead:
            self._user_acts()
            self._set(look_ahead=look_ahead)

    def explain(self) -> None:
        """Explains what stands in the scene now; nothing where it cannot be, the state's obstacles say why."""
        self._look()
        if not self._state.can_explain:
            return
        situation = situation_of(self._state.sight, self._state.method)
        self._set(outcome=Outcome.NONE, message="")
        self._explain(Activity.EXPLAIN, self._state.sight, situation)

    def download(self, name: str) -> None:
        """Fetches a registered model's weights; also before the packages are installed, but not while that is looked into."""
        if self._state.is_busy or self._state.is_starting or self._is_closed:
            return
        self._set(outcome=Outcome.NONE, message="")
        self._submit(Activity.DOWNLOAD, lambda hands: self._workshop.download(name, hands.report, hands.is_cancelled))

    def export(self, folder: str) -> None:
        """Writes panels, report and volumes of the shown explanation into a folder; never of a preview."""
        if not self._state.can_export or self._is_closed:
            return
        self._set(outcome=Outcome.NONE, message="")
        write = self._guarded(self._scene.exporter, self._state.result, self._state.explained, folder)
        if write is not None:
            self._submit(Activity.EXPORT, lambda hands: (hands.report(Step.EXPORTING, 0, 0), write())[1])

    def cancel(self) -> None:
        """Stops what the user asked for; ready again at once, though the worker may need to the end of its block.

        A preview that is shown already stays, marked as one: what was there before it has been written over.
        """
        if self._state.can_cancel:
            self._declined = self._task_situation
            self._drop_task()
            self._is_dirty = True
            self._set(running=None, outcome=Outcome.CANCELLED, message="")

    def free_memory(self) -> None:
        """Drops the loaded model and all encodings; the next Explain makes them again, idle time does not."""
        self._user_acts()
        self._workshop.free()

    def set_memory_budget(self, budget_bytes: int) -> None:
        """Memory for encoded slices from now on; those that no longer fit are dropped at once, the oldest first."""
        self._user_acts()
        self._workshop.set_budget(budget_bytes)
        self._idle.again()

    def remove_weights(self, name: str) -> None:
        """Deletes a model's downloaded weights."""
        self._guarded(self._workshop.remove_download, name)
        self.list_models()

    def report_failure(self, reason: str) -> None:
        """Something that a front end tried itself did not work; said where all failures are."""
        self._set(outcome=Outcome.FAILED, message=reason)

    def list_models(self) -> None:
        """Looks again which weights are here; a choice that the registry does not know is a file."""
        models = model_statuses(self._workshop.store, self._state.method.model)
        if models != self._state.models:
            self._set(models=models)

    # What happens in the scene.

    def scene_changed(self) -> None:
        """Something in the scene may have changed; looked at in the next tick, so that a burst costs one look."""
        self._user_acts()
        self._is_dirty = True

    def forget(self) -> None:
        """The scene closes: stops all work and drops everything that belonged to it."""
        if not self._state.is_starting:
            self._drop_task()
            self._set(running=None)
        self._behind_since = self._declined = self._incomparable = None
        self._is_dirty = True
        self._set(outcome=Outcome.NONE, message="", result=None, explained=None, stale=(), sight=Sight())

    def close(self, timeout_s: float = 0.0) -> bool:
        """Ends for good; returns whether the worker has stopped already. Further calls do nothing."""
        self._is_closed = True
        self._observers.clear()
        self._task = None
        return self._worker.close(timeout_s)

    def tick(self) -> None:
        """Takes in what the worker has done and what has changed in the scene."""
        if self._is_closed:
            return
        for event in self._worker.poll():
            if event.task == self._task:
                self._take_in(event)
        if self._task is not None and self._worker.is_idle and not self._worker_has_news():
            self._fail(RuntimeError("the worker stopped without a word"))
        if self._is_dirty:
            self._look()
            self._follow()
        elif (
            self._task is None and self._behind_since is not None and self._clock() - self._behind_since > REST_SECONDS
        ):
            self._behind_since = None
            self._guarded(self._scene.show, self._state.result, self._state.explained, self._state.view)
        elif self._lacks_comparison:
            self._compare()
        elif self._idle.has_come(self._state):
            self._look_ahead()

    # How it is done.

    def _user_acts(self) -> None:
        """Work that nobody asked for stops at once, and waits for the next rest."""
        self._idle.begin_rest()
        if self._state.running is not None and self._state.running.activity is Activity.AHEAD:
            self._drop_task()
            self._set(running=None)

    def _set(self, **changes: Any) -> None:
        before, self._state = self._state, replace(self._state, **changes)
        for observer in tuple(self._observers):
            observer(self._state, before)

    def _look(self) -> None:
        self._is_dirty = False
        if not self._state.started:
            return
        try:
            sight = self._scene.look(self._state.method)
        except Exception as error:
            sight = Sight(lack=Lack.UNUSABLE, reason=_sentence(error, "looking at the scene"))
        now = situation_of(sight, self._state.method)
        explained = self._state.explained
        changes: dict[str, Any] = {"sight": sight, "stale": ()}
        if explained is not None:
            changes["stale"] = changed(explained, now) if now else self._state.stale or _missing_aspect(sight)
        if self._declined is not None and now != self._declined:
            # What was cancelled or failed is no longer what stands there, so its message would only confuse.
            self._declined = None
            changes.update(outcome=Outcome.NONE, message="")
        self._set(**changes)

    def _follow(self) -> None:
        """Starts a live update where the scene has moved on and the answer costs little."""
        state = self._state
        if not state.live or self._task is not None or state.obstacles or state.result is None or not state.stale:
            return  # a live update that is under way is let finish; the newest box then follows it
        now = situation_of(state.sight, state.method)
        if now == self._declined:
            return
        if self._workshop.is_encoded(now) or self._is_fast(now):
            self._explain(Activity.LIVE, state.sight, now)

    def _is_fast(self, now: Situation) -> bool:
        seconds = dict(self._state.encode_seconds).get(now.method.engine)
        return seconds is not None and seconds < FAST_SECONDS

    def _explain(self, activity: Activity, sight: Sight, situation: Situation) -> None:
        workshop = self._workshop
        seconds = dict(self._state.encode_seconds).get(situation.method.engine, float("inf"))
        has_preview = activity is Activity.EXPLAIN and seconds > PREVIEW_SECONDS

        def run(hands: Hands) -> "tuple[Situation, SliceExplanation]":
            preview = (lambda explanation: hands.hand_over((situation, explanation))) if has_preview else None
            return situation, workshop.explain(sight, situation, hands.report, hands.is_cancelled, preview)

        self._submit(activity, run)
        self._task_situation = situation

    @property
    def _lacks_comparison(self) -> bool:
        """Whether another method's map is looked at that is not there yet, and can be made now."""
        state, kind, result = self._state, self._state.view.kind, self._state.result
        if not kind.is_comparison or kind not in state.comparisons or state.running is not None:
            return False
        return (
            result is not None
            and result is not self._incomparable
            and not result.is_preview
            and not has_map(result, kind)
        )

    def _compare(self) -> None:
        workshop, result, kind = self._workshop, self._state.result, self._state.view.kind
        self._submit(Activity.COMPARE, lambda hands: (result, kind, workshop.compare(result, kind)))

    def _take_comparison(self, result: "SliceExplanation", kind: MapKind, values: np.ndarray) -> None:
        self._set(running=None, result=replace(result, comparisons={**result.comparisons, kind.value: values}))
        self._restyle()

    def _look_ahead(self) -> None:
        workshop, sight, situation = self._workshop, self._state.sight, self._state.explained
        self._submit(Activity.AHEAD, lambda hands: workshop.look_ahead(sight, situation, hands.is_cancelled))

    def _submit(self, activity: Activity, run: Callable[[Hands], Any]) -> None:
        if self._is_closed:
            return
        self._task_situation = None
        if self._task is not None:
            self._worker.cancel()
        self._task = self._worker.submit(run)
        self._set(running=Running(activity, self._clock()))

    def _drop_task(self) -> None:
        self._worker.cancel()
        self._task = self._task_situation = None

    def _worker_has_news(self) -> bool:
        events = [event for event in self._worker.poll() if event.task == self._task]
        for event in events:
            self._take_in(event)
        return bool(events)

    def _take_in(self, event: Event) -> None:
        running = self._state.running
        if isinstance(event, Progress):
            self._set(running=replace(running, step=event.step, done=event.done, total=event.total))
            return
        self._is_dirty = True
        if isinstance(event, HandedOver):
            self._show_explanation(*event.value, self._scene.show)
            return
        situation = self._task_situation
        self._task = self._task_situation = None
        if running.activity is Activity.AHEAD:
            self._take_look_ahead(event)
        elif isinstance(event, Broke):
            self._incomparable = self._state.result if running.activity is Activity.COMPARE else self._incomparable
            self._declined = situation
            self._fail(event.error)
        elif running.activity is Activity.START:
            found = event.value
            self._set(running=None, started=not found.missing, missing=found.missing, comparisons=found.comparisons)
            self._restyle()  # what a loaded scene holds, in case another look was chosen meanwhile
        elif running.activity in (Activity.EXPLAIN, Activity.LIVE):
            self._take_explanation(running.activity, *event.value)
        elif running.activity is Activity.COMPARE:
            self._take_comparison(*event.value)
        else:
            self._set(running=None, outcome=Outcome.DONE, message=str(event.value))
            self.list_models()

    def _take_explanation(self, activity: Activity, situation: Situation, explanation: "SliceExplanation") -> None:
        seconds = dict(self._state.encode_seconds)
        if explanation.encoded_now:
            seconds[situation.method.engine] = explanation.encoding.seconds
        live = activity is Activity.LIVE
        self._declined = None
        changes = {"running": None, "outcome": Outcome.DONE, "message": "", "encode_seconds": tuple(seconds.items())}
        self._show_explanation(situation, explanation, self._scene.show_live if live else self._scene.show, **changes)
        # While the box moves only the shown map follows; the rest is brought up to date when it rests.
        self._behind_since = self._clock() if live else None

    def _show_explanation(
        self, situation: Situation, explanation: "SliceExplanation", show: Callable, **changes: Any
    ) -> None:
        self._behind_since = None
        self._idle.begin_rest()
        self._set(result=explanation, explained=situation, stale=(), **changes)
        self._guarded(show, explanation, situation, self._state.view)

    def _take_look_ahead(self, event: Event) -> None:
        if isinstance(event, Broke):  # nobody asked for it, so nobody is told; the log has it
            _sentence(event.error, "looking ahead")
        self._idle.done(self._state)
        self._set(running=None)

    def _fail(self, error: BaseException) -> None:
        self._task = self._task_situation = None
        activity = self._state.running.activity if self._state.running else None
        if isinstance(error, Cancelled):
            self._set(running=None, outcome=Outcome.CANCELLED, message="")
            return
        sentence = _sentence(error, activity.value if activity else "work")
        # Packages that are there but cannot be imported are as good as missing.
        changes: dict[str, Any] = {"missing": ("torch",)} if activity is Activity.START else {}
        self._set(running=None, outcome=Outcome.FAILED, message=sentence, **changes)

    def _restyle(self) -> None:
        if self._state.started:  # the scene's maps need the packages
            self._guarded(self._scene.restyle, self._state.result, self._state.explained, self._state.view)

    def _guarded(self, call: Callable, *arguments: Any) -> Any:
        """What the scene or the disk raises becomes a failure that the user can read; the panel stays usable."""
        try:
            return call(*arguments)
        except Exception as error:
            self._set(outcome=Outcome.FAILED, message=_sentence(error, "showing or writing"))
            return None


def _missing_aspect(sight: Sight) -> tuple[Aspect, ...]:
    """What has changed where the scene lacks something now: its volume, or its box."""
    return (Aspect.VOLUME,) if sight.volume_key is None else (Aspect.BOX,)


def _sentence(error: BaseException, while_doing: str) -> str:
    """What the user reads; an error that nobody foresaw goes into the log in full."""
    if isinstance(error, MedXAIError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory; close other programs or choose a smaller model."
    logging.getLogger(__name__).error("MedXAI: %s failed", while_doing, exc_info=error)
    return (
        f"Something unexpected went wrong ({type(error).__name__}: {error}); the details are in the application's log."
    )
