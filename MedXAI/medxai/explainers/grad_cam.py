"""The CAM family of pytorch-grad-cam on MedXAI's layers: Grad-CAM, HiRes-CAM, Eigen-CAM and Score-CAM."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from ..encoding.feature_extraction import NECK, check_layers
from ..engine import SliceExplanation
from ..errors import Cancelled
from . import grad_cam_import
from .base import Case, Kind, SaliencyMap
from .differentiable import image_of, segmenter_for
from .scoring import BATCH, IsCancelled, mean_weights, never

#: From this side on the gradients of a ViT's earlier blocks need many GB (ViT-B at 1024 px: 0.8 GB for one copy of one
#: global block's scores); the last block's run through the neck and the decoder only.
_LARGE_SIDE_PX = 512
#: A sum of many float32 terms that is a smaller share of their sizes is rounding.
_ROUNDING = 1e-5


def is_installed() -> bool:
    """Whether the package grad-cam is there; nothing is imported."""
    return grad_cam_import.is_installed()


def grad_cam_map(result: SliceExplanation, layer: str | None = None) -> np.ndarray:
    """Grad-CAM's map (h, w) float32 ≥ 0 over the model's square, raw; `result.on_slice` brings it to the slice.

    layer: 'block 3' or 'neck' (default). The neck needs no further pass of the encoder. Raises InputError where the
    package is not installed, the model segmented nothing, or there is no such layer.
    """
    return _cams("GradCAM", result, (layer or NECK,), never)[layer or NECK]


@dataclass(frozen=True)
class ClassActivationMaps:
    """One method of the family, a map for each layer: ReLU of the library's raw map, on the layer's own tokens.

    method: the library's class. layers: None for those that MedXAI taps; for a large encoder the last of its blocks among
    them and the neck. The score is the mean logit inside the model's own mask; Eigen-CAM looks at neither score nor box,
    and the sign of its component is the library's, that is arbitrary.
    """

    name: str
    method: str
    layers: tuple[str, ...] | None = None
    is_cancelled: IsCancelled = never
    kind: Kind = Kind.PEER

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        layers = self.layers or cam_layers(case.result)
        maps = _cams(self.method, case.result, layers, self.is_cancelled)
        return tuple(SaliencyMap(self.name, "", layer, values) for layer, values in maps.items())


@dataclass(frozen=True)
class ScoreCam:
    """Score-CAM: one pass of the encoder for every channel of a layer. layers: None for the last tapped block and the neck."""

    layers: tuple[str, ...] | None = None
    is_cancelled: IsCancelled = never
    name: str = "score-cam"
    kind: Kind = Kind.PEER

    def passes(self, result: SliceExplanation) -> int:
        """Passes of the encoder for one case: the channels of its layers, and one for each group of them."""
        channels = {layer.name: layer.unit.shape[1] for layer in result.encoding.layers}
        return sum(channels.get(name, 0) for name in self.layers or _last_two(result)) + 2

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        layers = self.layers or _last_two(case.result)
        maps = _cams("ScoreCAM", case.result, layers, self.is_cancelled)
        return tuple(SaliencyMap(self.name, "", layer, values) for layer, values in maps.items())


def cam_layers(result: SliceExplanation) -> tuple[str, ...]:
    """The layers that MedXAI taps; of a large encoder, the last block among them and the neck."""
    if result.encoding.frame.size_px >= _LARGE_SIDE_PX:
        return _last_two(result)
    return tuple(layer.name for layer in result.encoding.layers)


def _last_two(result: SliceExplanation) -> tuple[str, ...]:
    return tuple(layer.name for layer in result.encoding.layers)[-2:]


@torch.inference_mode(False)
def _cams(
    method: str, result: SliceExplanation, layers: Sequence[str], is_cancelled: IsCancelled
) -> dict[str, np.ndarray]:
    """The method's maps by layer, in the encoder's order."""
    package = grad_cam_import.grad_cam_package()
    layers = check_layers(result.model.sam.image_encoder, layers)
    target = _Target(mean_weights(result), package, is_cancelled)
    segmenter = segmenter_for(result)
    blocks = [name for name in layers if name != NECK]
    maps = {}
    with torch.enable_grad():
        if blocks:
            modules = [segmenter.layer(name) for name in blocks]
            found = _raw_maps(getattr(package, method), segmenter, modules, image_of(result), target, _channels_first)
            maps |= dict(zip(blocks, found, strict=True))
        if NECK in layers:
            if method == "ScoreCAM":  # it masks the image itself
                where = segmenter, [segmenter.layer(NECK)], image_of(result)
            else:  # the embedding is known, so the encoder need not run again
                where = segmenter.decoder, [segmenter.decoder.embedding], result.encoding.embedding.clone()
            maps[NECK] = _raw_maps(getattr(package, method), *where, target, None)[0]
    return maps


class _Target:
    """The library's own target for a mask, on the one category that a (1, 1, H, W) output has; looks for cancellation
    because it is asked after every pass."""

    def __init__(self, weights: np.ndarray, package: ModuleType, is_cancelled: IsCancelled):
        self._target = package.utils.model_targets.SemanticSegmentationTarget(0, weights)
        self._is_cancelled = is_cancelled

    def __call__(self, output: Tensor) -> Tensor:
        if self._is_cancelled():
            raise Cancelled
        return self._target(output)


def _raw_maps(
    method: type,
    model: nn.Module,
    modules: list[nn.Module],
    seen: Tensor,
    target: _Target,
    reshape: Callable[[Tensor], Tensor] | None,
) -> list[np.ndarray]:
    """For each module the library's map (h, w) ≥ 0 before it is stretched to [0, 1] and to the input's pixels.

    The gradients' graph begins at the first module: what lies before it has no part in them and would fill the memory.
    """
    begin = modules[0].register_forward_hook(lambda _module, _inputs, output: output.detach().requires_grad_())
    cam = method(model, modules, reshape)
    given = cam.get_cam_image
    raw = []

    def keep(*arguments: object) -> np.ndarray:
        found, (activations, gradients) = given(*arguments), arguments[3:5]
        raw.append(_without_rounding(found, activations * gradients) if method.__name__ == "HiResCAM" else found)
        return found

    cam.get_cam_image = keep
    cam.batch_size = BATCH  # Score-CAM's
    try:
        cam(seen, [target])
    finally:
        cam.activations_and_grads.release()
        begin.remove()
    return [np.maximum(found[0], 0).astype(np.float32) for found in raw]


def _without_rounding(summed: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """HiRes-CAM's sums (1, h, w) over channels of terms (1, C, h, w), with 0 where only rounding is left of them.

    Where a layer is followed by a norm of each token alone, as the last block is by the neck's, the score does not change
    with a token's length, so activation times gradient sums to 0 (Euler). What float32 leaves of it, 10⁻⁷ of the terms,
    is no map, and yet it had an AUROC of 0.88 on a liver.
    """
    return np.where(np.abs(summed) > _ROUNDING * np.abs(terms).sum(1), summed, 0)


def _channels_first(tokens: Tensor) -> Tensor:
    """A block's (B, h, w, d), of SAM's ViT, TinyViT and the demo encoder alike, as the (B, d, h, w) that the library expects."""
    return tokens.permute(0, 3, 1, 2)
