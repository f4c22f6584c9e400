"""What the user chose of how maps are made, as plain values."""

from dataclasses import dataclass

from medxai.encoding.backends.registry import choices
from medxai.request import ModelChoice

#: The backends that the panel offers.
ENCODERS = choices()


@dataclass(frozen=True)
class MethodChoices:
    """What decides the maps besides volume, slice and box.

    Attributes:
        model: A registered name or a checkpoint file.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        encoder: One of `ENCODERS`.
        window: Level and width; None for the modality's own.
        modality: 'CT', 'MR' or 'picture'; None to let the volume tell.
        preset: How stage 3 measures distance, 'paper' or 'contour'.
        all_layers: Every block instead of the default ones.
        enhance_input: Whether the model, too, sees the contrast-enhanced slice.
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
    def model_choice(self) -> ModelChoice:
        """What decides how long a new slice takes."""
        return ModelChoice(self.model, self.device, self.encoder)
