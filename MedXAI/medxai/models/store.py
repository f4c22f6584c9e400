"""The folder where downloaded checkpoints live."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .checkpoint import Checkpoint


def default_folder() -> Path:
    """MEDXAI_MODELS where it is set, else the user's cache folder of the platform."""
    if os.environ.get("MEDXAI_MODELS"):
        return Path(os.environ["MEDXAI_MODELS"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "MedXAI" / "models"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "MedXAI" / "models"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "medxai" / "models"


@dataclass(frozen=True)
class ModelStore:
    """Where a registered model's file is, or would be."""

    folder: Path = field(default_factory=default_folder)

    def path_of(self, entry: Checkpoint) -> Path:
        return entry.bundled or self.folder / entry.file_name

    def has(self, entry: Checkpoint) -> bool:
        return self.path_of(entry).is_file()

    def remove(self, entry: Checkpoint) -> None:
        """Deletes a downloaded checkpoint; a bundled one stays."""
        if entry.bundled is None:
            self.path_of(entry).unlink(missing_ok=True)
