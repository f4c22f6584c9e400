"""What the controller needs from the scene around it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from .choices import MethodChoices, ViewChoices
from .situation import Sight, Situation

if TYPE_CHECKING:
    from medxai.engine import SliceExplanation


class ScenePort(Protocol):
    """A scene that can be looked at and written to; every call comes from the main thread.

    `situation` tells for which volume and region the explanation was made (its `origin`).
    """

    def look(self, method: MethodChoices) -> Sight:
        """What stands there now; never raises for what a user can do to a scene, but says it in the sight."""

    def show(self, explanation: "SliceExplanation", situation: Situation, view: ViewChoices) -> None:
        """A new explanation appears: all its maps, its segmentation, its provenance."""

    def show_live(self, explanation: "SliceExplanation", situation: Situation, view: ViewChoices) -> None:
        """A new explanation while the box is dragged: what is seen has to follow, the rest may wait for `show`."""

    def restyle(self, explanation: "SliceExplanation | None", situation: Situation | None, view: ViewChoices) -> None:
        """The same explanation looked at in another way, perhaps with another method's map besides; None for the maps that
        came with a loaded scene."""

    def exporter(self, explanation: "SliceExplanation", situation: Situation, folder: str) -> Callable[[], str]:
        """Collects from the scene what the export needs; the returned call writes it, on any thread, and tells where."""
