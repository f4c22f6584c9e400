"""What belongs to the user and the machine instead of the scene, in the application's settings."""

from pathlib import Path

import qt

from ..session.choices import ENCODERS

_MODEL_FOLDER = "MedXAI/ModelFolder"
_DEVICE = "MedXAI/Device"
_ENCODER = "MedXAI/Encoder"
_LOOK_AHEAD = "MedXAI/LookAhead"
_BUDGET_MB = "MedXAI/EncodingBudgetMB"
_DEPTH = "MedXAI/BoxDepthSlices"
_FOLDED = "MedXAI/FoldedParts"
_EXPORT_FOLDER = "MedXAI/ExportFolder"
DEVICES = ("auto", "cpu", "cuda", "mps")
DEFAULT_BUDGET_MB = 512


class Preferences:
    """Reads and writes the settings; a value that makes no sense counts as not set."""

    @property
    def model_folder(self) -> Path | None:
        """Where weights are kept; None for the platform's usual place."""
        text = qt.QSettings().value(_MODEL_FOLDER, "")
        return Path(text) if text else None

    @model_folder.setter
    def model_folder(self, folder: Path | None) -> None:
        qt.QSettings().setValue(_MODEL_FOLDER, str(folder) if folder else "")

    @property
    def device(self) -> str:
        """One of `DEVICES`."""
        text = qt.QSettings().value(_DEVICE, "auto")
        return text if text in DEVICES else "auto"

    @device.setter
    def device(self, device: str) -> None:
        qt.QSettings().setValue(_DEVICE, device)

    @property
    def encoder(self) -> str:
        """One of `ENCODERS`."""
        text = qt.QSettings().value(_ENCODER, "exact")
        return text if text in ENCODERS else "exact"

    @encoder.setter
    def encoder(self, encoder: str) -> None:
        qt.QSettings().setValue(_ENCODER, encoder)

    @property
    def look_ahead(self) -> bool:
        """Whether idle time goes to the slices around."""
        return str(qt.QSettings().value(_LOOK_AHEAD, True)).lower() != "false"

    @look_ahead.setter
    def look_ahead(self, is_on: bool) -> None:
        qt.QSettings().setValue(_LOOK_AHEAD, bool(is_on))

    @property
    def budget_mb(self) -> int:
        """Memory for encoded slices, in megabytes."""
        try:
            return max(int(qt.QSettings().value(_BUDGET_MB, DEFAULT_BUDGET_MB)), 1)
        except (TypeError, ValueError):
            return DEFAULT_BUDGET_MB

    @budget_mb.setter
    def budget_mb(self, megabytes: int) -> None:
        qt.QSettings().setValue(_BUDGET_MB, int(megabytes))

    @property
    def depth_slices(self) -> int:
        """How many slices a new box reaches through."""
        try:
            return max(int(qt.QSettings().value(_DEPTH, 1)), 1)
        except (TypeError, ValueError):
            return 1

    @depth_slices.setter
    def depth_slices(self, slices: int) -> None:
        qt.QSettings().setValue(_DEPTH, int(slices))

    @property
    def export_folder(self) -> str:
        """Where the last export went; the home folder at first."""
        return str(qt.QSettings().value(_EXPORT_FOLDER, "") or Path.home())

    @export_folder.setter
    def export_folder(self, folder: str) -> None:
        qt.QSettings().setValue(_EXPORT_FOLDER, folder)

    @property
    def folded_parts(self) -> tuple[str, ...] | None:
        """Names of the parts of the panel that the user has folded away; None where nothing is remembered."""
        text = qt.QSettings().value(_FOLDED, None)
        return None if text is None else tuple(name for name in str(text).split(" ") if name)

    @folded_parts.setter
    def folded_parts(self, names: tuple[str, ...]) -> None:
        qt.QSettings().setValue(_FOLDED, " ".join(names))
