"""Several organs on one slice: a box for each, a result for each, and one table of their figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from .contour.result import ContourKind
from .errors import InputError
from .maps import STAGES, stage_map
from .organ_codes import UNNAMED, Colour, Organ
from .results import SliceExplanation
from .slice.box import ClippedBox


@dataclass(frozen=True)
class OrganBox:
    """A box, and what it is around.

    Attributes:
        box: Checked already, or first column, first row, last column, last row (inclusive).
        organ: `UNNAMED` where nobody has said so.
    """

    box: ClippedBox | tuple[float, float, float, float]
    organ: Organ = UNNAMED


@dataclass(frozen=True)
class OrganExplanation:
    """One of several organs on a slice.

    Attributes:
        organ: With a name that no other organ of the slice has.
        label: Its number in files of labels, from 1.
        explanation: Mask, maps and figures of its box.
    """

    organ: Organ
    label: int
    explanation: SliceExplanation

    @property
    def file_part(self) -> str:
        """Its name as a part of a file's name: 'right_kidney'."""
        return file_part_of_name(self.organ.name)


def file_part_of_name(name: str) -> str:
    """An organ's name as a part of a file's name: 'right_kidney'."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


#: Smaller shares are written with one more digit: an aorta is 0.4 % of a slice, not nothing of it.
_SMALL_SHARE = 0.01


@dataclass(frozen=True)
class Figure:
    """A column of the table of organs.

    Attributes:
        key: In organs.csv.
        title: For people.
        unit: 'mm²', 'pixels', '%' (the value is a share in [0, 1]), or '' for words.
    """

    key: str
    title: str
    unit: str = ""

    def text(self, value: object) -> str:
        """A value for people; '–' for one that does not exist."""
        if value is None or value == "":
            return "–"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, float):
            return str(value)
        if self.unit != "%":
            return f"{value:.0f}"
        return f"{value:.1%}" if 0 < value < _SMALL_SHARE else f"{value:.0%}"


#: The table's columns: what was asked, the mask, the maps of the shown layer, the outline, and the verdict.
FIGURES = (
    Figure("label", "Label"),
    Figure("organ", "Organ"),
    Figure("code", "SNOMED CT"),
    Figure("first_column", "First column", "pixels"),
    Figure("first_row", "First row", "pixels"),
    Figure("last_column", "Last column", "pixels"),
    Figure("last_row", "Last row", "pixels"),
    Figure("area_px", "Pixels", "pixels"),
    Figure("area_mm2", "Area, mm²", "mm²"),
    Figure("mask_share_of_slice", "Share of the slice", "%"),
    *(Figure(f"inside_stage{stage}", f"Stage {stage} inside the mask", "%") for stage in STAGES),
    Figure("outline_firm", "Outline firm", "%"),
    Figure("outline_soft", "Outline soft", "%"),
    Figure("outline_follows_box", "Outline follows the box", "%"),
    Figure("told_from_nothing", "Told from a box over nothing"),
    Figure("warnings", "Warnings"),
)


#: Those of Okabe and Ito, which colour-blind readers can tell apart, for organs whose own colours in Slicer are too much alike.
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 114, 178))
#: Two outlines whose colours are nearer to each other than this (Euclidean, 8-bit RGB) are taken for one; Slicer's liver and
#: stomach are 7 apart, its two kidneys 0, its liver and spleen 91.
_ALIKE = 60.0


def with_own_names(organs: Iterable[Organ]) -> tuple[Organ, ...]:
    """The organs with a number after each name that was there before ('liver', 'liver 2'), in colours that can be told apart.

    An organ keeps Slicer's colour unless one before it has nearly the same.
    """
    named: dict[str, Organ] = {}
    for organ in organs:
        name, number = organ.name, 1
        while name in named:
            number += 1
            name = f"{organ.name} {number}"
        used = [one.colour for one in named.values()]
        named[name] = replace(organ, name=name, colour=_told_apart(organ.colour, used))
    return tuple(named.values())


def _told_apart(own: Colour, used: Sequence[Colour]) -> Colour:
    """The first colour that is not like a used one, an organ's own before others; the least alike where all are."""
    choices = (own, *_COLOURS)
    apart = [min((math.dist(colour, other) for other in used), default=math.inf) for colour in choices]
    return next(
        (colour for colour, far in zip(choices, apart, strict=True) if far >= _ALIKE), choices[apart.index(max(apart))]
    )


