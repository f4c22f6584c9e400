"""The loaded model as one differentiable function of its image, for one box; for other people's explainers."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ..encoding.feature_extraction import NECK
from ..errors import InputError
from ..model_input.frame import ModelFrame
from ..models.convolutions import unrounded_convolutions
from ..models.family import ModelFamily
from ..models.loading import LoadedModel
from ..models.network_type import Network
from ..segmentation.prompting import prompt_embeddings
from ..slice.box import PixelBox
from .base import Case


@contextmanager
def plain_passes() -> Iterator[None]:
    """For everything that runs a `BoxSegmenter`: tensors can have gradients, and no device rounds convolutions."""
    with torch.inference_mode(False), unrounded_convolutions():
        yield


class BoxDecoder(nn.Module):
    """Embeddings (B, C, h, w) → mask logits (B, 1, 4h, 4w), each with the same box.

    `embedding` passes embeddings on unchanged: a layer to hook where the encoder's result is known already.

    Args:
        family: How the box becomes prompts.
        sam: The network.
        xyxy: (4,) the box's corners in model pixels.
    """

    def __init__(self, family: ModelFamily, sam: Network, xyxy: Tensor):
        super().__init__()
        self.embedding = nn.Identity()
        self.prompt_encoder, self.mask_decoder = sam.prompt_encoder, sam.mask_decoder
        with torch.no_grad():
            self._sparse, self._dense = prompt_embeddings(family, sam, xyxy)
            self._image_pe = self.prompt_encoder.get_dense_pe()

    def forward(self, embedding: Tensor) -> Tensor:
        embedding = self.embedding(embedding)
        # segment-anything's decoder takes one image at a time, and uses only the sum of its embedding and the dense prompt.
        # So the embeddings of all images are added to the prompts.
        logits, _ = self.mask_decoder(
            image_embeddings=torch.zeros_like(embedding[:1]),
            image_pe=self._image_pe,
            sparse_prompt_embeddings=self._sparse.expand(len(embedding), -1, -1),
            dense_prompt_embeddings=self._dense + embedding,
            multimask_output=False,
        )
        return logits


class BoxSegmenter(nn.Module):
    """Images (B, 3, S, S), prepared as the model wants them → mask logits (B, 1, 4h, 4w) for one box.

    It has segment-anything's plain modules with the weights of a loaded model, which it shares but cannot change: hooks
    and gradients stay here. The weights themselves get no gradient.

    Args:
        model: The loaded model.
        box: On the slice, in pixels.
        frame: Where the slice lies in the model's square.
    """

    def __init__(self, model: LoadedModel, box: PixelBox, frame: ModelFrame):
        super().__init__()
        sam = _shell_of(model.sam)
        corners = torch.from_numpy(model.convention.box_in_model_px(box, frame))[None]
        self.encoder = sam.image_encoder
        self.decoder = BoxDecoder(model.family, sam, corners.to(model.device, torch.float32))
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        return self.decoder(self.encoder(image))

    def layer(self, name: str) -> Network:
        """The module that gives a layer's tokens.

        Args:
            name: 'block 3' for tokens (B, h, w, d), 'neck' for the embedding (B, C, h, w).

        Raises:
            InputError: For an unknown layer.
        """
        if name == NECK:
            return self.encoder.neck
        blocks = list(self.encoder.blocks)
        number = name.removeprefix("block ")
        if not number.isdigit() or int(number) >= len(blocks):
            raise InputError(
                f"The encoder has no layer {name!r}; choose from 'block 0' to 'block {len(blocks) - 1}' and 'neck'."
            )
        return blocks[int(number)]


def _shell_of(sam: Network) -> Network:
    """A copy of the modules around the same tensors, so that a hook on one is none on the other."""
    shared: dict[int, object] = {
        id(tensor): nn.Parameter(tensor.detach(), requires_grad=False) for tensor in sam.parameters()
    }
    shared |= {id(tensor): tensor for tensor in sam.buffers()}
    return copy.deepcopy(sam, shared)


@torch.inference_mode(False)
def segmenter_for(case: Case) -> BoxSegmenter:
    """The differentiable function of a case: given `image_of(case)` it gives the case's own logits."""
    return BoxSegmenter(case.model, case.box.box, case.encoding.frame)


@torch.inference_mode(False)
def image_of(case: Case) -> Tensor:
    """(1, 3, S, S) float32 on the model's device: what the model saw, a fresh tensor."""
    return torch.tensor(case.result.prepared.model_input.tensor_chw, device=case.model.device)[None]
