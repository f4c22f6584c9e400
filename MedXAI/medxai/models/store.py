"""The folder where downloaded checkpoints live."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .checkpoint import Checkpoint

try:
    import platformdirs
except ModuleNotFoundError:  # in Slicer the panel names the folder before packages are installed; pip has its own copy
    from pip._vendor import platformdirs  # type: ignore[no-redef]


def default_folder() -> Path:
    """MEDXAI_MODELS where it is set, else the user's cache folder of the platform."""
    if os.environ.get("MEDXAI_MODELS"):
        return Path(os.environ["MEDXAI_MODELS"])
    # The same folders as in earlier versions, so that weights are found again. opinion=False: no sub-folder 'Cache' on Windows.
    name = "MedXAI" if sys.platform in ("win32", "darwin") else "medxai"
    return Path(platformdirs.user_cache_dir(name, appauthor=False, opinion=False)) / "models"


@dataclass(frozen=True)
class ModelStore:
    """Where a registered model's file is, or would be."""

    folder: Path = field(default_factory=default_folder)

    def path_of(self, entry: Checkpoint) -> Path:
        return entry.bundled or self.folder / entry.file_name

    def has(self, entry: Checkpoint) -> bool:
        """Whether its file is there in its published size; its checksum is compared when it is loaded."""
        path = self.path_of(entry)
        return path.is_file() and entry.fits_size(path)

    def remove(self, entry: Checkpoint) -> None:
        """Deletes a downloaded checkpoint; a bundled one stays."""
        if entry.bundled is None:
            self.path_of(entry).unlink(missing_ok=True)
