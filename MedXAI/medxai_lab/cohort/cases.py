"""Cases: which slices and boxes of a scan are chosen, and what a worker sends back of each.

The choice is the same on every machine and in every order.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medxai.metrics.box_dice import jittered_box
from medxai.metrics.contour_errors import ContourPoint
from medxai.metrics.metric_row import MetricRow
from medxai.metrics.sanity_verdict import SanityVerdict
from medxai.slice.box import PixelBox
from medxai.volume.labelled_volume import LabelledVolume
from medxai.volume.volume import PLANE_AXES, Volume

from ..datasets.scan import Scan


@dataclass(frozen=True)
class CaseChoice:
    """How cases are chosen.

    Attributes:
        slices_per_organ: how many slices of each organ.
        smallest_px: a slice counts with more pixels of the organ than that.
        organs: names, empty for all that the data set labels.
        jitter: share of the box by which each side may be moved.
        jitter_outwards: the same outwards, where it is another than inwards.
        seed: of the jitter.
    """

    slices_per_organ: int = 3
    smallest_px: int = 100
    organs: tuple[str, ...] = ()
    jitter: float = 0.05
    seed: int = 0
    jitter_outwards: float | None = None


@dataclass(frozen=True)
class ChosenCase:
    """A box around an organ on a slice.

    Attributes:
        case_id: 'scan/organ/plane index'.
        organ: its name.
        label: its label in the scan.
        plane: as `slice_image.slice_of` takes it.
        index: as `slice_image.slice_of` takes it.
        box: in pixels of the slice.
    """

    case_id: str
    organ: str
    label: int
    plane: str
    index: int
    box: PixelBox


@dataclass(frozen=True)
class CaseOutcome:
    """What came of one case; small, so that it may be sent over a network.

    Attributes:
        scan: its name.
        patient: of the scan.
        case: the case.
        failure: why it could not be done, '' where it was.
        dice: of the model's mask against the reference.
        box_dice: of the filled box against the reference.
        resolution_mm: a token's width and height.
        layers: those explained, in the encoder's order.
        rows: the metrics.
        verdicts: of the sanity checks.
        failed_explainers: (explainer, reason).
        modality: of the scan.
        contour: the points of the model's outline, where the contour check is measured.
    """

    scan: str
    patient: str
    case: ChosenCase
    failure: str = ""
    dice: float = 0.0
    box_dice: float = 0.0
    resolution_mm: tuple[float, float] = (0.0, 0.0)
    layers: tuple[str, ...] = ()
    rows: tuple[MetricRow, ...] = ()
    verdicts: tuple[SanityVerdict, ...] = ()
    failed_explainers: tuple[tuple[str, str], ...] = ()
    modality: str = ""
    contour: tuple[ContourPoint, ...] = ()


@dataclass(frozen=True)
class ScanOutcome:
    """The cases that were chosen on a scan, or why there are none.

    Attributes:
        scan: its name.
        cases: slice by slice.
        failure: why there are none, '' where there are some.
    """

    scan: str
    cases: tuple[ChosenCase, ...] = ()
    failure: str = ""


def choose_cases(scan: Scan, labelled: LabelledVolume, choice: CaseChoice) -> tuple[ChosenCase, ...]:
    """Chooses the cases of a scan on the patient's axial slices, however the volume is stored.

    Args:
        scan: says what its labels mean.
        labelled: the scan, read.
        choice: how many, and how large.

    Returns:
        Slice by slice.
    """
    plane = axial_plane(labelled.volume)
    slices = labelled.slices(plane)
    cases = []
    for label, organ in sorted(scan.organs.items()):
        if choice.organs and organ not in choice.organs:
            continue
        areas = (slices == label).sum(axis=(1, 2))
        for index in slices_at_quantiles(areas, choice.slices_per_organ, choice.smallest_px):
            case_id = f"{scan.name}/{organ}/{plane} {index}"
            cases.append(ChosenCase(case_id, organ, label, plane, index, _box(case_id, slices[index] == label, choice)))
    return tuple(sorted(cases, key=lambda case: (case.index, case.label)))


def reference_mask(labelled: LabelledVolume, chosen: ChosenCase) -> np.ndarray:
    """(rows, columns) bool: the organ on the case's slice."""
    return labelled.slices(chosen.plane)[chosen.index] == chosen.label


def other_labels(labelled: LabelledVolume, chosen: ChosenCase) -> np.ndarray:
    """(rows, columns) int: what else is labelled on the case's slice; 0 for nothing and for the organ itself."""
    labels = labelled.slices(chosen.plane)[chosen.index]
    return np.where(labels == chosen.label, 0, labels)


def axial_plane(volume: Volume) -> str:
    """The name of the plane whose slices lie across the patient's long axis, by the volume's own axes."""
    through = int(np.argmax(np.abs(volume.ijk_to_ras_mm[2, :3]) / volume.spacing_mm))
    return next(name for name, axes in PLANE_AXES.items() if axes[2] == through)


def slices_at_quantiles(areas: Sequence[int], count: int, smallest_px: int) -> list[int]:
    """Slices at the middles of equal shares of those that are large enough, ordered by area.

    So one slice is the median one, and three are a small, a medium and a large one.

    Args:
        areas: of the organ on every slice, in pixels.
        count: how many slices.
        smallest_px: an area must exceed it.

    Returns:
        Their indices, rising; fewer than `count` where there are not so many.
    """
    areas = np.asarray(areas)
    large = np.flatnonzero(areas > smallest_px)
    ordered = large[np.argsort(areas[large], kind="stable")]
    if len(ordered) <= count:
        return [int(index) for index in sorted(ordered)]
    places = ((np.arange(count) + 0.5) / count * len(ordered)).astype(int)
    return [int(index) for index in sorted(ordered[places])]


def _box(case_id: str, mask: np.ndarray, choice: CaseChoice) -> PixelBox:
    """Its jitter follows from the case's own name, so that no case depends on which others are asked for."""
    rng = np.random.default_rng([choice.seed, zlib.crc32(case_id.encode())])
    x0, y0, x1, y1 = jittered_box(rng, mask, choice.jitter, choice.jitter_outwards)
    return PixelBox(int(x0), int(y0), int(x1) - 1, int(y1) - 1)
