"""Several organs on one slice that were explained in one go, and which box of the scene each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from medxai.organ_codes import Organ
from medxai.organs_on_slice import OrganExplanation, organs_of
from medxai.results import SliceExplanation

from .snapshot import ExplanationKey


@dataclass(frozen=True, eq=False)
class ExplainedOrgans:
    """Organs on one slice.

    Attributes:
        keys: What each depends on; its origin names the region.
        organs: In the same order.
    """

    keys: tuple[ExplanationKey, ...]
    organs: tuple[OrganExplanation, ...]

    @classmethod
    def of(
        cls, keys: Sequence[ExplanationKey], organs: Sequence[Organ], results: Sequence[SliceExplanation]
    ) -> ExplainedOrgans:
        """Puts together what each organ depends on, what it is, and what came of it."""
        return cls(tuple(keys), organs_of(organs, results))

    def result_at(self, key: ExplanationKey) -> SliceExplanation | None:
        """What was explained for the same box of the same region; None where it was not, or one of them has changed."""
        found = zip(self.keys, self.organs, strict=True)
        return next((one.explanation for own, one in found if own == key and _region(own) == _region(key)), None)

    def holds(self, result: SliceExplanation | None) -> bool:
        """Whether a result is one of them, perhaps with more maps or with the second half of its contour check."""
        return result is not None and any(one.explanation.segmentation is result.segmentation for one in self.organs)

    def with_result(self, key: ExplanationKey, result: SliceExplanation) -> ExplainedOrgans:
        """The same with a new result of one of the regions, whose box was moved; unchanged where it is of something else.

        Args:
            key: What the result depends on.
            result: Of one box.
        """
        for number, own in enumerate(self.keys):
            if _region(own) == _region(key) and replace(own, box=key.box) == key:
                keys, organs = list(self.keys), list(self.organs)
                named = replace(result, organ=organs[number].organ.name)
                keys[number], organs[number] = key, replace(organs[number], explanation=named)
                return ExplainedOrgans(tuple(keys), tuple(organs))
        return self


def _region(key: ExplanationKey) -> Any:
    return getattr(key.origin, "roi", None)
