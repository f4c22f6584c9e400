"""The contour check against the truth: how far each point of an outline is off, beside what the check and its baselines said."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from ..contour.check import check_contour
from ..contour.outline import Grid, Outline
from ..contour.result import ContourCheck
from ..explainers.base import Case
from ..segmentation.segmenting import logits_of_corners
from .box_dice import READER_OUTWARDS, READER_SHORT

#: Boxes whose variance is a baseline.
JITTERED_BOXES = 24
#: The image's gradient is taken at this scale (standard deviation of a Gaussian), in pixels of the slice.
_GRADIENT_PX = 1.0
#: Points that a side of the reference's outline is cut into, so that a point's nearest one is near enough.
_PARTS = 4


class ContourPoint(NamedTuple):
    """One point of a predicted outline.

    Attributes:
        error_mm: Distance to the nearest point of the reference's outline.
        length_mm: How much of the outline it stands for.
        tolerance_mm_per_logit, follows_box: As in `ContourCheck`; the second summed over the edges, in mm per mm.
        kind: What a reader was told.
        box_edge_mm: A baseline: distance to the nearest edge of the box.
        image_gradient_per_mm: A baseline: of the grey values (0 to 255).
        jitter_variance: A baseline: of the mask's sigmoid over boxes of the same reader.
        other_label_mm: A baseline: distance to the nearest outline of another label of the reference; the slice's diagonal
            where it has no other. Not a number in cohorts that were measured before there was this baseline.
    """

    error_mm: float
    length_mm: float
    tolerance_mm_per_logit: float
    follows_box: float
    kind: str
    box_edge_mm: float
    image_gradient_per_mm: float
    jitter_variance: float
    other_label_mm: float = float("nan")


#: Columns of a point before its kind.
_BEFORE_KIND = ContourPoint._fields.index("kind")


def contour_points(case: Case, seed: int = 0, other_labels: np.ndarray | None = None) -> tuple[ContourPoint, ...]:
    """Checks the outline of a case and compares it with its reference; none where either has no outline.

    Args:
        case: With a reference mask.
        seed: Of the jittered boxes.
        other_labels: (rows, columns) int, what else the reference labels on the slice, 0 for nothing; None for nothing.
    """
    result, reference = case.result, case.reference_mask
    image = result.prepared.image
    if reference is None or not reference.any() or not len(result.contour):
        return ()
    check = check_contour(case.model, case.encoding, result)
    total = check.follows_box_total
    assert total is not None  # asked for above
    columns = (
        errors_mm(check.points_px, reference, (image.spacing_mm[0], image.spacing_mm[1])),
        check.length_mm,
        check.tolerance_mm_per_logit,
        total,
        _box_edge_mm(check.points_px, case),
        _image_gradient_per_mm(check.points_px, case),
        _jitter_variance(check, case, seed),
        _other_label_mm(check.points_px, case, other_labels),
    )
    rounded = np.array([[float(f"{value:.6g}") for value in column] for column in columns]).T.tolist()
    return tuple(
        ContourPoint._make([*values[:_BEFORE_KIND], str(kind), *values[_BEFORE_KIND:]])
        for values, kind in zip(rounded, check.kind, strict=True)
    )


def errors_mm(points_px: np.ndarray, reference: np.ndarray, spacing_mm: tuple[float, float]) -> np.ndarray:
    """(n,): distance of points (n, 2), column and row, to the outline of a mask (rows, columns) bool, closed at the edge."""
    pieces = []
    for line in find_contours(np.pad(reference.astype(float), 1), 0.5):
        start, step = line[:-1] - 1, np.diff(line, axis=0)
        pieces += [start + step * part / _PARTS for part in range(_PARTS)]
    placed = np.concatenate(pieces)[:, ::-1] * spacing_mm
    return np.asarray(cKDTree(placed).query(points_px * spacing_mm)[0])


def _box_edge_mm(points_px: np.ndarray, case: Case) -> np.ndarray:
    width_mm, height_mm, _ = case.result.prepared.image.spacing_mm
    x0, y0, x1, y1 = case.result.box.box.extent_xyxy - 0.5
    x, y = points_px.T
    sides = (
        np.abs(x - x0) * width_mm,
        np.abs(x - x1) * width_mm,
        np.abs(y - y0) * height_mm,
        np.abs(y - y1) * height_mm,
    )
    return np.minimum.reduce(sides)


def _image_gradient_per_mm(points_px: np.ndarray, case: Case) -> np.ndarray:
    grey = case.result.prepared.grey.astype(float)
    width_mm, height_mm, _ = case.result.prepared.image.spacing_mm
    across = ndimage.gaussian_filter(grey, _GRADIENT_PX, order=(0, 1)) / width_mm
    down = ndimage.gaussian_filter(grey, _GRADIENT_PX, order=(1, 0)) / height_mm
    return ndimage.map_coordinates(np.hypot(across, down), points_px[:, ::-1].T, order=1, mode="nearest")


def _other_label_mm(points_px: np.ndarray, case: Case, other_labels: np.ndarray | None) -> np.ndarray:
    """(n,): distance to the nearest outline of any of the labels (rows, columns)."""
    image = case.result.prepared.image
    width_mm, height_mm, _ = image.spacing_mm
    nearest = np.full(len(points_px), float(np.hypot(image.shape[1] * width_mm, image.shape[0] * height_mm)))
    labels = np.zeros(image.shape, int) if other_labels is None else other_labels
    for label in np.unique(labels[labels > 0]):
        nearest = np.minimum(nearest, errors_mm(points_px, labels == label, (width_mm, height_mm)))
    return nearest


def _jitter_variance(check: ContourCheck, case: Case, seed: int) -> np.ndarray:
    """(n,): variance of the mask's sigmoid over `JITTERED_BOXES`, each side moved as a reader's box is."""
    encoding, segmentation = case.encoding, case.result.segmentation
    frame, shape = encoding.frame, segmentation.logits.shape
    xyxy = case.model.convention.box_in_model_px(segmentation.box, frame)
    sides = np.array([xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]] * 2)
    outward = np.random.default_rng(seed).uniform(-READER_SHORT, READER_OUTWARDS, (JITTERED_BOXES, 4))
    corners = xyxy + outward * sides * [-1, -1, 1, 1]
    outline = Outline.of(segmentation.logits, Grid.of((shape[0], shape[1]), frame, case.result.prepared.image))
    h, w = encoding.embedding.shape[-2:]
    logits = logits_of_corners(case.model, encoding, corners, outline.read_blocks((shape[0], shape[1]), (h, w)))
    rows, columns = outline.grid.shape
    return outline.at_points((1 / (1 + np.exp(-logits[:, :rows, :columns]))).var(axis=0))
