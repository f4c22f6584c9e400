"""What stands in the scene, and which of it an explanation no longer fits."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from medxai.organ_codes import UNNAMED, Organ

from .choices import MethodChoices

if TYPE_CHECKING:  # the numerical packages may not be installed yet when the panel opens
    from medxai.slice.box import ClippedBox, PixelBox
    from medxai.slice.slice_image import SliceImage
    from medxai.volume.volume import Volume


class MissingInput(StrEnum):
    """Why nothing can be explained, besides a sentence that says it."""

    NONE = "none"
    VOLUME = "volume"
    REGION = "region"
    UNUSABLE = "unusable"


@dataclass(frozen=True, eq=False)
class RegionBox:
    """One of the regions that reach the slice.

    Attributes:
        origin: As in `SceneSnapshot`, with this region.
        name: Of the region.
        organ: What it is around, as far as its user or its name says so.
        box: On the slice.
        is_marked: Whether it is explained together with the other marked ones.
    """

    origin: Hashable
    name: str
    organ: Organ
    box: "ClippedBox"
    is_marked: bool = True


@dataclass(frozen=True, eq=False)
class SceneSnapshot:
    """One look at the scene.

    Attributes:
        volume_key: Equal for two looks exactly if the voxels are the same.
        slice_key: Equal for two looks exactly if the plane is the same; (plane, index) for a slice along the voxels'
            axes.
        origin: The scene's own names for volume, region and view.
        volume: The scan, where it can be used; None else.
        image: The slice; it and origin and box are set where nothing is missing.
        box: On the slice.
        slices: First and last slice that the region reaches, where it is deeper than one.
        organ: What the region is around, as far as its name says so.
        lack: What is missing or wrong.
        reason: The same in a sentence for the user.
        boxes: All regions that reach the slice, the chosen one among them, in the scene's order.
    """

    volume_key: Hashable = None
    slice_key: Hashable = None
    origin: Hashable = None
    volume: "Volume | None" = None
    image: "SliceImage | None" = None
    box: "ClippedBox | None" = None
    slices: "tuple[int, int] | None" = None
    organ: Organ = UNNAMED
    lack: MissingInput = MissingInput.VOLUME
    reason: str = ""
    boxes: tuple[RegionBox, ...] = ()

    @property
    def together(self) -> tuple[RegionBox, ...]:
        """The regions that Explain takes: those that are marked, and the chosen one in any case."""
        return tuple(one for one in self.boxes if one.is_marked or one.origin == self.origin)


class ChangedInput(StrEnum):
    """The parts of a key that can change, in the order in which they matter to the user."""

    VOLUME = "volume"
    SLICE = "slice"
    WINDOW = "window"
    MODEL = "model"
    ENCODER = "encoder"
    METHOD = "method"
    BOX = "box"


@dataclass(frozen=True)
class ExplanationKey:
    """Everything that an explanation depends on; explanations with equal keys have equal maps.

    Attributes:
        volume_key: As in `SceneSnapshot`.
        slice_key: As in `SceneSnapshot`.
        method: How maps are made.
        box: On the slice, in pixels.
        origin: The scene's own names for volume, region and view; it does not count in comparisons.
    """

    volume_key: Hashable
    slice_key: Hashable
    method: MethodChoices
    box: "PixelBox"
    origin: Hashable = field(default=None, compare=False)

    @property
    def encoded(self) -> tuple:
        """What the encoding of the slice depends on: all but the box and the explainer's own choices."""
        m = self.method
        return self.volume_key, self.slice_key, m.model_choice, m.window, m.modality, m.all_layers, m.enhance_input


def key_of(snapshot: SceneSnapshot, method: MethodChoices) -> ExplanationKey | None:
    """The key of a look; None where something is missing."""
    if snapshot.lack is not MissingInput.NONE:
        return None
    return ExplanationKey(snapshot.volume_key, snapshot.slice_key, method, snapshot.box.box, snapshot.origin)


def key_of_region(key: ExplanationKey, region: RegionBox) -> ExplanationKey:
    """The key of another region on the same slice."""
    return replace(key, box=region.box.box, origin=region.origin)


def changed(before: ExplanationKey, now: ExplanationKey) -> tuple[ChangedInput, ...]:
    """What differs between two keys; empty where an explanation of one holds for the other."""
    a, b = before.method, now.method
    differs = {
        ChangedInput.VOLUME: before.volume_key != now.volume_key,
        ChangedInput.SLICE: before.slice_key != now.slice_key,
        ChangedInput.WINDOW: (a.window, a.modality, a.enhance_input) != (b.window, b.modality, b.enhance_input),
        ChangedInput.MODEL: (a.model, a.device) != (b.model, b.device),
        ChangedInput.ENCODER: a.encoder != b.encoder,
        ChangedInput.METHOD: (a.preset, a.all_layers) != (b.preset, b.all_layers),
        ChangedInput.BOX: before.box != now.box,
    }
    return tuple(aspect for aspect, is_so in differs.items() if is_so)
