"""The outline of one kind as pieces of line, cut into dashes; all points at once, since a noisy mask has thousands of outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .result import ContourCheck, ContourKind


@dataclass(frozen=True, eq=False)
class LinePieces:
    """Straight pieces of line in the patient.

    Attributes:
        start_ras_mm: (m, 3) where each piece begins.
        end_ras_mm: (m, 3) where it ends.
        goes_on: (m,) bool, whether a piece begins where the one before ends, within one dash.
    """

    start_ras_mm: np.ndarray
    end_ras_mm: np.ndarray
    goes_on: np.ndarray

    def __len__(self) -> int:
        return len(self.start_ras_mm)


def lines_of_kind(check: ContourCheck, kind: ContourKind, dash_mm: tuple[float, float] | None) -> LinePieces:
    """The stretches of a kind, the same as `ContourCheck.stretches` gives one by one.

    Args:
        check: The outline.
        kind: Of the stretches.
        dash_mm: Length of line and of gap; each stretch begins with a line. None for a whole line.
    """
    start, end, begins = _segments(check, kind)
    length = np.linalg.norm(end - start, axis=1)
    along = np.cumsum(length) - length
    stretch = np.cumsum(begins) - 1
    at = along - along[begins][stretch] if len(along) else along  # since the stretch's beginning
    if dash_mm is None:
        return LinePieces(start, end, ~begins)
    line, period = dash_mm[0], sum(dash_mm)
    first, last = np.floor(at / period).astype(int), np.floor((at + length) / period).astype(int)
    count = last - first + 1  # a segment has a piece of each dash that it meets
    own = np.repeat(np.arange(len(at)), count)
    dash = np.arange(len(own)) - (np.cumsum(count) - count - first)[own]
    low = np.maximum(at[own], dash * period)
    high = np.minimum(at[own] + length[own], dash * period + line)
    own, dash, low, high = (values[high > low] for values in (own, dash, low, high))
    share_low, share_high = ((values - at[own]) / length[own] for values in (low, high))
    way = (end - start)[own]
    goes_on = np.zeros(len(own), bool)
    goes_on[1:] = (stretch[own][1:] == stretch[own][:-1]) & (dash[1:] == dash[:-1])
    return LinePieces(start[own] + share_low[:, None] * way, start[own] + share_high[:, None] * way, goes_on)


def _segments(check: ContourCheck, kind: ContourKind) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(m, 3) and (m, 3): from each point of a kind to the next one; (m,) bool: where a stretch begins."""
    if not len(check):
        return np.empty((0, 3)), np.empty((0, 3)), np.empty(0, bool)
    kinds, number, places = np.array(check.kind), check.outline, check.points_ras_mm
    starts = np.searchsorted(number, np.arange(len(check.is_closed)))
    stops = np.append(starts[1:], len(number))
    closed = np.array(check.is_closed)
    before, after = np.arange(len(number)) - 1, np.arange(len(number)) + 1
    before[starts], after[stops - 1] = stops - 1, starts
    order = _from_a_change(number, (starts, stops), (kinds != kinds[before]) & closed[number])
    is_first = np.zeros(len(number), bool)
    is_first[starts] = True  # the first of its outline, in this order
    begins = is_first | (kinds[order] != kinds[np.roll(order, 1)])
    has_next = closed[number] | (after != starts[number])
    wanted = ((kinds == kind) & has_next)[order]
    own = order[wanted]
    return places[own], places[after[own]], begins[wanted]


def _from_a_change(number: np.ndarray, ends: tuple[np.ndarray, np.ndarray], changes: np.ndarray) -> np.ndarray:
    """(n,): the points' order, each closed outline from its first change on, so that no stretch is cut at its first point.

    Args:
        number: (n,) which outline a point is of.
        ends: Where each outline begins, and where it stops.
        changes: (n,) bool, points of closed outlines whose kind is another than that of the one before.
    """
    starts, stops = ends
    first = np.zeros(len(starts), int)
    outlines, where = np.unique(number[changes], return_index=True)
    first[outlines] = np.flatnonzero(changes)[where] - starts[outlines]
    place = np.arange(len(number)) - starts[number]
    return starts[number] + (place + first[number]) % (stops - starts)[number]
