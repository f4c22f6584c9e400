"""Boxes whose right answer is known: around made-up structures, and around the reference organs of scans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medxai.metrics.box_dice import READER_OUTWARDS, READER_SHORT, jittered_box
from medxai.slice.box import PixelBox, box_of_mask
from medxai.volume.volume import Modality, Volume, make_volume

from ..cohort.cases import CaseChoice, choose_cases, reference_mask
from ..datasets.scan import Scan
from ..presence.boxes import SHARES, SIDES_PX, is_seen
from ..synthetic.anatomy import random_scene
from ..synthetic.appearance import random_appearance
from ..synthetic.rendering import deform, render
from ..synthetic.samples import askable_structures

#: Made-up scenes of the check are other ones than those that limits of the presence check come from.
_SEED = 77
_MOST_BOXES = 6
_SLICES_PER_ORGAN = 6
#: A box is no clear question for a ring or a strand: the model may well take what lies inside. So a structure has to fill this
#: share of its box, and its holes may add at most that share to it.
_LEAST_OF_BOX, _MOST_HOLES = 0.4, 0.1


@dataclass(frozen=True, eq=False)
class Asked:
    """Boxes on one slice with what they should give.

    Attributes:
        source: 'made up', or the modality of a scan.
        patient: Of the scan; '' for made-up anatomy.
        group: Boxes of one group are not independent: the number of the scene, or of the slice.
        volume: Of the slice.
        plane: As `slice_of` takes it.
        index: As `slice_of` takes it.
        boxes: As a reader draws them.
        truths: (rows, columns) bool, one a box.
    """

    source: str
    patient: str
    group: int
    volume: Volume
    plane: str
    index: int
    boxes: tuple[PixelBox, ...]
    truths: tuple[np.ndarray, ...]


MADE_UP = "made up"


def made_up(scenes: Sequence[int]) -> Iterator[Asked]:
    """Slices of made-up anatomy with boxes around compact structures that stand out from their surroundings.

    Args:
        scenes: Their numbers; the same number gives the same scene.
    """
    for number in scenes:
        rng = np.random.default_rng((_SEED, number))
        scene = random_scene(rng)
        labels = deform(rng, scene.labels, int(rng.choice(SIDES_PX)))
        image = render(rng, labels, random_appearance(rng, scene))
        grey = (image * 255).round().astype(np.uint8)
        members, (chosen, _) = scene.members(), askable_structures(scene, labels, SHARES)
        truths = [members[one][labels] for one in rng.permutation(chosen)]
        truths = [truth for truth in truths if is_seen(image, truth)][:_MOST_BOXES]
        drawn = [(readers_box(rng, truth), truth) for truth in truths]
        kept = [(box, truth) for box, truth in drawn if is_compact(truth)]
        if kept and grey.min() < grey.max():
            volume = make_volume(f"scene {number}", grey[None], np.eye(4), Modality.PICTURE)
            boxes, truths = (tuple(one) for one in zip(*kept, strict=True))
            yield Asked(MADE_UP, "", number, volume, "axial", 0, boxes, truths)


def of_scans(scans: Sequence[Scan]) -> Iterator[Asked]:
    """The boxes that `medxai evaluate` takes of scans with reference organs, six slices of each organ."""
    choice = CaseChoice(_SLICES_PER_ORGAN, jitter=READER_SHORT, jitter_outwards=READER_OUTWARDS)
    for scan in scans:
        read = scan.source.read()
        for case in choose_cases(scan, read, choice):
            source, truth = str(read.volume.modality), reference_mask(read, case)
            yield Asked(source, scan.patient, case.index, read.volume, case.plane, case.index, (case.box,), (truth,))


def is_compact(truth: np.ndarray) -> bool:
    """Whether a structure (rows, columns) fills its box well, and has hardly any hole."""
    holes = int(ndimage.binary_fill_holes(truth).sum()) / int(truth.sum()) - 1
    return holes <= _MOST_HOLES and int(truth.sum()) >= _LEAST_OF_BOX * box_of_mask(truth).area_px


def readers_box(rng: np.random.Generator, truth: np.ndarray) -> PixelBox:
    """A box as a reader draws it around a structure (rows, columns)."""
    x0, y0, x1, y1 = (int(edge) for edge in jittered_box(rng, truth, READER_SHORT, READER_OUTWARDS))
    return PixelBox(x0, y0, x1 - 1, y1 - 1)
