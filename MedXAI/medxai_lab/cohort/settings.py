"""What the metrics of a cohort follow from: everything but how many workers share the work."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from medxai import __version__
from medxai.errors import InputError
from medxai.metrics.plan import EvaluationPlan
from medxai.request import ModelChoice

from .cases import CaseChoice


@dataclass(frozen=True)
class CohortSettings:
    """The settings of a cohort.

    Attributes:
        dataset: its folder.
        layout: a key of `datasets.catalogue.LAYOUTS`.
        model: a registered name or a file.
        model_sha256: checksum of its file.
        explainers: their names.
        plan: which metrics.
        choice: which cases.
        preset: spatial weighting of stage 3.
        layers: None for the model's default ones.
        preparation: how the model's images are prepared.
        threads: of torch in every worker; another number may change last digits.
        device: where the model computes: 'cpu', 'cuda' or 'mps'; another one may change last digits.
        version: of MedXAI.

    Raises:
        InputError: Where a number makes no sense.
    """

    dataset: str
    layout: str
    model: str
    model_sha256: str
    explainers: tuple[str, ...]
    plan: EvaluationPlan
    choice: CaseChoice
    preset: str = "paper"
    layers: tuple[str, ...] | None = None
    threads: int = 1
    preparation: str = "default"
    device: str = "cpu"
    version: str = __version__

    def __post_init__(self) -> None:
        choice = self.choice
        if choice.slices_per_organ < 1 or choice.smallest_px < 0 or self.threads < 1:
            raise InputError(
                "Slices per organ and threads must be at least 1, the smallest size at least 0; raise them."
            )
        if not 0 <= (choice.jitter_outwards or 0) <= 1:
            raise InputError(f"{choice.jitter_outwards} outwards is no share of a box; give one from 0 to 1.")
        if not 0 <= choice.jitter < 0.5:
            raise InputError(f"A jitter of {choice.jitter} would turn boxes inside out; give one from 0 to below 0.5.")

    def as_json(self) -> dict[str, Any]:
        """Plain values, sets in order."""
        return _plain(asdict(self))

    @property
    def model_choice(self) -> ModelChoice:
        """What every worker's engine is asked for."""
        return ModelChoice(self.model, self.device, preparation=self.preparation)

    @property
    def fingerprint(self) -> str:
        """64 hex digits that differ with any of the settings."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


def differences(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """'model: demo there, medsam now' for every setting that differs, nested ones by their own name."""
    found = []
    for name in sorted(kept.keys() | asked.keys()):
        old, new = kept.get(name), asked.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new)
        elif old != new:
            found.append(f"{name.replace('_', ' ')}: {_short(old)} there, {_short(new)} now")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(str(one) for one in value)
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else value


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:77] + "…"
