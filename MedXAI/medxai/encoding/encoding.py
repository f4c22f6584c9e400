"""What a model makes of a slice before any box is drawn."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import ModelError, ResourceError
from ..model_input.frame import ModelFrame, ModelInput
from ..models.loading import LoadedModel
from ..models.network_type import Network
from ..progress import RunControl
from .backends.base import Backend, BackendFailed
from .backends.exact import EXACT
from .feature_extraction import EncoderOutput, check_layers, default_layers
from .features import LayerFeatures, layer_features


@dataclass(frozen=True)
class Encoding:
    """One slice through one model's image encoder.

    Attributes:
        embedding: (1, C, h, w) float32, what the mask decoder reads.
        layers: Features of the asked layers, in the encoder's order.
        frame: Where the slice lies in the model's square.
        seconds: How long the pass and the features took.
        backend: The name of the `Backend` that made it.
        note: What the user should know about how it was made; empty where nothing.
    """

    embedding: Tensor
    layers: tuple[LayerFeatures, ...]
    frame: ModelFrame
    seconds: float
    backend: str = EXACT.name
    note: str = ""

    @property
    def nbytes(self) -> int:
        return self.embedding.nbytes + sum(layer.nbytes for layer in self.layers)


def encoding_key(model: LoadedModel, model_input: ModelInput, layers: Sequence[str], backend: Backend = EXACT) -> str:
    """Equal for two slices exactly if the model would see the same tensor: volume, slice and window are in it.

    The backend is in it too: a rounded result never takes the place of an exact one, nor the other way round.

    Args:
        model: Whose weights encode.
        model_input: The tensor and its frame.
        layers: Names of the layers whose features are kept.
        backend: How the encoder is computed.
    """
    identity = (
        model_input.digest,
        model.checksum_sha256,
        model.variant,
        str(model.device),
        tuple(layers),
        backend.name,
    )
    return hashlib.blake2b(repr(identity).encode(), digest_size=16).hexdigest()


def encode(
    model: LoadedModel,
    model_input: ModelInput,
    layers: Sequence[str] | None = None,
    control: RunControl = RunControl(),
    backend: Backend = EXACT,
) -> Encoding:
    """One pass of the image encoder, with the features of chosen layers.

    Where another backend than the exact one fails, or gives numbers that are not finite, the exact one takes its place,
    and the encoding's note says so.

    Args:
        model: The model in memory.
        model_input: The tensor (3, S, S) and its frame.
        layers: Names such as 'block 2' and 'neck'; None for `default_layers`.
        control: Hears of every block, and stops the pass between two of them.
        backend: How the encoder is computed.

    Raises:
        Cancelled: Between two blocks, once the control says so.
        InputError: For an unknown layer.
        ResourceError: Where memory runs out.
        ModelError: Where the exact numbers are not finite either.
    """
    encoder = model.sam.image_encoder
    layers = check_layers(encoder, layers or default_layers(encoder))
    start = time.perf_counter()
    image = torch.from_numpy(model_input.tensor_chw)[None].to(model.device)
    try:
        output, backend = _finite_output(backend, encoder, image, layers, control)
        if not _is_finite(output):
            raise ModelError(_NOT_FINITE.format(model.title))
        features = tuple(_features(name, tokens, model_input.frame) for name, tokens in output.tokens.items())
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ResourceError(_NO_MEMORY.format(model.title)) from error
    except RuntimeError as error:
        if "alloc" in str(error).lower():  # torch's CPU allocator raises a plain RuntimeError
            raise ResourceError(_NO_MEMORY.format(model.title)) from error
        raise
    seconds = time.perf_counter() - start
    return Encoding(output.embedding, features, model_input.frame, seconds, backend.name, backend.note)


_NO_MEMORY = "There is not enough memory to encode the slice with '{}'; close other programs or choose a smaller model (demo, litemedsam)."


_NOT_FINITE = (
    "The encoder of '{}' gave numbers that are not finite, so its weights are damaged; fetch them anew with "
    "'medxai models download', or choose another model."
)


def _finite_output(
    backend: Backend, encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl
) -> tuple[EncoderOutput, Backend]:
    """The backend's output, or the exact one's, and which it is; its note says what happened to this image."""
    if backend.name == EXACT.name:
        return backend.run(encoder, image, layers, control), replace(backend, note="")
    try:
        output = backend.run(encoder, image, layers, control)
        if _is_finite(output):
            return output, replace(backend, note="")
        reason = "gave numbers that are not finite"
    except BackendFailed as error:
        reason = f"failed ({error})"
    note = f"The encoder '{backend.name}' {reason} on this slice; the exact encoder was used."
    return EXACT.run(encoder, image, layers, control), replace(EXACT, note=note)


def _is_finite(output: EncoderOutput) -> bool:
    """A sum is finite only if all its parts are, and costs a tenth of looking at each."""
    return all(part.sum().isfinite().item() for part in (output.embedding, *output.tokens.values()))


@torch.inference_mode()
def _features(name: str, tokens: Tensor, frame: ModelFrame) -> LayerFeatures:
    content = torch.from_numpy(frame.content_coverage((tokens.shape[0], tokens.shape[1]))).to(
        tokens.device, torch.float32
    )
    return layer_features(name, tokens, content)
