"""What a model family has to tell, so that everything else in MedXAI can use its networks without knowing them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..model_input.frame import ModelFrame, ModelInput
from ..slice.box import PixelBox
from .checkpoint import Checkpoint
from .network_type import Network

if TYPE_CHECKING:
    from torch import Tensor


class Pace(StrEnum):
    """What to expect of a model on a CPU for a slice that it has not seen yet."""

    INSTANT = "instant"
    SECONDS = "seconds"
    HALF_MINUTE = "half a minute"
    MINUTES = "minutes"


class ModelFamily(ABC):
    """The guide to adding a model: write one file with one such class, and the model is everywhere.

    Put the file into `medxai/models/families/`, or into the folder `models` of a folder that the environment variable
    MEDXAI_PLUGINS names. The panel's model list, `medxai models`, the Python console, the engine and the cohort then
    have it. A complete example::

        from medxai.model_input.frame import ModelInput
        from medxai.models.checkpoint import Checkpoint
        from medxai.models.family import ModelFamily, Pace
        from medxai.models.registry import model_family

        @model_family
        class Toy(ModelFamily):
            key, title = "toy", "Toy SAM"
            checkpoints = (Checkpoint("toy", "Toy SAM", "Toy", "toy.pth", 0, "MIT", "https://example.org/toy"),)

            def recognises(self, names):
                return "image_encoder.toy.weight" in names

            def build(self, state):
                from .my_network import ToySam          # torch is imported here, not at the top of the file
                sam = ToySam()
                sam.load_state_dict(state, strict=True)
                return sam, "Toy"

            def prepare(self, grey, size_px, preparation="default"):
                from medxai.model_input.preparing import stretched
                return stretched(grey, size_px)

            def pace(self, architecture):
                return Pace.INSTANT

    Such a file imports neither torch nor scikit-image at its top, because the panel lists the models before these
    packages are installed; what needs them is imported inside `build`, `prepare` and `mask_prompt`.

    Shapes: a grey slice is (rows, columns) uint8. The network's input is (3, S, S) float32, S its side in pixels. A box
    in model pixels is (4,) x0, y0, x1, y1 on that square.

    Attributes:
        key: The family's short name, unique.
        title: What the user reads.
        checkpoints: The published weights of this family, the best first.
        preference: Which family is taken where the user has chosen no model and the weights of several are here; the
            higher wins. None: only when it is asked for.
        preparations: The preparations of an image and its boxes that can be chosen, each with a sentence on what it
            does. There is always 'default'; 'official' is byte for byte what the model's authors do.
        most_enlargement: By how much a slice may be enlarged to the network's input before a result warns of it; None
            where the network was trained for it.
        interpolates_logits: Whether the mask is brought to the slice as logits (as SAM and LiteMedSAM do it) rather than
            as probabilities (as MedSAM does it).
        has_mask_prompt: Whether each box also becomes a mask prompt, so that each box has a dense prompt of its own.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    checkpoints: ClassVar[tuple[Checkpoint, ...]] = ()
    preference: ClassVar[int | None] = None
    preparations: ClassVar[Mapping[str, str]] = {"default": "as the model family prepares it"}
    most_enlargement: ClassVar[float | None] = 2.0
    interpolates_logits: ClassVar[bool] = False
    has_mask_prompt: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, names: Collection[str]) -> bool:
        """Whether a checkpoint with tensors of these names is one of this family. The most preferred family is asked first."""

    @abstractmethod
    def build(self, state: Mapping[str, Tensor]) -> tuple[Network, str]:
        """The network with the weights of a state dict, and the architecture's name.

        Args:
            state: Tensors by name, float32, as they are in the file.

        Returns:
            A module with segment-anything's three parts, `image_encoder` (with `img_size`, `blocks` and `neck`),
            `prompt_encoder` and `mask_decoder`, in evaluation mode.

        Raises:
            RuntimeError: Where the tensors do not fit the network (as `load_state_dict` raises it).
            ModelError: Where the names do not tell which network it is.
        """

    @abstractmethod
    def prepare(self, grey: np.ndarray, size_px: int, preparation: str = "default") -> ModelInput:
        """What the network gets to see of a slice.

        Args:
            grey: (rows, columns) uint8.
            size_px: Side of the network's square input in pixels.
            preparation: One of `preparations`.
        """

    def box_in_model_px(self, box: PixelBox, frame: ModelFrame, preparation: str = "default") -> np.ndarray:
        """A box as the network is best given it.

        By default: the indexes of the box's first and last pixels, scaled, as MedSAM and SAM do it.

        Args:
            box: On the slice, in pixels.
            frame: Where the slice lies in the model's square.
            preparation: One of `preparations`.

        Returns:
            (4,) float64 x0, y0, x1, y1 in model pixels.
        """
        return frame.scale_xyxy(box.xyxy)

    def mask_prompt(self, sam: Network, boxes_xyxy: Tensor) -> Tensor | None:
        """Boxes as SAM's mask prompt.

        Args:
            sam: The network.
            boxes_xyxy: (B, 4) corners in model pixels.

        Returns:
            (B, 1, 4h, 4w); None where the network gets the corners alone.
        """
        return None

    def pace(self, architecture: str) -> Pace | None:
        """What to expect of the network's speed on a CPU; None where it is not known."""
        return None
