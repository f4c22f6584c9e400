"""A label map under construction, and the finished, immutable scene."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SCENE_SIZE = 256
"""Side of a scene in pixels."""

MAX_LABELS = 160
"""Labels a scene may hold; further ones are left out."""

SMALLEST_TARGET = 24
"""Pixels (of SCENE_SIZE squared) below which a structure is not asked for."""


class Tissue(enum.IntEnum):
    """What a structure is made of; it sets its place on the CT scale."""

    AIR = 0
    FAT = 1
    MUSCLE = 2
    BONE = 3
    MARROW = 4
    ORGAN = 5
    VESSEL = 6
    FLUID = 7
    GAS = 8
    LUNG = 9
    LESION = 10
    GREY = 11
    WHITE = 12


@dataclass(frozen=True)
class Scene:
    """Geometry without appearance.

    Attributes:
        labels: (SCENE_SIZE, SCENE_SIZE) uint8, the innermost structure at every pixel.
        tissue: (n,) uint8, a Tissue for every label.
        parent: (n,) uint8, the structure that a label lies in and belongs to; its own number at roots.
        target: (n,) bool, whether a box may be drawn around the label (its descendants included).
    """

    labels: np.ndarray
    tissue: np.ndarray
    parent: np.ndarray
    target: np.ndarray

    def members(self) -> np.ndarray:
        """(n, n) bool: row i marks the labels that make up structure i, its parts included."""
        n = len(self.parent)
        table = np.eye(n, dtype=bool)
        for label in range(n):
            ancestor = label
            while self.parent[ancestor] != ancestor:
                ancestor = self.parent[ancestor]
                table[ancestor, label] = True
        return table


class Canvas:
    """Paints structures over one another; label 0 is the air around the body."""

    def __init__(self, size: int = SCENE_SIZE) -> None:
        self.labels = np.zeros((size, size), np.uint8)
        self.tissue: list[int] = [Tissue.AIR]
        self.parent: list[int] = [0]
        self.target: list[bool] = [False]

    def add(self, mask: np.ndarray, tissue: Tissue, parent: int | None = None, target: bool = True) -> int | None:
        """Paints a mask as a new structure.

        Args:
            mask: (h, w) bool.
            tissue: What it is made of.
            parent: Label of the structure that it lies in and belongs to; None for none.
            target: Whether a box may be drawn around it.

        Returns:
            Its label; None where the mask is empty or no label is left.
        """
        label = len(self.tissue)
        if label >= MAX_LABELS or not mask.any():
            return None
        self.labels[mask] = label
        self.tissue.append(tissue)
        self.parent.append(label if parent is None else parent)
        self.target.append(target)
        return label

    def region(self, label: int) -> np.ndarray:
        """The pixels (h, w) bool that carry exactly this label."""
        return self.labels == label

    def finish(self) -> Scene:
        """Split targets into connected pieces, as a reader's boxes take them, and freeze."""
        for label in range(1, len(self.tissue)):
            if not self.target[label] or label in self.parent[label + 1 :]:
                continue
            pieces, count = ndimage.label(self.labels == label)
            if count < 2:
                continue
            sizes = np.bincount(pieces.ravel(), minlength=count + 1)
            order = np.argsort(sizes[1:])[::-1] + 1
            for piece in order[1:]:
                parent = self.parent[label]
                self.add(
                    pieces == piece,
                    self.tissue[label],
                    None if parent == label else parent,
                    bool(sizes[piece] >= SMALLEST_TARGET),
                )
        return Scene(
            self.labels,
            np.array(self.tissue, np.uint8),
            np.array(self.parent, np.uint8),
            np.array(self.target, bool),
        )
