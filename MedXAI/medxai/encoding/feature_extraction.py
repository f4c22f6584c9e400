"""One pass of an image encoder that gives its embedding and the tokens of chosen layers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import InputError
from ..models.convolutions import unrounded_convolutions
from ..models.network_type import Network
from ..progress import RunControl
from .kernels import exact_tiny_vit, exact_vit

#: The name of the last layer, whose output is the embedding.
NECK = "neck"


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder makes of one image.

    Attributes:
        embedding: (1, C, h, w), what the mask decoder reads.
        tokens: For each asked layer its grid (h_l, w_l, d_l), in the encoder's order.
    """

    embedding: Tensor
    tokens: Mapping[str, Tensor]


def layer_names(image_encoder: Network) -> tuple[str, ...]:
    """Every layer whose tokens can be had: 'block 0', 'block 1', …, 'neck'."""
    return (*(f"block {i}" for i in range(len(image_encoder.blocks))), NECK)


def default_layers(image_encoder: Network) -> tuple[str, ...]:
    """The blocks with global attention (ViT-B: 2, 5, 8, 11) and the neck; elsewhere four blocks spread over the depth."""
    blocks = list(image_encoder.blocks)
    global_ones = [i for i, block in enumerate(blocks) if getattr(block, "window_size", None) == 0]
    if not global_ones or len(global_ones) == len(blocks):
        global_ones = sorted({round((n + 1) * len(blocks) / 4) - 1 for n in range(4)} - {-1})
    return (*(f"block {i}" for i in global_ones), NECK)


def check_layers(image_encoder: Network, layers: Sequence[str]) -> tuple[str, ...]:
    """The asked layers in the encoder's order.

    Args:
        image_encoder: Whose layers.
        layers: Names such as 'block 2' and 'neck'.

    Raises:
        InputError: For an unknown layer, or none.
    """
    known = layer_names(image_encoder)
    unknown = [name for name in layers if name not in known]
    if unknown or not layers:
        raise InputError(
            f"The encoder has no layer {', '.join(map(repr, unknown)) or 'chosen'}; choose from {known[0]!r} to {known[-2]!r} and 'neck'."
        )
    return tuple(name for name in known if name in set(layers))


@torch.inference_mode()
def run_encoder(
    image_encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()
) -> EncoderOutput:
    """The embedding of an image and the tokens of the asked layers, in the model's own precision.

    Works for any encoder with `blocks` that give (B, h, w, d) and a `neck` that gives (B, C, h, w); encoders that are
    known take a faster pass with the same mathematics.

    Args:
        image_encoder: In evaluation mode.
        image: (1, 3, S, S).
        layers: Names such as 'block 2' and 'neck'.
        control: Hears of every block and of the neck, and can stop the pass between two of them.

    Raises:
        Cancelled: Between two blocks.
        InputError: For an unknown layer, or none.
    """
    layers = check_layers(image_encoder, layers)
    with unrounded_convolutions():
        for kernel in (exact_vit, exact_tiny_vit):
            if kernel.can_run(image_encoder, image):
                embedding, tokens = kernel.exact_pass(image_encoder, image, layers, control)
                return EncoderOutput(embedding, {name: tokens[name] for name in layers})
        return run_own_forward(image_encoder, image, layers, control)


@torch.no_grad()
def run_own_forward(
    image_encoder: Network, image: Tensor, layers: Sequence[str], control: RunControl = RunControl()
) -> EncoderOutput:
    """Like `run_encoder`, arguments and errors included, by the module's own forward.

    Hooks on its blocks keep the tokens. `torch.export` can export it.
    """
    tokens: dict[str, Tensor] = {}
    total = len(image_encoder.blocks) + 1

    def after(name: str, done: int) -> Callable[[Network, tuple, Tensor], None]:
        def keep(_module: Network, _inputs: tuple, output: Tensor) -> None:
            if name in layers:
                tokens[name] = output[0]
            control.report(done, total)
            control.raise_if_cancelled()

        return keep

    control.raise_if_cancelled()
    with ExitStack() as hooks:
        for index, block in enumerate(image_encoder.blocks):
            handle = block.register_forward_hook(after(f"block {index}", index + 1))
            hooks.callback(handle.remove)
        embedding = image_encoder(image)
    if NECK in layers:
        tokens[NECK] = embedding[0].permute(1, 2, 0)
    control.report(total, total)
    return EncoderOutput(embedding, {name: tokens[name] for name in layers})
