"""The mask decoder's own attention from its prompt to the image, read while it decodes."""

import math
from collections.abc import Callable
from types import TracebackType

import torch
from torch import Tensor

from ..models.network_type import Network


class PromptAttention:
    """Context in which a mask decoder's token-to-image attentions are recorded.

    Both layers' `cross_attn_token_to_image` and the final one are read; of the tokens, mask token 0 (which gives the
    single mask) and the box's two corners. segment-anything orders them IoU, masks, corners.
    """

    def __init__(self, mask_decoder: Network):
        transformer = mask_decoder.transformer
        self._attentions = [layer.cross_attn_token_to_image for layer in transformer.layers]
        self._attentions.append(transformer.final_attn_token_to_image)
        first_corner = 1 + mask_decoder.num_mask_tokens
        self._tokens = [1, first_corner, first_corner + 1]
        self._projected: dict[tuple[int, str], Tensor] = {}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> "PromptAttention":
        for index, attention in enumerate(self._attentions):
            for part in ("q_proj", "k_proj"):
                self._handles.append(getattr(attention, part).register_forward_hook(self._keep(index, part)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _keep(self, index: int, part: str) -> Callable[[Network, tuple[Tensor, ...], Tensor], None]:
        def hook(_module: Network, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            # Only three of the queries are needed; the keys are the image's tokens.
            self._projected[index, part] = output[:, self._tokens] if part == "q_proj" else output

        return hook

    def mean(self) -> Tensor:
        """(B, n): attention to the n image tokens, mean over attentions, heads and the three tokens; each row sums to 1."""
        maps = [self._weights(index, attention.num_heads) for index, attention in enumerate(self._attentions)]
        return torch.stack(maps).mean(0)

    def _weights(self, index: int, heads: int) -> Tensor:
        q, k = (self._projected[index, part].unflatten(-1, (heads, -1)) for part in ("q_proj", "k_proj"))
        scores = torch.einsum("bthc,bnhc->bhtn", q, k) / math.sqrt(q.shape[-1])
        return scores.softmax(dim=-1).mean(dim=(1, 2))
