"""How one loaded model wants its images and boxes."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..model_input.frame import ModelFrame, ModelInput
from ..slice.box import PixelBox
from .family import ModelFamily


@dataclass(frozen=True)
class InputConvention:
    """How a family prepares images and boxes, for a network of a certain size.

    Attributes:
        family: Which family.
        size_px: Side of the network's square input in pixels.
        preparation: Which of the family's preparations.

    Raises:
        InputError: Where the family has no such preparation.
    """

    family: ModelFamily
    size_px: int
    preparation: str = "default"

    def __post_init__(self) -> None:
        if self.preparation not in self.family.preparations:
            raise InputError(
                f"{self.family.title} has no preparation '{self.preparation}'; choose one of {', '.join(self.family.preparations)}."
            )

    @property
    def sentence(self) -> str:
        """What the preparation does, for a report."""
        return self.family.preparations[self.preparation]

    def prepare(self, grey: np.ndarray) -> ModelInput:
        """What the network gets to see of a grey slice (rows, columns) uint8."""
        return self.family.prepare(grey, self.size_px, self.preparation)

    def box_in_model_px(self, box: PixelBox, frame: ModelFrame) -> np.ndarray:
        """A box as the network was trained to take it.

        Args:
            box: On the slice, in pixels.
            frame: Where the slice lies in the model's square.

        Returns:
            (4,) x0, y0, x1, y1 in model pixels.
        """
        return self.family.box_in_model_px(box, frame, self.preparation)

    def warning_for(self, frame: ModelFrame) -> str:
        """What a user should know of how this slice had to be prepared; empty where nothing."""
        most = self.family.most_enlargement
        if most is None or frame.enlargement <= most:
            return ""
        return (
            f"The slice was enlarged {frame.enlargement:.1f}-fold to the model's {self.size_px} pixels; over {most:g}-fold the mask "
            "depends on how the gaps are filled, so check it, or use a scan with smaller pixels."
        )
