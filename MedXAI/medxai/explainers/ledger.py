"""The ledger of the logit: at each place, what the image and each prompt token put into the mask's logit."""

from dataclasses import dataclass

import torch

from ..maps import MapInfo, Need, Role
from ..progress import RunControl
from ..results import SaliencyMap
from ..segmentation.ledger import PARTS, logit_parts
from ..segmentation.prompting import prompt_embeddings
from .base import Case, Explainer
from .registry import register

_SIGN = "below 0 against the mask, above 0 for it"
#: Title and sentence of each part.
_SAID = {
    "image": ("image", "What the image's own tokens put into the mask's logit, without anything of the prompt."),
    "iou": ("IoU token", "What the token put in that estimates the mask's quality."),
    "mask": ("mask token", "What the token put in that the mask is made with."),
    "other-mask-1": ("other mask token 1", "What the first of three tokens for other masks put in."),
    "other-mask-2": ("other mask token 2", "What the second of three tokens for other masks put in."),
    "other-mask-3": ("other mask token 3", "What the third of three tokens for other masks put in."),
    "corner-1": ("first corner", "What the box's first corner put in (its first row and column)."),
    "corner-2": ("second corner", "What the box's second corner put in (its last row and column)."),
    "constant": (
        "constants",
        "The biases, and the vector for no mask prompt: the same for every image and box, but how much of them arrives at a place is not.",
    ),
}


@register
@dataclass(frozen=True)
class Ledger(Explainer):
    """The mask's logits, which the terminal map shows, as nine maps that add up to them."""

    key = "ledger"
    title = "ledger of the logit"
    sentence = (
        "The terminal map as the sum of nine maps: what the image, each prompt token and the constants put in, "
        "attention and slopes held as they are. Complete, but not the only way to book, and not causal."
    )
    role = Role.DECOMPOSITION
    needs = frozenset({Need.DECODER})

    @classmethod
    def map_infos(cls) -> tuple[MapInfo, ...]:
        return tuple(
            MapInfo(cls.key, part, f"ledger: {title}", sentence, cls.role, needs=cls.needs, sign=_SIGN)
            for part, (title, sentence) in _SAID.items()
        )

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        """The nine maps.

        Raises:
            InputError: For another decoder than segment-anything's own.
            Cancelled: The control said so, before it began.
        """
        control.raise_if_cancelled()
        model, encoding = case.model, case.encoding
        corners = model.convention.box_in_model_px(case.box.box, encoding.frame)
        with torch.inference_mode():
            xyxy = torch.from_numpy(corners[None]).to(model.device, torch.float32)
            prompt = prompt_embeddings(model.family, model.sam, xyxy)
            image_pe = model.image_positions
        has_mask_prompt = model.family.has_mask_prompt
        parts = logit_parts(model.sam.mask_decoder, encoding.embedding, image_pe, prompt, has_mask_prompt)
        return tuple(self.saliency(part, map_key=name) for name, part in zip(PARTS, parts.numpy(), strict=True))
