"""Box or image: how much of what sets a mask off from its surroundings is due to the image, and how much to the box.

The score v(i, b) is the mean probability that the model gives inside the explained mask, less the mean outside it, for image
i and box b: 1 where it draws just this mask, about 0 where it draws something else. With other slices of the scan as other
images and boxes of the same size elsewhere as other boxes, Shapley's shares of the two are

    image: ½ [v(own, own) − v(other, own)] + ½ [v(own, other) − v(other, other)]
    box:   ½ [v(own, own) − v(own, other)] + ½ [v(other, own) − v(other, other)]

and add up to v(own, own) − v(other, other). They depend on what is taken for the others, so their range goes with them.
"""

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..explainers.base import Case
from ..progress import RunControl
from ..results import BoxOrImage
from ..segmentation.segmenting import logits_of_corners
from ..slice.box import PixelBox
from ..slice.slice_image import slice_of
from ..volume.volume import PLANE_AXES

#: How many of each are taken.
IMAGES, BOXES = 3, 8
#: Other slices are at least this share of the scan away.
_AWAY = 1 / 4
#: Other boxes share at most this much with the own one (intersection over union).
_MOST_SHARED = 1 / 3
#: Places that are tried for each other box.
_TRIES = 200


def box_or_image(case: Case, seed: int = 0, control: RunControl = RunControl()) -> BoxOrImage:
    """The two shares for a case; the encoder runs once for each other slice.

    Args:
        case: What was segmented.
        seed: Of the places of the other boxes.
        control: Stops the work between two slices.

    Raises:
        InputError: Where nothing was segmented, or there are no other slices, or no other boxes of this size.
        Cancelled: Once the control says so.
    """
    logits, frame = case.result.segmentation.logits, case.encoding.frame
    on_slice = frame.content_coverage(logits.shape) > 0
    mask = (logits > 0) & on_slice
    if not mask.any() or mask.sum() == on_slice.sum():
        raise InputError("Box or image is asked of a mask, and the model segmented nothing, or the whole slice.")
    shape = case.result.prepared.image.shape
    boxes = (case.box.box, *_other_boxes(case.box.box, shape, np.random.default_rng(seed)))
    corners = np.stack([case.model.convention.box_in_model_px(box, frame) for box in boxes])
    encodings = [case.encoding]
    for index in _other_slices(case):
        control.raise_if_cancelled()
        image = slice_of(case.request.volume, case.request.image.plane, index)
        encodings.append(case.engine.case(replace(case.request, image=image), case.box, control).encoding)
    probabilities = [1 / (1 + np.exp(-logits_of_corners(case.model, one, corners))) for one in encodings]
    outside = on_slice & ~mask
    scores = np.array([[p[mask].mean() - p[outside].mean() for p in of_image] for of_image in probabilities])
    return shares_of(scores)


def shares_of(scores: np.ndarray) -> BoxOrImage:
    """The shares from scores (1 + images, 1 + boxes), the own image and the own box first."""
    own, other_box = scores[0, 0], scores[0, 1:][None]
    other_image, neither = scores[1:, :1], scores[1:, 1:]
    image = ((own - other_image) + (other_box - neither)) / 2
    whole = own - neither
    each = image / np.where(whole == 0, np.nan, whole)
    return BoxOrImage(
        own=float(own),
        other_box=float(other_box.mean()),
        other_image=float(other_image.mean()),
        neither=float(neither.mean()),
        lowest_image_share=float(np.nan_to_num(each, nan=-np.inf).min()),
        highest_image_share=float(np.nan_to_num(each, nan=np.inf).max()),
        images=len(other_image),
        boxes=other_box.shape[1],
    )


def _other_slices(case: Case) -> list[int]:
    """Slices of the same plane, spread evenly over those that are far enough away."""
    image, far = case.request.image, []
    if image.index is not None:  # an oblique slice has none beside it
        count = case.request.volume.shape_ijk[PLANE_AXES[image.plane][2]]
        far = [index for index in range(count) if abs(index - image.index) >= max(_AWAY * count, 1)]
    if not far:
        raise InputError(
            "Box or image compares a slice with others of its scan along the same axis of voxels, and this one has none."
        )
    return sorted({far[round(place)] for place in np.linspace(0, len(far) - 1, IMAGES)})


def _other_boxes(box: PixelBox, shape: tuple[int, int], rng: np.random.Generator) -> list[PixelBox]:
    """Boxes of the same size elsewhere on the slice."""
    width, height = box.last_column - box.first_column, box.last_row - box.first_row
    found: list[PixelBox] = []
    for _ in range(_TRIES * BOXES):
        x, y = int(rng.integers(0, shape[1] - width)), int(rng.integers(0, shape[0] - height))
        if _shared(width + 1, height + 1, abs(x - box.first_column), abs(y - box.first_row)) <= _MOST_SHARED:
            found.append(PixelBox(x, y, x + width, y + height))
        if len(found) == BOXES:
            return found
    raise InputError(
        "Box or image compares a box with others of its size elsewhere on the slice, and this one is too large for that."
    )


def _shared(width: int, height: int, across: int, down: int) -> float:
    """Intersection over union of a box with itself moved across and down."""
    both = max(width - across, 0) * max(height - down, 0)
    return both / (2 * width * height - both)