def organs_of(organs: Iterable[Organ], results: Iterable[SliceExplanation]) -> tuple[OrganExplanation, ...]:
    """Puts results beside what they are of, with names of their own and numbers from 1."""
    pairs = zip(with_own_names(organs), results, strict=True)
    return tuple(
        OrganExplanation(organ, label, replace(result, organ=organ.name))
        for label, (organ, result) in enumerate(pairs, start=1)
    )


def check_boxes(boxes: Sequence[OrganBox]) -> None:
    """Raises InputError where there is no box."""
    if not boxes:
        raise InputError("There is no box; give one for each organ.")


def figures_of_organ(one: OrganExplanation) -> dict[str, object]:
    """The row of an organ by the keys of `FIGURES`; None for what does not exist. Shares are in [0, 1]."""
    result, box, organ = one.explanation, one.explanation.box.box, one.organ
    image, contour = result.prepared.image, result.contour
    area_px = int(np.count_nonzero(result.segmentation.mask))
    has_outline, layer = len(contour) > 0, result.shown_layer
    shares = result.concentration.share_inside
    side = "" if organ.side is None else f" {organ.side.value}"
    return {
        "label": one.label,
        "organ": organ.name,
        "code": organ.type.value + side,
        "first_column": box.first_column,
        "first_row": box.first_row,
        "last_column": box.last_column,
        "last_row": box.last_row,
        "area_px": area_px,
        "area_mm2": area_px * image.spacing_mm[0] * image.spacing_mm[1] if image.facts.has_known_spacing else None,
        "mask_share_of_slice": result.concentration.mask_share,
        **{f"inside_stage{stage}": shares[stage_map(stage, layer)] for stage in STAGES},
        "outline_firm": contour.share[ContourKind.FIRM] if has_outline else None,
        "outline_soft": contour.share[ContourKind.SOFT] if has_outline else None,
        "outline_follows_box": contour.share[ContourKind.FOLLOWS_BOX]
        if has_outline and contour.follows_box is not None
        else None,
        "told_from_nothing": result.presence.is_told,
        "warnings": len(result.warnings),
    }


def overlaps(organs: Sequence[OrganExplanation]) -> tuple[str, ...]:
    """A sentence for each two organs whose masks share pixels."""
    said = []
    for one, other in combinations(organs, 2):
        shared = np.count_nonzero(one.explanation.segmentation.mask & other.explanation.segmentation.mask)
        if shared:
            said.append(
                f"The masks of {one.organ.name} and {other.organ.name} share {shared} pixels, which belong to one organ at most."
            )
    return tuple(said)


def label_mask(organs: Sequence[OrganExplanation]) -> np.ndarray:
    """(rows, columns) uint8: each organ's label. A pixel of several masks goes to the one with the highest logit."""
    logits = np.stack([one.explanation.on_slice(one.explanation.segmentation.logits) for one in organs])
    masks = np.stack([one.explanation.segmentation.mask for one in organs])
    best = np.where(masks, logits, -np.inf).argmax(axis=0)
    labels = np.array([one.label for one in organs], np.uint8)
    return np.where(masks.any(axis=0), labels[best], 0).astype(np.uint8)


def warnings_of_organs(warnings: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Each warning once, with the names of the organs that it is of where it is not of all.

    Args:
        warnings: An organ's name and its warnings.
    """
    names: dict[str, list[str]] = {}
    for name, texts in warnings:
        for text in dict.fromkeys(texts):
            names.setdefault(text, []).append(name)
    return [text if len(of) == len(warnings) else f"{', '.join(of)}: {text}" for text, of in names.items()]
