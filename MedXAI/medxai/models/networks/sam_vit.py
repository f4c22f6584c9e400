"""SAM with a plain ViT encoder of any size: its shape read off a state dict, and the empty network for that shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ...errors import ModelError
from ..network_type import Network
from ..segment_anything_import import modeling


@dataclass(frozen=True)
class SamVitShape:
    """What distinguishes one SAM with a ViT encoder from another; ViT-B is the default.

    Attributes:
        image_size_px: Side of the square input.
        patch_size_px: Side of the square that becomes one token.
        width: Channels of a token in the blocks.
        depth: Number of blocks.
        heads: Attention heads of a block.
        global_blocks: Numbers of the blocks with global attention.
        window_tokens: Side of the windows of the others, in tokens.
        embedding_channels: C of the embedding.
        decoder_mlp_width: Hidden channels in the mask decoder.
        iou_head_width: Hidden channels of the head that estimates the mask's quality.
        mask_prompt_channels: Channels of the mask prompt's convolutions.
    """

    image_size_px: int = 1024
    patch_size_px: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    global_blocks: tuple[int, ...] = (2, 5, 8, 11)
    window_tokens: int = 14
    embedding_channels: int = 256
    decoder_mlp_width: int = 2048
    iou_head_width: int = 256
    mask_prompt_channels: int = 16

    @property
    def grid(self) -> int:
        return self.image_size_px // self.patch_size_px


SAM_VIT_B = SamVitShape()
SAM_VIT_L = SamVitShape(width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23))
SAM_VIT_H = SamVitShape(width=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31))


def shape_of(state: Mapping[str, Tensor]) -> SamVitShape:
    """The shape that a SAM state dict was saved from.

    Args:
        state: Tensors by segment-anything's names.

    Raises:
        ModelError: Where the names do not tell.
    """
    try:
        width, _, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
        grid = state["image_encoder.pos_embed"].shape[1]
        depth = 1 + max(int(key.split(".")[2]) for key in state if key.startswith("image_encoder.blocks."))
        tables = [state[f"image_encoder.blocks.{i}.attn.rel_pos_h"].shape for i in range(depth)]
        # A relative position table of n tokens has 2n - 1 rows; global blocks span the whole grid.
        spans = [(rows + 1) // 2 for rows, _ in tables]
        return SamVitShape(
            image_size_px=grid * patch,
            patch_size_px=patch,
            width=width,
            depth=depth,
            heads=width // tables[0][1],
            global_blocks=tuple(i for i, span in enumerate(spans) if span == grid),
            window_tokens=next((span for span in spans if span != grid), 0),
            embedding_channels=state["image_encoder.neck.0.weight"].shape[0],
            decoder_mlp_width=state["mask_decoder.transformer.layers.0.mlp.lin1.weight"].shape[0],
            iou_head_width=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
            mask_prompt_channels=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
        )
    except KeyError as error:
        raise ModelError(
            f"The checkpoint looks like a SAM but lacks {error}; use a checkpoint of the whole model (encoder, prompt encoder and mask decoder)."
        ) from error


def name_of(shape: SamVitShape) -> str:
    """The architecture's name: the usual one where it has one, else its measures."""
    named = {SAM_VIT_B: "SAM ViT-B", SAM_VIT_L: "SAM ViT-L", SAM_VIT_H: "SAM ViT-H"}
    return named.get(shape, f"SAM ViT (width {shape.width}, depth {shape.depth}, {shape.image_size_px} px)")


def build_sam_vit(shape: SamVitShape) -> Network:
    """segment-anything's `Sam` of that shape with random weights, in evaluation mode, on torch's default device."""
    parts = modeling()
    dim = shape.embedding_channels
    return parts.Sam(
        image_encoder=parts.ImageEncoderViT(
            img_size=shape.image_size_px,
            patch_size=shape.patch_size_px,
            embed_dim=shape.width,
            depth=shape.depth,
            num_heads=shape.heads,
            mlp_ratio=4,
            out_chans=dim,
            qkv_bias=True,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=shape.window_tokens,
            global_attn_indexes=shape.global_blocks,
        ),
        prompt_encoder=prompt_encoder_for(dim, shape.grid, shape.image_size_px, shape.mask_prompt_channels),
        mask_decoder=mask_decoder_for(dim, shape.decoder_mlp_width, shape.iou_head_width),
    ).eval()


def prompt_encoder_for(dim: int, grid: int, image_size_px: int, mask_channels: int = 16) -> Network:
    """SAM's prompt encoder with random weights.

    Args:
        dim: Channels of the embedding.
        grid: Side of the embedding's grid, in tokens.
        image_size_px: Side of the square input.
        mask_channels: Channels of the mask prompt's convolutions.
    """
    return modeling().PromptEncoder(
        embed_dim=dim,
        image_embedding_size=(grid, grid),
        input_image_size=(image_size_px, image_size_px),
        mask_in_chans=mask_channels,
    )


def mask_decoder_for(dim: int, mlp_width: int = 2048, iou_head_width: int = 256) -> Network:
    """SAM's mask decoder with random weights.

    Args:
        dim: Channels of the embedding.
        mlp_width: Hidden channels of its transformer.
        iou_head_width: Hidden channels of the head that estimates the mask's quality.
    """
    parts = modeling()
    return parts.MaskDecoder(
        transformer_dim=dim,
        transformer=parts.TwoWayTransformer(depth=2, embedding_dim=dim, num_heads=8, mlp_dim=mlp_width),
        num_multimask_outputs=3,
        iou_head_depth=3,
        iou_head_hidden_dim=iou_head_width,
    )


def load_sam_vit(state: Mapping[str, Tensor]) -> Network:
    """The `Sam` of a state dict in segment-anything's naming; takes the tensors over without copying them."""
    with torch.device("meta"):  # no time and memory for random weights that are replaced at once
        sam = build_sam_vit(shape_of(state))
    sam.load_state_dict(dict(state), strict=True, assign=True)
    # Not part of a state dict; MedXAI prepares images itself, so Sam's own values are never used.
    sam.register_buffer("pixel_mean", torch.zeros(3, 1, 1), persistent=False)
    sam.register_buffer("pixel_std", torch.ones(3, 1, 1), persistent=False)
    return sam.eval()
