"""Which slices and boxes of a scan become cases; the same ones on every machine and in every order."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medxai.metrics.box_dice import jittered_box
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import PLANE_AXES
from medxai.volume.labelled_volume import LabelledVolume
from medxai.volume.volume import Volume

from ..datasets.scan import Scan


@dataclass(frozen=True)
class CaseChoice:
    """slices_per_organ: how many slices of each organ. smallest_px: a slice counts with more voxels of the organ than that.

    organs: names, empty for all that the data set labels. jitter: share of the box by which each side may be moved. seed:
    of the jitter.
    """

    slices_per_organ: int = 3
    smallest_px: int = 100
    organs: tuple[str, ...] = ()
    jitter: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class ChosenCase:
    """A box on a slice. case_id: 'scan/organ/plane index'. plane, index: as `imaging.slice_of` takes them."""

    case_id: str
    organ: str
    label: int
    plane: str
    index: int
    box: PixelBox


def choose_cases(scan: Scan, labelled: LabelledVolume, choice: CaseChoice) -> tuple[ChosenCase, ...]:
    """The cases of a scan, slice by slice. The slices are the patient's axial ones, however the volume is stored."""
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


def axial_plane(volume: Volume) -> str:
    """The name of the plane whose slices lie across the patient's long axis, by the volume's own axes."""
    through = int(np.argmax(np.abs(volume.ijk_to_ras_mm[2, :3]) / volume.spacing_mm))
    return next(name for name, axes in PLANE_AXES.items() if axes[2] == through)


def slices_at_quantiles(areas: Sequence[int], count: int, smallest_px: int) -> list[int]:
    """Slices at the middles of `count` equal shares of those with more than `smallest_px`, ordered by area.

    So one slice is the median one, and three are a small, a middling and a large one; fewer where there are not so many.
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
    x0, y0, x1, y1 = jittered_box(rng, mask, choice.jitter)
    return PixelBox(int(x0), int(y0), int(x1) - 1, int(y1) - 1)
