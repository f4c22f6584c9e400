"""segment-anything's mask decoder, small and with random weights, and what it says of random prompts."""

import torch
from torch import nn

from medxai.models.segment_anything_import import modeling
from medxai.segmentation.attention import PromptAttention

GRID = (6, 9)
SHAPES = {
    "as in SAM": {},
    "one layer": dict(depth=1),
    "three layers, two heads": dict(depth=3, heads=2),
    "ReLU": dict(activation=nn.ReLU),
    "one mask": dict(masks=1),
}


def decoder(width=32, depth=2, heads=8, activation=nn.GELU, masks=3) -> nn.Module:
    torch.manual_seed(1)
    parts = modeling()
    transformer = parts.TwoWayTransformer(depth=depth, embedding_dim=width, num_heads=heads, mlp_dim=48)
    made = parts.MaskDecoder(
        transformer_dim=width, transformer=transformer, num_multimask_outputs=masks, activation=activation
    )
    for name, parameter in made.named_parameters():
        if "norm" in name or name.endswith("bias") or ".1.weight" in name:
            parameter.data += torch.randn_like(parameter) * 0.3  # nothing is one or zero as at the start
        else:
            parameter.data *= 2
    return made.double().eval().requires_grad_(False)


def prompts(boxes: int, same_dense: bool, width: int = 32):
    generator = torch.Generator().manual_seed(2)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    dense = random(1, width, *GRID).expand(boxes, -1, -1, -1) if same_dense else random(boxes, width, *GRID)
    return random(1, width, *GRID), random(1, width, *GRID), random(boxes, 2, width), dense


def own(mask_decoder, embedding, pe, sparse, dense):
    with torch.inference_mode(), PromptAttention(mask_decoder) as attention:
        logits, iou_estimate = mask_decoder(embedding, pe, sparse, dense, multimask_output=False)
        return logits[:, 0], attention.mean(), iou_estimate[:, 0]
