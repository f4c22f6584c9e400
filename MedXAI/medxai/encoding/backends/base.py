"""What a backend is (one way to compute the image encoder), and how a new one is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from ...models.network_type import Network
from ...progress import RunControl

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..feature_extraction import EncoderOutput


class Run(Protocol):
    """One pass of an image encoder; `feature_extraction.run_encoder` is the model for it."""

    def __call__(
        self, encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = ..., /
    ) -> EncoderOutput:
        """The embedding of an image (1, 3, S, S) and the tokens of the asked layers.

        Raises:
            BackendFailed: Where the exact backend should be used for this image.
        """


class BackendFailed(RuntimeError):
    """A backend could not compute this encoder or image; its text is a short reason. The exact one takes its place."""


@dataclass(frozen=True)
class Backend:
    """A way to compute one model's image encoder, ready to run.

    Attributes:
        name: Part of an encoding's identity, since two backends differ in the last digits.
        run: Computes one image.
        note: What the user should know, for example why another backend was not used; empty where nothing.
    """

    name: str
    run: Run
    note: str = ""


class BackendFactory(ABC):
    """A backend as it is listed, checked and made.

    A new backend is one file with such a class, decorated with `registry.register`. The file must not import PyTorch at its
    top: what computes belongs into a module of its own, imported in `make`.

    Example:
        >>> @register
        ... class HalfPrecision(BackendFactory):
        ...     key = "half"
        ...     title = "Half precision"
        ...     sentence = "Numbers of 16 bits everywhere."
        ...
        ...     def why_not(self, encoder, device):
        ...         return "" if device.type == "cuda" else "Half precision needs CUDA; the exact backend is used."
        ...
        ...     def make(self, encoder, device, cache_folder=None):
        ...         from my_package import half_pass
        ...
        ...         return Backend(self.key, half_pass)

    Attributes:
        key: What the user gives as `--encoder`.
        title: Its name in a list.
        sentence: What it does to the result, for the user.
        is_choice: Whether the user can choose it; the preview is chosen by the engine.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    sentence: ClassVar[str]
    is_choice: ClassVar[bool] = True

    def why_not(self, encoder: Network, device: torch.device) -> str:
        """Why this backend cannot compute an encoder on a device.

        Args:
            encoder: The model's image encoder.
            device: Where the model is.

        Returns:
            A sentence for the user; empty where it can.
        """
        return ""

    @abstractmethod
    def make(self, encoder: Network, device: torch.device, cache_folder: Path | None = None) -> Backend:
        """The backend, ready for the encoder on the device.

        Args:
            encoder: The model's image encoder, in evaluation mode, on `device`.
            device: Where the model is.
            cache_folder: Where compiled models may be kept on disk; None keeps none.
        """
