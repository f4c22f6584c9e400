"""Idle time spent on the slices that a reader is likely to look at next."""

from collections.abc import Callable, Iterator, Sequence

from .encoding.cache import EncodingCache
from .engine import Explainer, PreparedSlice, prepare_slice
from .errors import Cancelled, InputError
from .model_input.grey import GreyRange, Window
from .slice.slice_image import PLANE_AXES, SliceImage, slice_of
from .volume.volume import Volume

#: Slices on each side: readers scroll in small steps, and each costs as much as the one that they are looking at.
REACH = 2


def neighbours(volume: Volume, image: SliceImage, reach: int = REACH) -> Iterator[SliceImage]:
    """The slices around one, the nearest first: index + 1, − 1, + 2, … as far as the volume has them; none of an oblique one."""
    if image.index is None:
        return
    count = volume.shape_ijk[PLANE_AXES[image.plane][2]]
    for distance in range(1, reach + 1):
        for index in (image.index + distance, image.index - distance):
            if 0 <= index < count:
                yield slice_of(volume, image.plane, index)


def encode_ahead(
    explainer: Explainer,
    volume: Volume,
    image: SliceImage,
    is_cancelled: Callable[[], bool],
    window: Window | None = None,
    enhance_input: bool = False,
    grey_range: GreyRange | None = None,
    layers: Sequence[str] | None = None,
    reach: int = REACH,
    encoded: Callable[[PreparedSlice], None] = lambda prepared: None,
) -> int:
    """Encodes the neighbours of an encoded slice into the explainer's cache; returns how many were encoded now.

    Ends at the next block once `is_cancelled` says so (it does not raise), and before the cache would have to drop
    anything: the slice that the user looks at is never pushed out by one that he does not. The other arguments are those
    of the slice itself, so that its neighbours are found in the cache later. encoded: called for every neighbour that is
    in the cache now.
    """
    done, largest = 0, 0
    for neighbour in neighbours(volume, image, reach):
        if is_cancelled() or not explainer.cache.has_room_for(largest or _size_of_one(explainer.cache)):
            break
        try:
            prepared = prepare_slice(volume, neighbour, explainer.model.convention, window, enhance_input, grey_range)
            encoding, is_new = explainer.encode(prepared, layers, is_cancelled=is_cancelled)
        except Cancelled:
            break
        except InputError:  # a constant slice, at the volume's end
            continue
        encoded(prepared)
        largest = max(largest, encoding.nbytes)
        done += is_new
    return done


def _size_of_one(cache: EncodingCache) -> int:
    """What an encoding of this session takes on average; 0 while there is none."""
    return cache.nbytes // max(len(cache), 1)
