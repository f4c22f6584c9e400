"""From a name or a file to a model that is ready to segment."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import ModelError, ResourceError
from ..model_input.convention import InputConvention, Preparation
from . import demo_encoder, lite_medsam, sam_vit
from .checkpoint_file import read_state, sha256_of
from .registry import REGISTRY, RegisteredModel
from .store import ModelStore


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory.

    sam: segment-anything's `Sam` (or a relative with the same three parts), in evaluation mode, on `device`.
    convention: how it wants its images. checksum_sha256: of the file its weights came from.
    note: what the user should know about how the file was understood; empty where nothing.
    """

    name: str
    title: str
    architecture: str
    sam: nn.Module
    convention: InputConvention
    checksum_sha256: str
    device: torch.device
    note: str = ""


def load_model(
    name_or_path: str | Path, store: ModelStore | None = None, device: str | torch.device = "cpu"
) -> LoadedModel:
    """The model of a registered name (from the store, or bundled), or of any checkpoint file, known by its own keys.

    Raises ModelError where there is no such model or file, it is damaged or unsafe, or of an unknown kind.
    """
    store = store or ModelStore()
    entry = next((e for e in REGISTRY if e.name == str(name_or_path)), None)
    path = store.path_of(entry) if entry else Path(name_or_path)
    if entry and not path.is_file():
        raise ModelError(
            f"The weights of '{entry.name}' are not on this machine; fetch them with 'medxai models download {entry.name}', or put the file {entry.file_name} from {entry.page} into '{store.folder}'."
        )
    if not entry and not path.is_file():
        names = ", ".join(e.name for e in REGISTRY)
        raise ModelError(
            f"There is neither a model nor a checkpoint file '{name_or_path}'; choose one of {names}, or check the path."
        )
    try:
        state = read_state(path)
        sam, architecture = _network_for(state, path)
        checksum = sha256_of(path)
        entry = entry or next((e for e in REGISTRY if e.sha256 == checksum), None)
        return _loaded(sam.to(device), architecture, entry, path, checksum, torch.device(device))
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ResourceError(
            f"There is not enough memory to load '{path.name}'; close other programs or choose a smaller model."
        ) from error


def _network_for(state: dict[str, Tensor], path: Path) -> tuple[nn.Module, str]:
    try:
        if sam_vit.is_sam_vit(state):
            shape = sam_vit.shape_of(state)
            return sam_vit.load_sam_vit(state), _vit_name(shape)
        if lite_medsam.is_lite_medsam(state):
            return lite_medsam.load_lite_medsam(state), "LiteMedSAM TinyViT"
        if demo_encoder.is_demo(state):
            return demo_encoder.load_demo_sam(state), "MedXAI demo encoder"
    except RuntimeError as error:  # torch's list of missing, unexpected and misshapen tensors
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"'{path.name}' does not fit the network that its names announce ({reason}); use an unchanged checkpoint of one of the known models."
        ) from error
    raise ModelError(
        f"'{path.name}' is no checkpoint of a model that MedXAI knows (SAM or MedSAM with a ViT encoder, LiteMedSAM, the demo model); use one of these."
    )


def _vit_name(shape: sam_vit.SamVitShape) -> str:
    named = {sam_vit.SAM_VIT_B: "SAM ViT-B", sam_vit.SAM_VIT_L: "SAM ViT-L", sam_vit.SAM_VIT_H: "SAM ViT-H"}
    return named.get(shape, f"SAM ViT (width {shape.width}, depth {shape.depth}, {shape.image_size_px} px)")


def _loaded(
    sam: nn.Module, architecture: str, entry: RegisteredModel | None, path: Path, checksum: str, device: torch.device
) -> LoadedModel:
    for parameter in sam.parameters():
        parameter.requires_grad_(False)
    if entry:
        return LoadedModel(entry.name, entry.title, architecture, sam, entry.convention, checksum, device)
    size = int(sam.image_encoder.img_size)
    lite = architecture.startswith("LiteMedSAM")
    convention = InputConvention(Preparation.LITE_MEDSAM if lite else Preparation.MEDSAM, size)
    note = f"'{path.name}' is not in the registry; its images are prepared as {'LiteMedSAM' if lite else 'MedSAM'} wants them."
    return LoadedModel(path.stem, path.name, architecture, sam, convention, checksum, device, note)
