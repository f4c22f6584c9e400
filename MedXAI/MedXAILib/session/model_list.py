"""The models that can be chosen, and whether their weights are on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medxai.models.default_model import best_of
from medxai.models.family import Pace
from medxai.models.registry import families
from medxai.models.store import ModelStore


@dataclass(frozen=True)
class ModelStatus:
    """One choice of the model list.

    Attributes:
        name: What `load_model` takes.
        title: What the user reads.
        path: Where the weights are, or would be.
        is_here: Whether they are.
        can_download: Whether an address is known.
        is_downloaded: Whether the file was fetched into the model folder and may be removed.
        size_bytes: Of the download, 0 where it is not published.
        page: Where a person finds the weights.
        pace: None for a file whose architecture is known only after loading.
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


def model_statuses(store: ModelStore, chosen: str) -> tuple[ModelStatus, ...]:
    """Every registered model, and the chosen checkpoint file where one is chosen."""
    known = tuple(
        ModelStatus(
            entry.name,
            entry.title,
            store.path_of(entry),
            store.has(entry),
            bool(entry.sources),
            entry.bundled is None and store.path_of(entry).is_file(),  # half of it can be removed, too
            entry.size_bytes,
            entry.page,
            family.pace(entry.architecture),
        )
        for family in families()
        for entry in family.checkpoints
    )
    if not chosen or any(model.name == chosen for model in known):
        return known
    path = Path(chosen)
    return (*known, ModelStatus(chosen, path.name, path, path.is_file(), False, False, 0, "", None))


def preferred(models: Sequence[ModelStatus]) -> str:
    """The best model whose weights are here; the demo model where none is."""
    return best_of({model.name for model in models if model.is_here})
