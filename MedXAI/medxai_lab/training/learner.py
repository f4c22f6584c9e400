"""The model in training: many slices and boxes at once, and the heads that teach the encoder."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from medxai.models.networks.demo_encoder import PROMPT_DIM, STRIDE, box_mask_prompt, build_demo_sam


def set_input_size(sam: nn.Module, size: int) -> None:
    """Lets a demo Sam work on slices of another size; its weights know no size.

    Args:
        sam: The network.
        size: Pixels a side.
    """
    grid = size // STRIDE
    sam.image_encoder.img_size = size
    sam.prompt_encoder.input_image_size = (size, size)
    sam.prompt_encoder.image_embedding_size = (grid, grid)
    sam.prompt_encoder.mask_input_size = (4 * grid, 4 * grid)


class Learner(nn.Module):
    """A demo Sam with auxiliary heads on the image embedding; the heads are not shipped.

    They ask of every token where the borders in it run, what box its structure would be given,
    and which other tokens belong with it: what the decoder needs, taught without the decoder.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sam = build_demo_sam()
        self.boundary = nn.Conv2d(PROMPT_DIM, 16, 1)
        self.extent = nn.Conv2d(PROMPT_DIM, 4, 1)
        self.likeness = nn.Conv2d(PROMPT_DIM, 48, 1)
        self.likeness_scale = nn.Parameter(torch.tensor([6.0, -3.0]))

    def forward(self, images: torch.Tensor, boxes: torch.Tensor) -> dict[str, torch.Tensor]:
        """Segments boxes on slices, and asks the heads.

        Args:
            images: (B, 3, S, S) in [0, 1].
            boxes: (B, K, 4) in pixels.

        Returns:
            'logits' (B, K, S/2, S/2), 'iou' (B, K), and the heads' 'boundary' (B, S/2, S/2), 'extent' (B, 4, S/8, S/8)
            and
            'likeness' (B, 48, S/8, S/8).
        """
        b, k = boxes.shape[:2]
        sam = self.sam
        embedding = sam.image_encoder(images)
        flat = boxes.reshape(b * k, 4)
        sparse, dense = sam.prompt_encoder(points=None, boxes=flat, masks=box_mask_prompt(flat, sam))
        # The decoder takes one image at a time, and uses only the sum of embedding and dense prompt.
        # So the embeddings are added to the prompts, and the decoder gets zeros as its image.
        logits, iou = sam.mask_decoder(
            image_embeddings=torch.zeros_like(embedding[:1]),
            image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense + embedding.repeat_interleave(k, dim=0),
            multimask_output=False,
        )
        return {
            "logits": logits.view(b, k, *logits.shape[-2:]),
            "iou": iou.view(b, k),
            "boundary": F.pixel_shuffle(self.boundary(embedding), 4)[:, 0],
            "extent": self.extent(embedding),
            "likeness": self.likeness(embedding),
        }
