"""What other people's explainers explain: the mean logit inside the mask that the model itself predicted."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ..engine import SliceExplanation
from ..errors import Cancelled, InputError

IsCancelled = Callable[[], bool]

#: Images that go through the encoder together; more only grows the memory.
BATCH = 8


def never() -> bool:
    """For work that nobody can cancel."""
    return False


def mean_weights(result: SliceExplanation) -> np.ndarray:
    """(4h, 4w) float32, 1 / area inside the predicted mask (logits above 0) and 0 elsewhere, so that Σ weight · logit is the score.

    Raises InputError where the model segmented nothing.
    """
    mask = result.segmentation.logits > 0
    if not mask.any():
        raise InputError(
            "The model segmented nothing in this box, so there is no mask whose logits could be explained; draw another box."
        )
    return (mask / mask.sum()).astype(np.float32)


class MaskScore(nn.Module):
    """Images (B, 3, S, S) → scores (B,): the mean logit inside the mask. Raises Cancelled before a pass."""

    def __init__(self, segmenter: nn.Module, weights: np.ndarray, is_cancelled: IsCancelled = never):
        super().__init__()
        self.segmenter = segmenter
        self._is_cancelled = is_cancelled
        self.register_buffer("weights", torch.from_numpy(weights))

    def forward(self, images: Tensor) -> Tensor:
        if self._is_cancelled():
            raise Cancelled
        return (self.segmenter(images)[:, 0] * self.weights.to(images.device)).sum((1, 2))
