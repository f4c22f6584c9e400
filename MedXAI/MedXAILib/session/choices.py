"""What the user chose, as plain values: what decides the maps, and what decides only how they are looked at."""

from dataclasses import dataclass
from enum import Enum

#: The ways to compute the image encoder, by the names that `encoding.choose_backend` takes (importing it needs PyTorch).
ENCODERS = ("exact", "fast", "openvino", "openvino-fast")


class MapKind(str, Enum):
    """The maps of one explanation, in the order in which they are read; after them those of other methods."""

    STAGE1 = "stage1"
    STAGE2 = "stage2"
    STAGE3 = "stage3"
    INTERACTION = "interaction"
    TERMINAL = "terminal"
    GRAD_CAM = "grad-cam"

    @property
    def stage(self) -> int | None:
        """1, 2 or 3; None for the maps that belong to no stage and no layer."""
        return {"stage1": 1, "stage2": 2, "stage3": 3}.get(self.value)

    @property
    def is_comparison(self) -> bool:
        """Whether it is another method's, computed only where it is asked for."""
        return self is MapKind.GRAD_CAM


#: The maps that every explanation has.
OWN_MAPS = tuple(kind for kind in MapKind if not kind.is_comparison)


@dataclass(frozen=True)
class MethodChoices:
    """What decides the maps besides volume, slice and box.

    model: a registered name or a checkpoint file. device: auto, cpu, cuda or mps. encoder: one of `ENCODERS`. window: level and width, None for
    the modality's own. modality: CT, MR or picture, None to let the volume tell. all_layers: every block instead of
    the default ones.
    """

    model: str = "demo"
    device: str = "auto"
    encoder: str = "exact"
    window: tuple[float, float] | None = None
    modality: str | None = None
    preset: str = "paper"
    all_layers: bool = False
    enhance_input: bool = False

    @property
    def engine(self) -> tuple[str, str, str]:
        """What decides how long a new slice takes."""
        return self.model, self.device, self.encoder


@dataclass(frozen=True)
class ViewChoices:
    """How an explanation is looked at; changing any of it computes nothing.

    overlay: whether the map is drawn at all. layer: a layer's name, empty for
    the one that stands for its stage. weighted: stage 3 with its spatial weighting. threshold: the share of
    the display range below which nothing is drawn. opacity: of the overlay, 0 to 1.
    """

    kind: MapKind = MapKind.STAGE3
    layer: str = ""
    weighted: bool = True
    threshold: float = 0.0
    opacity: float = 0.6
    colours: str = "inferno"
    overlay: bool = True
    segmentation: bool = True
    legend: bool = True
    side_by_side: bool = False
