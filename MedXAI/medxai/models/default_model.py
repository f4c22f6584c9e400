"""Which model is taken where the user has chosen none: the same in panel, console and command line."""

from collections.abc import Collection

from .registry import checkpoints, families
from .store import ModelStore

#: Comes with MedXAI, so it is always there.
LAST_RESORT = "demo"
#: What `medxai demo` fetches and the panel offers where only the demo model is here: MedSAM's authors' own small model, 39 MB
#: and about a second a slice. ViT-B takes 375 MB and, without a graphics processor, about eight seconds.
FIRST_DOWNLOAD = "litemedsam"


def default_model(store: ModelStore | None = None) -> str:
    """The name of the best model whose weights are on this machine; the demo model where no other is."""
    store = store or ModelStore()
    return best_of({checkpoint.name for checkpoint in checkpoints() if store.has(checkpoint)})


def best_of(names: Collection[str]) -> str:
    """The best model among these names, by the preference of its family; the demo model where none of them is one."""
    chosen = (one.name for family in families() if family.preference is not None for one in family.checkpoints)
    return next((name for name in chosen if name in names), LAST_RESORT)
