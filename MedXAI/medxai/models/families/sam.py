"""SAM with a plain ViT encoder, and MedSAM, which has the same network and other weights."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ...model_input.frame import ModelInput
from ..checkpoint import Checkpoint
from ..family import ModelFamily, Pace
from ..network_type import Network
from ..registry import model_family

if TYPE_CHECKING:
    from torch import Tensor

_PACES = {"SAM ViT-B": Pace.SECONDS, "SAM ViT-L": Pace.HALF_MINUTE, "SAM ViT-H": Pace.MINUTES}
_META = "https://dl.fbaipublicfiles.com/segment_anything/"
_SAM_PAGE = "https://github.com/facebookresearch/segment-anything"


class _SamVit(ModelFamily):
    """Any SAM with a ViT encoder, in segment-anything's naming or in that of the transformers library."""

    def recognises(self, names: Collection[str]) -> bool:
        return (
            "image_encoder.patch_embed.proj.weight" in names and "image_encoder.blocks.0.attn.qkv.weight" in names
        ) or "vision_encoder.patch_embed.projection.weight" in names

    def build(self, state: "Mapping[str, Tensor]") -> "tuple[Network, str]":
        from ..huggingface_naming import is_huggingface_naming, to_segment_anything_naming
        from ..networks.sam_vit import load_sam_vit, name_of, shape_of

        state = to_segment_anything_naming(state) if is_huggingface_naming(state) else state
        return load_sam_vit(state), name_of(shape_of(state))

    def pace(self, architecture: str) -> Pace | None:
        return _PACES.get(architecture)


@model_family
class MedSam(_SamVit):
    """MedSAM: SAM ViT-B fine-tuned on medical images. An unknown SAM ViT is taken for one too."""

    key, title = "medsam", "MedSAM"
    preference = 30
    preparations: ClassVar = dict.fromkeys(
        ("default", "official"), "stretched to the square, cubic, as MedSAM's authors do it"
    )
    checkpoints = (
        Checkpoint(
            "medsam",
            "MedSAM ViT-B",
            "SAM ViT-B",
            "medsam_vit_b.pth",
            375_049_145,
            "Apache-2.0",
            "https://github.com/bowang-lab/MedSAM",
            ("https://zenodo.org/records/10689643/files/medsam_vit_b.pth",),
            md5="3bb6db55bd0c9ca30b61248bca72f8d6",
        ),
        Checkpoint(
            "medsam-hf",
            "MedSAM ViT-B (Hugging Face naming)",
            "SAM ViT-B",
            "medsam_vit_base.safetensors",
            0,
            "Apache-2.0",
            "https://huggingface.co/wanglab/medsam-vit-base",
            ("https://huggingface.co/wanglab/medsam-vit-base/resolve/main/model.safetensors",),
        ),
    )

    def prepare(self, grey: np.ndarray, size_px: int, preparation: str = "default") -> ModelInput:
        from ...model_input.preparing import stretched

        return stretched(grey, size_px)


@model_family
class Sam(_SamVit):
    """SAM as Meta published it, trained on photographs."""

    key, title = "sam", "SAM"
    preparations: ClassVar = {
        "default": "longest side to the square, bilinear, ImageNet's mean removed, as SAM's authors do it"
    }
    # The hex in the names of SAM's own files is the start of their MD5, not of their SHA-256.
    checkpoints = (
        Checkpoint(
            "sam-vit-b",
            "SAM ViT-B",
            "SAM ViT-B",
            "sam_vit_b_01ec64.pth",
            375_042_383,
            "Apache-2.0",
            _SAM_PAGE,
            (_META + "sam_vit_b_01ec64.pth",),
            sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
            md5="01ec64d29a2fca3f0661936605ae66f8",
        ),
        Checkpoint(
            "sam-vit-l",
            "SAM ViT-L",
            "SAM ViT-L",
            "sam_vit_l_0b3195.pth",
            1_249_524_607,
            "Apache-2.0",
            _SAM_PAGE,
            (_META + "sam_vit_l_0b3195.pth",),
            sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
            md5="0b3195507c641ddb6910d2bb5adee89c",
        ),
        Checkpoint(
            "sam-vit-h",
            "SAM ViT-H",
            "SAM ViT-H",
            "sam_vit_h_4b8939.pth",
            2_564_550_879,
            "Apache-2.0",
            _SAM_PAGE,
            (_META + "sam_vit_h_4b8939.pth",),
            sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
            md5="4b8939a88964f0f4ff5f5b2642c598a6",
        ),
    )

    def prepare(self, grey: np.ndarray, size_px: int, preparation: str = "default") -> ModelInput:
        from ...model_input.preparing import fitted_and_standardised

        return fitted_and_standardised(grey, size_px)
