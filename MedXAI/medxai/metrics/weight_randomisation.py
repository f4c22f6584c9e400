"""A model whose weights are randomised from the top down, one part more each time (Adebayo et al., NeurIPS 2018)."""

import copy
from collections.abc import Iterator

import torch

from ..explainers.random_weights import with_random_weights
from ..models.loading import LoadedModel, with_network
from ..models.network_type import Network


def cascade(model: LoadedModel, seed: int) -> Iterator[tuple[str, LoadedModel]]:
    """Randomises a model from the top down, one part more each time (Adebayo et al., NeurIPS 2018).

    The parts are the mask decoder, the neck, the blocks from the last to the first, and what is left of the encoder.
    The prompt encoder, which only says where the box is, stays. The weights are those of the random-weights baseline
    with this seed.

    Args:
        model: The trained model; it stays as it is.
        seed: Of the weights.

    Yields:
        What was randomised last, and the model so far. All models given share one network: use each before the next is
        asked for.
    """
    random = with_random_weights(model, seed).sam.state_dict()
    sam = copy.deepcopy(model.sam)
    for name, prefix in _parts(sam):
        done = {key: value for key, value in random.items() if key.startswith(prefix)}
        with torch.no_grad():
            sam.load_state_dict(done, strict=False)
        yield (
            name,
            with_network(model, sam, f"{model.checksum_sha256}, random down to {name}, seed {seed}"),
        )


def _parts(sam: Network) -> list[tuple[str, str]]:
    last = len(sam.image_encoder.blocks) - 1
    blocks = [(f"block {i}", f"image_encoder.blocks.{i}.") for i in range(last, -1, -1)]
    return [
        ("mask decoder", "mask_decoder."),
        ("neck", "image_encoder.neck."),
        *blocks,
        ("whole encoder", "image_encoder."),
    ]
