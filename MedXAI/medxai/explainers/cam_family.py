"""The CAM family of pytorch-grad-cam on MedXAI's layers; one file a method uses it."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..encoding.feature_extraction import NECK, check_layers
from ..models.network_type import Network
from ..progress import RunControl
from ..results import SliceExplanation
from . import grad_cam_import
from .base import Case
from .differentiable import image_of, plain_passes, segmenter_for
from .scoring import BATCH, mean_weights

#: For images of this side or more the gradients of a ViT's earlier blocks need many GB (ViT-B at 1024 px: 0.8 GB for one copy of one
#: global block's scores); the last block's run through the neck and the decoder only.
_LARGE_SIDE_PX = 512
#: A sum of float32 terms that is a smaller share of the terms' sizes than this is only rounding.
_ROUNDING = 1e-5


def cam_layers(result: SliceExplanation) -> tuple[str, ...]:
    """The layers whose features are extracted; of a large encoder only the last block among them and the neck."""
    if result.encoding.frame.size_px >= _LARGE_SIDE_PX:
        return last_two_layers(result)
    return result.encoding.layers


def last_two_layers(result: SliceExplanation) -> tuple[str, ...]:
    """The last block whose features are extracted, and the neck."""
    return result.encoding.layers[-2:]


@plain_passes()
def cams(method: str, case: Case, layers: Sequence[str], control: RunControl) -> dict[str, np.ndarray]:
    """The maps (h, w) ≥ 0 of a method by layer, in the encoder's order: ReLU of the library's raw map.

    Args:
        method: The library's class, for example 'GradCAM'.
        case: The score is the mean logit inside its own mask.
        layers: Names of layers. The neck needs no further pass of the encoder, except for Score-CAM.
        control: Asked after every pass.

    Raises:
        InputError: The package is not installed, the model segmented nothing, or there is no such layer.
    """
    package = grad_cam_import.grad_cam_package()
    layers = check_layers(case.model.sam.image_encoder, layers)
    target = _Target(mean_weights(case.result), package, control)
    segmenter = segmenter_for(case)
    blocks = [name for name in layers if name != NECK]
    maps: dict[str, np.ndarray] = {}
    with torch.enable_grad():
        if blocks:
            modules = [segmenter.layer(name) for name in blocks]
            found = _raw_maps(getattr(package, method), segmenter, modules, image_of(case), target, _channels_first)
            maps |= dict(zip(blocks, found, strict=True))
        if NECK in layers:
            if method == "ScoreCAM":  # it masks the image itself
                where: tuple[Network, list[Network], Tensor] = segmenter, [segmenter.layer(NECK)], image_of(case)
            else:  # the embedding is known, so the encoder need not run again
                where = segmenter.decoder, [segmenter.decoder.embedding], case.encoding.embedding.clone()
            maps[NECK] = _raw_maps(getattr(package, method), *where, target, None)[0]
    return maps


class _Target:
    """The library's own target for a mask, on the one category that a (1, 1, H, W) output has.

    It is asked after every pass, so it also looks for cancellation.
    """

    def __init__(self, weights: np.ndarray, package: ModuleType, control: RunControl):
        self._target = package.utils.model_targets.SemanticSegmentationTarget(0, weights)
        self._control = control

    def __call__(self, output: Tensor) -> Tensor:
        self._control.raise_if_cancelled()
        return self._target(output)


def _raw_maps(
    method: type,
    model: Network,
    modules: list[Network],
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

    def keep(*arguments: Any) -> np.ndarray:
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
