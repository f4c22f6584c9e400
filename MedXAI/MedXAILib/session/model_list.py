"""The models that can be chosen, and whether their weights are on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medxai.models.store import ModelStore

#: The models in the order of preference where the user has chosen none.
_PREFERRED = ("medsam", "medsam-hf", "litemedsam", "demo")


class Pace(str, Enum):
    """What to expect of a model on a CPU for a slice that it has not seen yet."""

    INSTANT = "instant"
    SECONDS = "seconds"
    HALF_MINUTE = "half a minute"
    MINUTES = "minutes"


_PACES = {
    "MedXAI demo encoder": Pace.INSTANT,
    "LiteMedSAM TinyViT": Pace.INSTANT,
    "SAM ViT-B": Pace.SECONDS,
    "SAM ViT-L": Pace.HALF_MINUTE,
    "SAM ViT-H": Pace.MINUTES,
}


@dataclass(frozen=True)
class ModelStatus:
    """One choice of the model list.

    name: what `load_model` takes. size_bytes: of the download, 0 where it is not published. can_download: an address
    is known. is_downloaded: the file was fetched into the model folder and may be removed. pace: None for a file whose
    architecture shows only when it is loaded.
    """

    name: str
    title: str
    path: Path
    is_here: bool
    can_download: bool
    is_downloaded: bool
    size_bytes: int
    page: str
    pace: Pace | None


def model_statuses(store: "ModelStore", chosen: str) -> tuple[ModelStatus, ...]:
    """Every registered model, and the chosen checkpoint file where one is chosen."""
    from medxai.models.registry import REGISTRY

    known = tuple(
        ModelStatus(
            entry.name,
            entry.title,
            store.path_of(entry),
            store.has(entry),
            bool(entry.sources),
            entry.bundled is None and store.has(entry),
            entry.size_bytes,
            entry.page,
            _PACES.get(entry.architecture),
        )
        for entry in REGISTRY
    )
    if not chosen or any(model.name == chosen for model in known):
        return known
    path = Path(chosen)
    return (*known, ModelStatus(chosen, path.name, path, path.is_file(), False, False, 0, "", None))


def preferred(models: Sequence[ModelStatus]) -> str:
    """The best model whose weights are here; the demo model where none is."""
    here = {model.name for model in models if model.is_here}
    return next((name for name in _PREFERRED if name in here), "demo")
