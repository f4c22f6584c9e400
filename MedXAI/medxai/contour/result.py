"""What the contour check gives: the outline point by point. numpy only, so that the panel can import it before torch is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

#: The four edges of a box, in the order of its corners x0, y0, x1, y1: as `PixelBox` calls them.
BOX_EDGES = ("first_column", "first_row", "last_column", "last_row")
#: An outline that moves by more than this share of what the box moves by is said to follow the box.
FOLLOWS_BOX_FROM = 0.5
#: An outline that moves by more than this where the logit changes by one is said to be soft.
SOFT_FROM_MM_PER_LOGIT = 1.0


class ContourKind(StrEnum):
    """What a reader is told of a stretch of outline; where two hold, the last one is told."""

    FIRM = "firm"
    SOFT = "soft"
    FOLLOWS_BOX = "follows the box"


@dataclass(frozen=True, eq=False)
class Stretch:
    """Neighbouring points of one outline that are of one kind.

    Attributes:
        kind: Of all of them.
        indexes: (m,) of the points in `ContourCheck`, in the outline's order; the first point of the next stretch is
            the last one here, so that drawn stretches meet.
        is_closed: Whether it is a whole outline, whose last point meets its first.
    """

    kind: ContourKind
    indexes: np.ndarray
    is_closed: bool


@dataclass(frozen=True, eq=False)
class ContourCheck:
    """The outline of a mask, and for each of its points how easily it moves.

    Where the volume does not say how large a pixel is, a pixel counts as one millimetre, as everywhere in MedXAI.

    Attributes:
        points_px: (n, 2) float64, column and row on the slice; a pixel's centre has whole numbers.
        points_ras_mm: (n, 3) float64, the same in the patient: right, anterior, superior.
        outline: (n,) int, which outline a point is of; a mask of two parts, or with a hole, has two. Rising.
        is_closed: For each outline whether its last point meets its first; one that reaches the slice's edge is open.
        length_mm: (n,) how much of the outline a point stands for.
        tolerance_mm_per_logit: (n,) how far the outline moves there if the mask's logit changes by one.
        follows_box: (n, 4) how far it moves (mm) for each mm that an edge of the box moves, edges as in `BOX_EDGES`,
            never negative; None where only the tolerance was asked for.
        seconds: How long the check took.
    """

    points_px: np.ndarray
    points_ras_mm: np.ndarray
    outline: np.ndarray
    is_closed: tuple[bool, ...]
    length_mm: np.ndarray
    tolerance_mm_per_logit: np.ndarray
    follows_box: np.ndarray | None
    seconds: float

    def __len__(self) -> int:
        return len(self.points_px)

    @property
    def follows_box_total(self) -> np.ndarray | None:
        """(n,): the sum over the four edges: 0 stays with the image, 1 goes with the box."""
        return None if self.follows_box is None else self.follows_box.sum(axis=1)

    @cached_property
    def kind(self) -> tuple[ContourKind, ...]:
        """What a reader is told of each point."""
        soft = self.tolerance_mm_per_logit >= SOFT_FROM_MM_PER_LOGIT
        total = self.follows_box_total
        number = np.where(False if total is None else total >= FOLLOWS_BOX_FROM, 2, np.where(soft, 1, 0))
        kinds = tuple(ContourKind)  # not an array of them: numpy would keep their texts, not the members
        return tuple(kinds[n] for n in number.tolist())

    @cached_property
    def share(self) -> Mapping[ContourKind, float]:
        """By kind, its share of the outline's length; all zero where there is no outline."""
        whole = float(self.length_mm.sum())
        kinds = np.array(self.kind, dtype=object)
        return {kind: float(self.length_mm[kinds == kind].sum()) / whole if whole else 0.0 for kind in ContourKind}

    def median_tolerance(self, kind: ContourKind) -> float | None:
        """The middle tolerance of a kind's points, in mm per logit; None where there is none."""
        own = [t for t, k in zip(self.tolerance_mm_per_logit, self.kind, strict=True) if k == kind]
        return float(np.median(own)) if own else None

    def stretches(self) -> Iterator[Stretch]:
        """The outlines cut where their kind changes, in order."""
        if not self.is_closed:
            return
        starts = np.searchsorted(self.outline, np.arange(1, len(self.is_closed)))
        for own, is_closed in zip(np.split(np.arange(len(self)), starts), self.is_closed, strict=True):
            yield from self._stretches_of(own, is_closed)

    def _stretches_of(self, own: np.ndarray, is_closed: bool) -> Iterator[Stretch]:
        kinds = [self.kind[index] for index in own]
        changes = [n for n in range(len(own)) if kinds[n] != kinds[n - 1] and (n or is_closed)]
        if not changes:
            yield Stretch(kinds[0], own, is_closed)
            return
        if is_closed:  # begin at a change, so that no stretch is cut in two at the outline's first point
            own, kinds = np.roll(own, -changes[0]), [*kinds[changes[0] :], *kinds[: changes[0]]]
            changes = [n - changes[0] for n in changes]
            own = np.append(own, own[0])
        else:
            changes = [0, *changes]
        for start, end in zip(changes, [*changes[1:], len(own) - 1], strict=True):
            yield Stretch(kinds[start], own[start : end + 1], False)
