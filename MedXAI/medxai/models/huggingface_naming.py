"""The same SAM weights under the names that the transformers library gives them."""

import re
from collections.abc import Mapping

from torch import Tensor

#: Patterns of transformers' names and segment-anything's name for the same tensor, tried in order.
_RENAMING = [
    (r"^shared_image_embedding\.positional_embedding$", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"^vision_encoder\.patch_embed\.projection\.", "image_encoder.patch_embed.proj."),
    (r"^vision_encoder\.pos_embed$", "image_encoder.pos_embed"),
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm([12])\.", r"image_encoder.blocks.\1.norm\2."),
    (r"^vision_encoder\.layers\.(\d+)\.", r"image_encoder.blocks.\1."),
    (r"^vision_encoder\.neck\.conv1\.", "image_encoder.neck.0."),
    (r"^vision_encoder\.neck\.layer_norm1\.", "image_encoder.neck.1."),
    (r"^vision_encoder\.neck\.conv2\.", "image_encoder.neck.2."),
    (r"^vision_encoder\.neck\.layer_norm2\.", "image_encoder.neck.3."),
    (r"^prompt_encoder\.point_embed\.", "prompt_encoder.point_embeddings."),
    (r"^prompt_encoder\.mask_embed\.conv1\.", "prompt_encoder.mask_downscaling.0."),
    (r"^prompt_encoder\.mask_embed\.layer_norm1\.", "prompt_encoder.mask_downscaling.1."),
    (r"^prompt_encoder\.mask_embed\.conv2\.", "prompt_encoder.mask_downscaling.3."),
    (r"^prompt_encoder\.mask_embed\.layer_norm2\.", "prompt_encoder.mask_downscaling.4."),
    (r"^prompt_encoder\.mask_embed\.conv3\.", "prompt_encoder.mask_downscaling.6."),
    (r"^mask_decoder\.upscale_conv1\.", "mask_decoder.output_upscaling.0."),
    (r"^mask_decoder\.upscale_layer_norm\.", "mask_decoder.output_upscaling.1."),
    (r"^mask_decoder\.upscale_conv2\.", "mask_decoder.output_upscaling.3."),
    (r"^mask_decoder\.transformer\.layers\.(\d+)\.layer_norm([1234])\.", r"mask_decoder.transformer.layers.\1.norm\2."),
    (r"^mask_decoder\.transformer\.layer_norm_final_attn\.", "mask_decoder.transformer.norm_final_attn."),
]

#: Within an MLP head: first and last layer have names, the middle ones numbers from 0.
_HEAD = re.compile(
    r"^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head))\.(proj_in|proj_out|layers\.(\d+))\.(.+)$"
)

#: A copy of the positional encoding that segment-anything keeps once.
_DUPLICATE = "prompt_encoder.shared_embedding.positional_embedding"


def is_huggingface_naming(state: Mapping[str, Tensor]) -> bool:
    """Whether a checkpoint has the names of the transformers library.

    Args:
        state: Tensors by name.
    """
    return "vision_encoder.patch_embed.projection.weight" in state


def to_segment_anything_naming(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under segment-anything's names; a name without a known counterpart stays as it is.

    Args:
        state: Tensors by the names of transformers.
    """
    renamed = {}
    for name, tensor in state.items():
        if name != _DUPLICATE:
            renamed[_renamed(name, state)] = tensor
    return renamed


def _renamed(name: str, state: Mapping[str, Tensor]) -> str:
    head = _HEAD.match(name)
    if head:
        prefix, layer, number, rest = head.groups()
        middle = sum(key.startswith(f"{prefix}.layers.") and key.endswith(".weight") for key in state)
        index = {"proj_in": 0, "proj_out": middle + 1}.get(layer, int(number or 0) + 1)
        return f"{prefix}.layers.{index}.{rest}"
    for pattern, replacement in _RENAMING:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name
