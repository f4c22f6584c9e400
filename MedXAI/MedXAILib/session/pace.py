"""How long new slices took lately, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from medxai.request import ModelChoice

#: A model that needs less than this for a new slice follows the slice on its own.
FAST_SECONDS = 1.0
#: A model that needs more than this for a new slice, or has not shown what it needs, gives a preview first.
PREVIEW_SECONDS = 3.0
#: Slices that are remembered. A busy moment makes one of them slow; a model that is slow is slow in all of them.
_REMEMBERED = 5


@dataclass(frozen=True)
class Paces:
    """The times of the last new slices, by the choice of model.

    Attributes:
        seconds: By choice, the latest last.
    """

    seconds: Mapping[ModelChoice, tuple[float, ...]] = field(default_factory=dict)

    def with_slice(self, choice: ModelChoice, seconds: float) -> "Paces":
        """The same with one more slice."""
        recent = (*self.seconds.get(choice, ()), seconds)[-_REMEMBERED:]
        return replace(self, seconds={**self.seconds, choice: recent})

    def last(self, choice: ModelChoice) -> float | None:
        """How long the last new slice took, in seconds; None where there was none."""
        recent = self.seconds.get(choice)
        return recent[-1] if recent else None

    def own(self, choice: ModelChoice) -> float:
        """What the model itself needs, in seconds: the best of the last slices; infinite where there was none."""
        return min(self.seconds.get(choice, ()), default=float("inf"))

    def is_fast(self, choice: ModelChoice) -> bool:
        """Whether the maps may follow the slice unasked."""
        return self.own(choice) < FAST_SECONDS

    def needs_preview(self, choice: ModelChoice) -> bool:
        """Whether a preview comes before the full maps."""
        return self.own(choice) > PREVIEW_SECONDS
