"""One pass of an image encoder that gives its embedding and the tokens of chosen layers, with progress and cancellation."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import Cancelled, InputError
from .backends import exact_vit

Progress = Callable[[int, int], None]
"""Called with the parts done and the parts in all, a part being a block or the neck."""

NECK = "neck"


@dataclass(frozen=True)
class EncoderOutput:
    """embedding: (1, C, h, w). tokens: for each asked layer its grid (h_l, w_l, d_l), in the encoder's order."""

    embedding: Tensor
    tokens: Mapping[str, Tensor]


def layer_names(image_encoder: nn.Module) -> tuple[str, ...]:
    """Every layer that can be tapped: 'block 0', 'block 1', …, 'neck'."""
    return (*(f"block {i}" for i in range(len(image_encoder.blocks))), NECK)


def default_layers(image_encoder: nn.Module) -> tuple[str, ...]:
    """The blocks with global attention (ViT-B: 2, 5, 8, 11) and the neck; elsewhere four blocks spread over the depth."""
    blocks = list(image_encoder.blocks)
    wide = [i for i, block in enumerate(blocks) if getattr(block, "window_size", None) == 0]
    if not wide or len(wide) == len(blocks):
        wide = sorted({round((n + 1) * len(blocks) / 4) - 1 for n in range(4)} - {-1})
    return (*(f"block {i}" for i in wide), NECK)


def check_layers(image_encoder: nn.Module, layers: Sequence[str]) -> tuple[str, ...]:
    """The asked layers in the encoder's order. Raises InputError for an unknown one or none."""
    known = layer_names(image_encoder)
    unknown = [name for name in layers if name not in known]
    if unknown or not layers:
        raise InputError(
            f"The encoder has no layer {', '.join(map(repr, unknown)) or 'chosen'}; choose from {known[0]!r} to {known[-2]!r} and 'neck'."
        )
    return tuple(name for name in known if name in set(layers))


@torch.inference_mode()
def run_encoder(
    image_encoder: nn.Module,
    image: Tensor,
    layers: Sequence[str],
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> EncoderOutput:
    """The embedding of an image (1, 3, S, S), and the tokens of the asked layers.

    Works for any encoder with `blocks` that give (B, h, w, d) and a `neck` that gives (B, C, h, w).
    Raises Cancelled between two blocks once `is_cancelled` says so.
    """
    layers = check_layers(image_encoder, layers)
    if exact_vit.can_run(image_encoder, image):
        embedding, tokens = exact_vit.exact_pass(image_encoder, image, layers, progress, is_cancelled)
        return EncoderOutput(embedding, {name: tokens[name] for name in layers})
    return _hooked_pass(image_encoder, image, layers, progress, is_cancelled)


def _hooked_pass(
    image_encoder: nn.Module, image: Tensor, layers: Sequence[str], progress: Progress, is_cancelled: Callable[[], bool]
) -> EncoderOutput:
    tokens: dict[str, Tensor] = {}
    total = len(image_encoder.blocks) + 1

    def after(name: str, done: int) -> Callable[[nn.Module, tuple, Tensor], None]:
        def hook(_module: nn.Module, _inputs: tuple, output: Tensor) -> None:
            if name in layers:
                tokens[name] = output[0]
            progress(done, total)
            if is_cancelled():
                raise Cancelled

        return hook

    with ExitStack() as hooks:
        for index, block in enumerate(image_encoder.blocks):
            hooks.enter_context(_removing(block.register_forward_hook(after(f"block {index}", index + 1))))
        if is_cancelled():
            raise Cancelled
        embedding = image_encoder(image)
    if NECK in layers:
        tokens[NECK] = embedding[0].permute(1, 2, 0)
    progress(total, total)
    return EncoderOutput(embedding, {name: tokens[name] for name in layers})


class _removing:
    """A hook's handle as a context that removes the hook at its end."""

    def __init__(self, handle: torch.utils.hooks.RemovableHandle):
        self._handle = handle

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        self._handle.remove()
