"""From a name or a file to a model that is ready to segment."""

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ..errors import ModelError, ResourceError
from .checkpoint import sha256_of
from .checkpoint_file import read_state
from .convention import InputConvention
from .default_model import default_model
from .family import ModelFamily
from .network_type import Network
from .registry import checkpoints, families, family_of, family_recognising
from .store import ModelStore


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model in memory.

    Attributes:
        name: As registered, or the file's name without its ending.
        title: What the user reads.
        architecture: The network's name.
        sam: segment-anything's `Sam` (or a relative with the same three parts), in evaluation mode, on `device`.
        convention: How it wants its images and boxes.
        checksum_sha256: Of the file its weights came from.
        device: Where it computes.
        note: What the user should know about how the file was understood; empty where nothing.
        variant: 0 for the weights of the file, a number of its own for each change of them.
    """

    name: str
    title: str
    architecture: str
    sam: Network
    convention: InputConvention
    checksum_sha256: str
    device: torch.device
    note: str = ""
    variant: int = 0

    @property
    def family(self) -> ModelFamily:
        """The family that knows how its images and boxes are prepared."""
        return self.convention.family

    @cached_property
    def image_positions(self) -> Tensor:
        """(1, C, h, w): the positions of the image's tokens. Taken once: they cost a twentieth of the next box."""
        with torch.inference_mode():
            return self.sam.prompt_encoder.get_dense_pe()


_VARIANTS = itertools.count(1)


def with_network(model: LoadedModel, sam: Network, checksum_sha256: str, name: str | None = None) -> LoadedModel:
    """A model with other weights in the same network; encodings of the two are never taken for each other.

    Args:
        model: What it is made from.
        sam: The network with its other weights, in evaluation mode.
        checksum_sha256: What the record says of the weights, in words.
        name: None to keep the model's.
    """
    return replace(model, sam=sam, checksum_sha256=checksum_sha256, name=name or model.name, variant=next(_VARIANTS))


def load_model(
    name_or_path: str | Path | None,
    store: ModelStore | None = None,
    device: str | torch.device = "cpu",
    preparation: str = "default",
) -> LoadedModel:
    """The model of a registered name (from the store, or bundled), or of any checkpoint file, known by its own keys.

    Args:
        name_or_path: None: the best model whose weights are on this machine.
        store: Where the weights are; the user's model folder without it.
        device: Where the model computes.
        preparation: How images and boxes are prepared: 'default', or 'official' for what the model's authors do.

    Raises:
        ModelError: Where there is no such model or file, it is damaged or unsafe, or of an unknown kind.
        InputError: Where the model's family has no such preparation.
        ResourceError: Where there is not enough memory.
    """
    store = store or ModelStore()
    name_or_path = name_or_path or default_model(store)
    known = checkpoints()
    entry = next((one for one in known if one.name == str(name_or_path)), None)
    path = store.path_of(entry) if entry else Path(name_or_path)
    if entry and not path.is_file():
        raise ModelError(
            f"The weights of '{entry.name}' are not on this machine; fetch them with 'medxai models download {entry.name}', or put the file {entry.file_name} from {entry.page} into '{store.folder}'."
        )
    if not entry and not path.is_file():
        names = ", ".join(one.name for one in known)
        raise ModelError(
            f"There is neither a model nor a checkpoint file '{name_or_path}'; choose one of {names}, or check the path."
        )
    try:
        checksum = sha256_of(path)
        if entry and not entry.is_published(path, checksum):
            raise ModelError(
                f"'{path}' is not the published file of '{entry.name}' (its size or checksum differs), so it is damaged or another model; fetch it anew with 'medxai models download {entry.name}', or give a file of your own by its path under another name."
            )
        state = read_state(path)
        entry = entry or next((one for one in known if one.sha256 == checksum), None)
        family = _known(family_of(entry) if entry else family_recognising(state.keys()), state, path)
        sam, architecture = _network(family, state, path)
        sam = sam.to(device)
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise ResourceError(
            f"There is not enough memory to load '{path.name}'; close other programs or choose a smaller model."
        ) from error
    for parameter in sam.parameters():
        parameter.requires_grad_(False)
    convention = InputConvention(family, int(sam.image_encoder.img_size), preparation)
    if entry:
        return LoadedModel(entry.name, entry.title, architecture, sam, convention, checksum, torch.device(device))
    note = f"'{path.name}' is not in the registry; its images are prepared as {family.title} wants them."
    return LoadedModel(path.stem, path.name, architecture, sam, convention, checksum, torch.device(device), note)


def _known(family: ModelFamily | None, state: dict[str, Tensor], path: Path) -> ModelFamily:
    if family is None or not family.recognises(state.keys()):
        known = ", ".join(one.title for one in families())
        raise ModelError(f"'{path.name}' is no checkpoint of a model that MedXAI knows ({known}); use one of these.")
    return family


def _network(family: ModelFamily, state: dict[str, Tensor], path: Path) -> tuple[Network, str]:
    try:
        return family.build(state)
    except RuntimeError as error:  # torch's list of missing, unexpected and misshapen tensors
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"'{path.name}' does not fit the network that its names announce ({reason}); use an unchanged checkpoint of one of the known models."
        ) from error
