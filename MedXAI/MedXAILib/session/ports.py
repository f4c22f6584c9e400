"""What the controller needs from the scene around it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from medxai.map_view import ViewChoices
from medxai.results import SliceExplanation
from medxai.through_slices.volume_result import VolumeResult

from .choices import MethodChoices
from .organs import ExplainedOrgans
from .snapshot import ExplanationKey, SceneSnapshot


class ScenePort(Protocol):
    """A scene that can be looked at and written to; every call comes from the main thread.

    `key` tells for which volume and region the explanation was made (its `origin`).
    """

    def look(self, method: MethodChoices) -> SceneSnapshot:
        """What stands there now; never raises for what a user can do to a scene, but says it in the snapshot."""

    def show(self, explanation: SliceExplanation, key: ExplanationKey, view: ViewChoices) -> None:
        """A new explanation appears: all its maps, its segmentation, its provenance."""

    def show_live(self, explanation: SliceExplanation, key: ExplanationKey, view: ViewChoices) -> None:
        """A new explanation while the box is dragged: what is seen has to follow, the rest may wait for `show`."""

    def restyle(self, explanation: SliceExplanation | None, key: ExplanationKey | None, view: ViewChoices) -> None:
        """Shows the same explanation in another way, perhaps with another method's map.

        Args:
            explanation: None for the maps that came with a loaded scene.
            key: What the explanation depends on; None likewise.
            view: The choices.
        """

    def show_organs(self, organs: ExplainedOrgans | None, key: ExplanationKey) -> None:
        """Several organs appear, in the place of those before, or go (None); what is shown of them follows with `show`."""

    def prepare_followed(self, result: VolumeResult) -> Any:
        """What `show_followed` puts into the scene; touches no scene, the only call that comes from the worker's thread."""

    def show_followed(self, prepared: Any, key: ExplanationKey, view: ViewChoices) -> None:
        """An organ that was followed appears, in the place of the one before of the same region."""

    def source_files(self, key: ExplanationKey) -> Sequence[Path]:
        """The DICOM files that a volume was loaded from.

        Raises:
            InputError: Where it was not loaded from DICOM, or its files are gone.
        """
