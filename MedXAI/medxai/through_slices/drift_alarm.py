"""When to stop: signs that the mask is no longer the organ, added up from slice to slice (CUSUM).

Each sign is scaled so that 0 is what clean organs show and 1 is enough alone. After each slice
S = max(0, S + Σ signs − DRAIN); the alarm is S ≥ 1 (one-sided CUSUM: Page, "Continuous inspection schemes", Biometrika 41,
1954). So one strong sign fires at once, weak ones fire when they last, and one weak one is forgotten. The scales were
chosen on made-up volumes (`Resources/docs/through_the_slices.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from .appearance import Appearance, grey_likeness, prototype_likeness

#: What the sum loses on each slice.
DRAIN = 0.15
#: The alarm fires from this sum on.
ALARM_AT = 1.0
#: The sum of one slice's signs counts up to here for each sign.
_MOST = 1.5
#: An organ that has shrunk to this share of its largest area is said to end; a larger one is said to be lost.
_SHRUNK = 0.35


class Sign(StrEnum):
    """What speaks for an alarm, with the words for the reader."""

    LIKENESS = "its features no longer resemble the organ's"
    GREY = "its grey values are other than the organ's"
    GROWTH = "its area grew at one blow"
    PLACE = "it lies elsewhere than on the slice before"
    SOFT = "its outline became soft"
    BESIDE = "organ-like tissue appeared beside it"
    SPLIT = "the organ-like area fell into parts"
    EMPTY = "the model segmented nothing, or hardly anything"


#: For each sign, its value at which it begins to count and at which it is enough alone.
_SCALES: dict[Sign, tuple[float, float]] = {
    Sign.LIKENESS: (0.80, 0.60),
    Sign.GREY: (0.93, 0.78),
    Sign.GROWTH: (0.25, 0.60),
    Sign.PLACE: (0.85, 0.60),
    Sign.SOFT: (0.40, 1.40),
    Sign.BESIDE: (0.15, 0.32),
    Sign.SPLIT: (0.25, 0.50),
}
#: A mask of fewer pixels counts as nothing.
_LEAST_PX = 4


#: What an alarm means, and what it does not; goes wherever alarms are shown.
ALARM_SENTENCE = (
    "An alarm says that the mask of a slice no longer resembles the organ on the slices before; it does not say that the masks "
    "without an alarm are right. Scroll through all slices."
)


class StopReason(StrEnum):
    """Why the organ is not followed any further."""

    VOLUME_ENDS = "the volume ends"
    RANGE_ENDS = "the range ends"
    NEXT_BOX = "the next box of yours begins"
    ORGAN_ENDS = "alarm: the organ ends, or is no longer found"
    DRIFT = "alarm: the mask drifts away from the organ"
    UNUSABLE = "the slice cannot be used"
    CANCELLED = "cancelled"

    @property
    def is_alarm(self) -> bool:
        """Whether the reader has to look at the slice."""
        return self in (StopReason.ORGAN_ENDS, StopReason.DRIFT)


@dataclass(frozen=True)
class Verdict:
    """What the signs of one slice say.

    Attributes:
        likeness: In [-1, 1], of the model's features (`prototype_likeness`); 0 for an empty mask.
        grey_likeness: In [0, 1]; 0 for an empty mask.
        signs: The scaled signs that are above zero.
        evidence: The sum S with this slice; the alarm fires from `ALARM_AT` on.
    """

    likeness: float
    grey_likeness: float
    signs: Mapping[Sign, float]
    evidence: float

    @property
    def is_alarm(self) -> bool:
        return self.evidence >= ALARM_AT

    @property
    def strongest(self) -> Sign | None:
        """The sign that says most; None where none does."""
        return max(self.signs, key=lambda sign: self.signs[sign]) if self.signs else None

    @property
    def speaks_of_the_box(self) -> bool:
        """Whether another box may help: what lies beside the organ, or falls into parts, does so for every box."""
        return self.strongest not in (Sign.BESIDE, Sign.SPLIT)

    @property
    def reason(self) -> str:
        """The signs in words, the strongest first."""
        return "; ".join(str(sign) for sign in sorted(self.signs, key=lambda sign: -self.signs[sign]))


#: The slice on which the user drew the box: it is what others are compared with.
BEGINNING = Verdict(1.0, 1.0, {}, 0.0)
#: Nothing was segmented.
NOTHING = Verdict(0.0, 0.0, {Sign.EMPTY: _MOST}, ALARM_AT + _MOST)


@dataclass(frozen=True, eq=False)
class Trail:
    """What the organ was on the slices before, the nearest last.

    Attributes:
        known: Its appearance: on the slice with the user's box, then on the last slices.
        before: (rows, columns) bool, the mask of the slice before.
        evidence: The sum S after it.
        largest_px: The largest area so far.
    """

    known: Sequence[Appearance]
    before: np.ndarray
    evidence: float
    largest_px: int


def judge(trail: Trail, here: Appearance | None, mask: np.ndarray, parts: float) -> Verdict:
    """The verdict on a slice's mask.

    Args:
        trail: The slices before.
        here: What the mask holds; None for an empty one.
        mask: (rows, columns) bool.
        parts: The second part of the organ-like area, as a share of the first (`second_part`).
    """
    if here is None or here.area_px < _LEAST_PX:
        return NOTHING
    before, first = trail.before, trail.known[0]
    overlap = (mask & before).sum() / min(mask.sum(), before.sum())
    likeness, grey = prototype_likeness(here, trail.known), grey_likeness(here, trail.known)
    measured = {
        Sign.LIKENESS: likeness,
        Sign.GREY: grey,
        Sign.GROWTH: float(np.log(here.area_px / before.sum())),
        Sign.PLACE: float(overlap),
        Sign.SOFT: here.soft_share - first.soft_share,
        Sign.BESIDE: here.beside - max(one.beside for one in trail.known),
        Sign.SPLIT: parts,
    }
    signs = {sign: scaled for sign, value in measured.items() if (scaled := _scaled(sign, value)) > 0}
    return Verdict(likeness, grey, signs, max(0.0, trail.evidence + sum(signs.values()) - DRAIN))


def stop_reason(trail: Trail, verdict: Verdict) -> StopReason:
    """Whether an alarm means that the organ ends, or that the mask drifts."""
    shrunk = trail.before.sum() <= _SHRUNK * trail.largest_px
    fades = verdict.strongest in (Sign.LIKENESS, Sign.GREY)
    return StopReason.ORGAN_ENDS if Sign.EMPTY in verdict.signs or (shrunk and fades) else StopReason.DRIFT


def _scaled(sign: Sign, value: float) -> float:
    start, enough = _SCALES[sign]
    return float(np.clip((value - start) / (enough - start), 0, _MOST))
