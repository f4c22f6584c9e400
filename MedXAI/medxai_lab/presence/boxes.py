"""Made-up slices with boxes around structures that can be seen, and boxes over nothing of three kinds."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import ndimage

from medxai.slice.box import PixelBox, grown_box
from medxai.volume.volume import Modality, Volume, make_volume

from ..synthetic.anatomy import random_scene
from ..synthetic.appearance import random_appearance
from ..synthetic.boxes import drawn_box, tight_box
from ..synthetic.rendering import deform, render
from ..synthetic.samples import askable_structures
from ..synthetic.scene import Scene

SIDES_PX = (96, 128, 192, 256)
#: A structure's share of the slice.
SHARES = (0.004, 0.4)
#: A box never painted has so much of one tissue in and around it.
_PURITY = 0.98
#: A structure is seen where its mean differs from that around it by so many standard deviations.
_SEEN = 1.0
_TRIES = 400
_SMALLEST_PX = 6


class Kind(StrEnum):
    """What a box is over."""

    STRUCTURE = "a structure"
    EVEN = "one even tissue"
    AIR = "air"
    UNPAINTED = "a structure that was never painted"


@dataclass(frozen=True)
class Question:
    """A slice (a volume of one) of a scene with its boxes."""

    scene: int
    volume: Volume
    boxes: tuple[tuple[Kind, PixelBox], ...]


def questions(first: int, last: int) -> Iterator[Question]:
    """The slices of scenes first to last; each scene twice where one of its structures can be left out.

    Args:
        first: Number of the first scene; the same number gives the same scene.
        last: Of the last one.
    """
    for number in range(first, last + 1):
        rng = np.random.default_rng((31, number))
        scene = random_scene(rng)
        size = int(rng.choice(SIDES_PX))
        labels, look, seed = deform(rng, scene.labels, size), random_appearance(rng, scene), int(rng.integers(1 << 30))
        image = render(np.random.default_rng(seed), labels, look)
        boxes = [*_structures(rng, scene, labels, image)]
        boxes += [box for kind in (Kind.EVEN, Kind.EVEN, Kind.AIR) for box in _over_one_tissue(rng, labels, kind)]
        yield from _question(number, image, boxes)
        for bare, box in _left_out(rng, scene, labels):
            image = render(np.random.default_rng(seed), bare, look)
            yield from _question(number, image, [(Kind.UNPAINTED, box)])


def _question(number: int, image: np.ndarray, boxes: list[tuple[Kind, PixelBox]]) -> Iterator[Question]:
    grey = (image * 255).round().astype(np.uint8)
    if boxes and grey.min() < grey.max():
        yield Question(number, make_volume(f"scene {number}", grey[None], np.eye(4), Modality.PICTURE), tuple(boxes))


def _askable(scene: Scene, labels: np.ndarray) -> list[np.ndarray]:
    """(rows, columns) bool of each structure that is large enough."""
    members, (chosen, _) = scene.members(), askable_structures(scene, labels, SHARES)
    return [members[one][labels] for one in chosen]


def _structures(
    rng: np.random.Generator, scene: Scene, labels: np.ndarray, image: np.ndarray
) -> Iterator[tuple[Kind, PixelBox]]:
    """Up to two structures that can be seen."""
    masks = [mask for mask in _askable(scene, labels) if is_seen(image, mask)]
    for index in rng.permutation(len(masks))[:2]:
        yield Kind.STRUCTURE, _pixel_box(drawn_box(rng, tight_box(masks[index]), len(labels)), len(labels))


def is_seen(image: np.ndarray, mask: np.ndarray) -> bool:
    """Whether a structure's mean differs from that around it by a standard deviation; both (rows, columns)."""
    around = ndimage.binary_dilation(mask, iterations=max(2, len(mask) // 32)) & ~mask
    if not around.any():
        return False
    return bool(abs(image[mask].mean() - image[around].mean()) > _SEEN * (image[mask].std() + image[around].std()) / 2)


def _over_one_tissue(rng: np.random.Generator, labels: np.ndarray, kind: Kind) -> Iterator[tuple[Kind, PixelBox]]:
    """A box in and around which there is one tissue only, air or not; none where no such place is found."""
    size = len(labels)
    for _ in range(_TRIES):
        sides = np.maximum(rng.uniform(0.05, 0.3, 2) * size, _SMALLEST_PX)
        corner = rng.uniform(0, size - sides)
        box = _pixel_box(np.concatenate([corner, corner + sides]), size)
        seen = labels[grown_box(box, labels.shape).mask(labels.shape)]
        if (seen == seen[0]).all() and (seen[0] == 0) == (kind is Kind.AIR):
            yield kind, box
            return


def _left_out(rng: np.random.Generator, scene: Scene, labels: np.ndarray) -> Iterator[tuple[np.ndarray, PixelBox]]:
    """The labels without one structure, and the box that would have been drawn around it."""
    masks = _askable(scene, labels)
    for index in rng.permutation(len(masks)):
        mask = masks[index]
        around = ndimage.binary_dilation(mask, iterations=3) & ~mask
        if not around.any():
            continue
        bare = labels.copy()
        bare[mask] = np.bincount(labels[around]).argmax()
        box = _pixel_box(drawn_box(rng, tight_box(mask), len(labels)), len(labels))
        seen = bare[grown_box(box, bare.shape).mask(bare.shape)]
        if np.bincount(seen).max() >= _PURITY * seen.size:
            yield bare, box
            return


def _pixel_box(xyxy: np.ndarray, size: int) -> PixelBox:
    """Pixel edges as first and last pixels."""
    x0, y0, x1, y1 = (int(v) for v in np.rint(xyxy))
    return PixelBox(
        min(x0, size - 1), min(y0, size - 1), min(max(x1 - 1, x0), size - 1), min(max(y1 - 1, y0), size - 1)
    )
