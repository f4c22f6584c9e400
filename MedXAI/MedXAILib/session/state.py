"""One immutable picture of where the work stands; a front end only shows it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from medxai.map_view import ViewChoices
from medxai.maps import CONTOUR, OWN_MAPS_SHOWN, STAGE3, MapInfo
from medxai.models.default_model import FIRST_DOWNLOAD, LAST_RESORT
from medxai.organ_codes import UNNAMED, Organ
from medxai.progress import Step
from medxai.results import SliceExplanation

from .choices import MethodChoices
from .model_list import ModelStatus
from .organs import ExplainedOrgans
from .pace import Paces
from .snapshot import ChangedInput, ExplanationKey, MissingInput, SceneSnapshot

if TYPE_CHECKING:
    from medxai.through_slices.volume_result import VolumeResult


class Activity(StrEnum):
    """Why the worker works."""

    START = "start"
    EXPLAIN = "explain"
    LIVE = "live"
    COMPARE = "compare"
    CHECK = "check"
    AHEAD = "ahead"
    DOWNLOAD = "download"
    EXPORT = "export"
    FOLLOW = "following the organ"
    SHOW_SLICES = "showing the slices"


class Obstacle(StrEnum):
    """Why Explain cannot be pressed; the first one is what the user should see to first."""

    STARTING = "starting"
    PACKAGES = "packages"
    VOLUME = "volume"
    REGION = "region"
    UNUSABLE = "unusable"
    WEIGHTS = "weights"


class Outcome(StrEnum):
    """How the last work ended."""

    NONE = "none"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Phase(StrEnum):
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
    """Work under way.

    Attributes:
        activity: Why.
        since: The controller's clock when it began, in seconds.
        step: What it is at.
        done, total: Parts; total is 0 where unknown.
        seconds_left: At most, where it can be told.
    """

    activity: Activity
    since: float
    step: Step = Step.STARTING
    done: int = 0
    total: int = 0
    seconds_left: float | None = None


@dataclass(frozen=True, eq=False)
class Followed:
    """An organ that was followed through the slices.

    Attributes:
        key: What it depends on; its origin names volume and region.
        result: Its slices, and where and why the way ended.
        organ: What it is, as far as its region's name says so.
    """

    key: ExplanationKey
    result: "VolumeResult"
    organ: Organ = UNNAMED


@dataclass(frozen=True)
class State:
    """Where the work stands.

    Attributes:
        method: How maps are made.
        view: How they are looked at.
        live: Whether dragging the box updates the maps.
        look_ahead: Whether idle time goes to the slices around.
        snapshot: What stands in the scene.
        models: What can be chosen.
        started: Whether all that is needed is installed and imported.
        missing: Packages that are not installed.
        comparisons: Maps of other explainers that can be made here.
        running: The work under way.
        outcome: How the last work ended.
        message: What the last work had to say: why it failed, where a file lies.
        result: The explanation that is shown, which may be a preview.
        explained: What the result depends on.
        explained_snapshot: The scene that it was made from.
        organs: Several organs that were last explained in one go; None where it was one box.
        followed: The organ that was last followed through the slices.
        is_followed_newer: Whether it is newer than the result, and so what the view shows of its maps.
        stale: In what the scene has moved on since.
        paces: How long new slices took lately.
    """

    method: MethodChoices = field(default_factory=MethodChoices)
    view: ViewChoices = field(default_factory=ViewChoices)
    live: bool = True
    look_ahead: bool = False
    snapshot: SceneSnapshot = field(default_factory=SceneSnapshot)
    models: tuple[ModelStatus, ...] = ()
    started: bool = False
    missing: tuple[str, ...] = ()
    comparisons: tuple[MapInfo, ...] = ()
    running: Running | None = None
    outcome: Outcome = Outcome.NONE
    message: str = ""
    result: SliceExplanation | None = None
    explained: ExplanationKey | None = None
    explained_snapshot: SceneSnapshot | None = None
    organs: ExplainedOrgans | None = None
    followed: Followed | None = None
    is_followed_newer: bool = False
    stale: tuple[ChangedInput, ...] = ()
    paces: Paces = field(default_factory=Paces)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """All that keeps Explain from being pressed."""
        if self.missing:
            return (Obstacle.PACKAGES,)
        if not self.started:
            return (Obstacle.STARTING,)
        lack = {
            MissingInput.VOLUME: Obstacle.VOLUME,
            MissingInput.REGION: Obstacle.REGION,
            MissingInput.UNUSABLE: Obstacle.UNUSABLE,
        }.get(self.snapshot.lack)
        model = self.model
        weights = Obstacle.WEIGHTS if model is None or not model.is_here else None
        return tuple(obstacle for obstacle in (lack, weights) if obstacle)

    @property
    def map_info(self) -> MapInfo:
        """What users are told of the chosen map."""
        known = (CONTOUR, *OWN_MAPS_SHOWN, *self.comparisons)
        return next((info for info in known if info.key == self.view.map_key), STAGE3)

    @property
    def model(self) -> ModelStatus | None:
        """The chosen model; None where the list does not know it."""
        return next((model for model in self.models if model.name == self.method.model), None)

    @property
    def offered_model(self) -> ModelStatus | None:
        """The real model that is best fetched first, where only the demo model is here; None otherwise."""
        first = next((model for model in self.models if model.name == FIRST_DOWNLOAD and model.can_download), None)
        is_only_demo = self.method.model == LAST_RESORT and not any(
            m.is_here and m.name != LAST_RESORT for m in self.models
        )
        return first if is_only_demo else None

    @property
    def is_busy(self) -> bool:
        """Whether work that the user asked for is under way; what goes on by itself does not count."""
        by_itself = (
            Activity.START,
            Activity.LIVE,
            Activity.COMPARE,
            Activity.CHECK,
            Activity.AHEAD,
            Activity.SHOW_SLICES,
        )
        return self.running is not None and self.running.activity not in by_itself

    @property
    def is_starting(self) -> bool:
        """Whether the check of what is installed is running."""
        return self.running is not None and self.running.activity is Activity.START

    @property
    def can_explain(self) -> bool:
        return not self.obstacles and not self.is_busy

    @property
    def shown_organs(self) -> ExplainedOrgans | None:
        """The organs that belong to what is shown: one of them is the result."""
        return self.organs if self.organs is not None and self.organs.holds(self.result) else None

    @property
    def shown_followed(self) -> Followed | None:
        """The organ through the slices where its map is what the view shows; None where a map of one slice is."""
        if self.followed is None or not self.is_followed_newer or self.view.side_by_side:
            return None
        has_map = any(map_id.key == self.view.map_key for map_id in self.followed.result.map_ids)
        return self.followed if has_map or self.result is None else None

    @property
    def moved_organs(self) -> tuple[str, ...]:
        """Names of the shown organs whose boxes were moved, or taken away, since they were explained."""
        shown = self.shown_organs
        if shown is None or self.stale:
            return ()
        now = {one.origin: one.box.box for one in self.snapshot.boxes}
        pairs = zip(shown.keys, shown.organs, strict=True)
        return tuple(one.organ.name for key, one in pairs if now.get(key.origin) != key.box)

    @property
    def can_follow(self) -> bool:
        """Whether the organ can be followed from the shown slice: it has neighbours, as an oblique one has not."""
        return self.can_explain and self.snapshot.image is not None and self.snapshot.image.index is not None

    @property
    def can_export(self) -> bool:
        """Whether what is shown may leave the panel: a full result or an organ that was followed, and nothing under way."""
        has_any = self.result is not None or self.followed is not None
        return has_any and not (self.result is not None and self.result.is_preview) and not self.is_busy

    @property
    def can_cancel(self) -> bool:
        return self.is_busy

    @property
    def seconds_for_new_slice(self) -> float | None:
        """How long the chosen model took for its last new slice; None where it has not run yet."""
        return self.paces.last(self.method.model_choice)

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
