"""The checkpoints that MedXAI knows by name."""

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ModelError
from ..model_input.convention import InputConvention, Preparation


@dataclass(frozen=True)
class RegisteredModel:
    """One checkpoint: what it is, how it wants its images, where it comes from and how to know it again.

    sources: addresses of the file itself, tried in order. page: where a person finds it.
    sha256, md5: as published; where neither is known, the size alone is checked and the report says so.
    prompts: what the model is told of a box; the explainer's prompt embedding covers all of it.
    """

    name: str
    title: str
    architecture: str
    convention: InputConvention
    file_name: str
    size_bytes: int
    licence: str
    page: str
    sources: tuple[str, ...] = ()
    sha256: str | None = None
    md5: str | None = None
    prompts: str = "box corners (indexes of the first and last pixels)"
    bundled: Path | None = field(default=None, compare=False)


_MEDSAM_1024 = InputConvention(Preparation.MEDSAM, 1024)
_SAM_1024 = InputConvention(Preparation.SAM, 1024)
_WEIGHTS = Path(__file__).parent / "weights"
_META = "https://dl.fbaipublicfiles.com/segment_anything/"
_SAM_PAGE = "https://github.com/facebookresearch/segment-anything"
_MEDSAM_PAGE = "https://github.com/bowang-lab/MedSAM"

# The hex in the names of SAM's own files is the start of their MD5, not of their SHA-256.
REGISTRY = (
    RegisteredModel(
        "demo",
        "MedXAI demo model (small, trained on made-up anatomy)",
        "MedXAI demo encoder",
        InputConvention(Preparation.MEDSAM, 256),
        "medxai_demo.safetensors",
        4_664_040,
        "Apache-2.0",
        "MedXAI/medxai/models/weights/MODEL_CARD.md",
        sha256="92ac9990612daa41c5c7f1ecef6114afcbfdf1f19471764e94a0a708e594d1cc",
        prompts="box corners (far edges), and the box as mask prompt",
        bundled=_WEIGHTS / "medxai_demo.safetensors",
    ),
    RegisteredModel(
        "medsam",
        "MedSAM ViT-B",
        "SAM ViT-B",
        _MEDSAM_1024,
        "medsam_vit_b.pth",
        375_049_145,
        "Apache-2.0",
        _MEDSAM_PAGE,
        ("https://zenodo.org/records/10689643/files/medsam_vit_b.pth",),
        md5="3bb6db55bd0c9ca30b61248bca72f8d6",
    ),
    RegisteredModel(
        "medsam-hf",
        "MedSAM ViT-B (Hugging Face naming)",
        "SAM ViT-B",
        _MEDSAM_1024,
        "medsam_vit_base.safetensors",
        0,
        "Apache-2.0",
        "https://huggingface.co/wanglab/medsam-vit-base",
        ("https://huggingface.co/wanglab/medsam-vit-base/resolve/main/model.safetensors",),
    ),
    RegisteredModel(
        "litemedsam",
        "LiteMedSAM (TinyViT, 256 px)",
        "LiteMedSAM TinyViT",
        InputConvention(Preparation.LITE_MEDSAM, 256),
        "lite_medsam.pth",
        0,
        "Apache-2.0",
        "https://github.com/bowang-lab/MedSAM/tree/LiteMedSAM",
        ("https://huggingface.co/GleghornLab/medsam-vit-b/resolve/main/lite_medsam.pth",),
        sha256="79d8c9dca6db4d69d3f905579e5250af05e859fff9c1f543e89a513c3028ce76",
    ),
    RegisteredModel(
        "sam-vit-b",
        "SAM ViT-B",
        "SAM ViT-B",
        _SAM_1024,
        "sam_vit_b_01ec64.pth",
        375_042_383,
        "Apache-2.0",
        _SAM_PAGE,
        (_META + "sam_vit_b_01ec64.pth",),
        sha256="ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        md5="01ec64d29a2fca3f0661936605ae66f8",
    ),
    RegisteredModel(
        "sam-vit-l",
        "SAM ViT-L",
        "SAM ViT-L",
        _SAM_1024,
        "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "Apache-2.0",
        _SAM_PAGE,
        (_META + "sam_vit_l_0b3195.pth",),
        sha256="3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        md5="0b3195507c641ddb6910d2bb5adee89c",
    ),
    RegisteredModel(
        "sam-vit-h",
        "SAM ViT-H",
        "SAM ViT-H",
        _SAM_1024,
        "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "Apache-2.0",
        _SAM_PAGE,
        (_META + "sam_vit_h_4b8939.pth",),
        sha256="a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        md5="4b8939a88964f0f4ff5f5b2642c598a6",
    ),
)


def registered(name: str) -> RegisteredModel:
    """The entry of that name. Raises ModelError, naming those there are."""
    for entry in REGISTRY:
        if entry.name == name:
            return entry
    raise ModelError(
        f"There is no model '{name}'; choose one of {', '.join(e.name for e in REGISTRY)}, or give a checkpoint file."
    )
