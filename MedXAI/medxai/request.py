"""What is asked of the engine, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .explainers.three_stage.parameters import ExplainerParameters
from .slice.slice_image import SliceImage, slice_of
from .volume.volume import Volume

if TYPE_CHECKING:
    from .model_input.grey import GreyRange, Window
    from .models.loading import LoadedModel

#: In place of names: every layer of the encoder.
ALL_LAYERS: Literal["all"] = "all"


@dataclass(frozen=True)
class ModelChoice:
    """Which model computes, on what, and how; together they decide how long a new slice takes.

    Attributes:
        model: A registered name or a checkpoint file; None for the best model whose weights are here.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        backend: How the image encoder is computed: 'exact', 'fast', 'openvino', …
        preparation: How the slice is prepared: 'default', or 'official' for byte for byte what the model's authors do.
    """

    model: str | Path | None = None
    device: str = "auto"
    backend: str = "exact"
    preparation: str = "default"


@dataclass(frozen=True)
class ExplainRequest:
    """One slice and how it is to be explained. Boxes are asked for separately, since many share one slice.

    Attributes:
        volume: The scan.
        image: The slice of it.
        model: Which model; or one in memory, which is then computed exactly, on the device where it is.
        window: Level and width; None for the modality's own.
        enhance_input: Whether the model, too, sees the contrast-enhanced slice.
        grey_range: Where it is known already; None to take it from the whole volume.
        layers: The encoder's layers to explain; None for the default ones, 'all' for every one.
        parameters: The weights of the three stages.
    """

    volume: Volume
    image: SliceImage
    model: ModelChoice | LoadedModel = ModelChoice()
    window: Window | None = None
    enhance_input: bool = False
    grey_range: GreyRange | None = None
    layers: tuple[str, ...] | Literal["all"] | None = None
    parameters: ExplainerParameters = ExplainerParameters()

    @classmethod
    def of_slice(cls, volume: Volume, plane: str, index: int, **options: Any) -> ExplainRequest:
        """A request for an axis-aligned slice: plane 'axial', 'coronal' or 'sagittal' (constant k, j or i).

        Args:
            volume: The scan.
            plane: Which of its axes the slice is across.
            index: The slice's voxel index along that axis.
            **options: The attributes of the class, by name.

        Raises:
            InputError: There is no such plane or slice.
        """
        return cls(volume, slice_of(volume, plane, index), **options)
