"""One immutable picture of where the work stands; a front end only shows it."""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from .choices import MapKind, MethodChoices, ViewChoices
from .model_list import ModelStatus
from .situation import Aspect, Lack, Sight, Situation

if TYPE_CHECKING:
    from medxai.engine import SliceExplanation


class Step(str, Enum):
    """What the worker is at."""

    STARTING = "starting"
    LOADING = "loading"
    PREPARING = "preparing"
    PREVIEWING = "previewing"
    ENCODING = "encoding"
    EXPLAINING = "explaining"
    DOWNLOADING = "downloading"
    EXPORTING = "exporting"


class Activity(str, Enum):
    """Why the worker works."""

    START = "start"
    EXPLAIN = "explain"
    LIVE = "live"
    COMPARE = "compare"
    AHEAD = "ahead"
    DOWNLOAD = "download"
    EXPORT = "export"


class Obstacle(str, Enum):
    """Why Explain cannot be pressed; the first one is what the user should see to first."""

    STARTING = "starting"
    PACKAGES = "packages"
    VOLUME = "volume"
    REGION = "region"
    UNUSABLE = "unusable"
    WEIGHTS = "weights"


class Outcome(str, Enum):
    """How the last work ended."""

    NONE = "none"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Phase(str, Enum):
    """The state in one word."""

    NOT_READY = "not ready"
    READY = "ready"
    RUNNING = "running"
    CANCELLED = "cancelled"
    FAILED = "failed"
    STALE = "stale"
    RESULT = "result"


@dataclass(frozen=True)
class Running:
    """Work under way. since: the controller's clock when it began, in seconds. total: 0 where unknown."""

    activity: Activity
    since: float
    step: Step = Step.STARTING
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class State:
    """Where the work stands.

    look_ahead: whether idle time goes to the slices around. comparisons: other methods that are installed. missing: packages that are not installed. message: what the last work had to say (why it failed, where a file lies).
    result: the explanation that is shown, which may be a preview; explained: its situation. stale: in what the scene has moved on since.
    encode_seconds: how long the last new slice took, by `MethodChoices.engine`.
    """

    method: MethodChoices = MethodChoices()
    view: ViewChoices = ViewChoices()
    live: bool = True
    look_ahead: bool = False
    sight: Sight = field(default_factory=Sight)
    models: tuple[ModelStatus, ...] = ()
    started: bool = False
    missing: tuple[str, ...] = ()
    comparisons: tuple[MapKind, ...] = ()
    running: Running | None = None
    outcome: Outcome = Outcome.NONE
    message: str = ""
    result: "SliceExplanation | None" = None
    explained: Situation | None = None
    stale: tuple[Aspect, ...] = ()
    encode_seconds: tuple[tuple[tuple[str, str, str], float], ...] = ()

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """All that keeps Explain from being pressed."""
        if self.missing:
            return (Obstacle.PACKAGES,)
        if not self.started:
            return (Obstacle.STARTING,)
        lack = {Lack.VOLUME: Obstacle.VOLUME, Lack.REGION: Obstacle.REGION, Lack.UNUSABLE: Obstacle.UNUSABLE}.get(
            self.sight.lack
        )
        model = self.model
        weights = Obstacle.WEIGHTS if model is None or not model.is_here else None
        return tuple(obstacle for obstacle in (lack, weights) if obstacle)

    @property
    def model(self) -> ModelStatus | None:
        """The chosen model; None where the list does not know it."""
        return next((model for model in self.models if model.name == self.method.model), None)

    @property
    def is_busy(self) -> bool:
        """Whether work that the user asked for is under way; what goes on by itself does not count."""
        by_itself = (Activity.START, Activity.LIVE, Activity.COMPARE, Activity.AHEAD)
        return self.running is not None and self.running.activity not in by_itself

    @property
    def is_starting(self) -> bool:
        """Whether it is being looked into what is installed."""
        return self.running is not None and self.running.activity is Activity.START

    @property
    def can_explain(self) -> bool:
        return not self.obstacles and not self.is_busy

    @property
    def can_export(self) -> bool:
        """Whether what is shown may leave the panel: a full result, and nothing under way."""
        return self.result is not None and not self.result.is_preview and not self.is_busy

    @property
    def can_cancel(self) -> bool:
        return self.is_busy

    @property
    def seconds_for_new_slice(self) -> float | None:
        """How long the chosen model took for its last new slice; None where it has not run yet."""
        return dict(self.encode_seconds).get(self.method.engine)

    @property
    def phase(self) -> Phase:
        if self.is_busy:
            return Phase.RUNNING
        if self.outcome is Outcome.FAILED:
            return Phase.FAILED
        if self.outcome is Outcome.CANCELLED:
            return Phase.CANCELLED
        if self.result is not None:
            return Phase.STALE if self.stale else Phase.RESULT
        return Phase.NOT_READY if self.obstacles else Phase.READY
