"""Area interpolation of 8-bit slices, byte for byte as OpenCV's `resize(…, interpolation=INTER_AREA)` does it.

LiteMedSAM's authors prepare their images with it. It is written out here because OpenCV is 60 MB that nothing else of
MedXAI needs. Reference: OpenCV, modules/imgproc/src/resize.cpp (Apache-2.0); the rules below are taken from there and
checked against OpenCV itself in the tests.
"""

import numpy as np

#: OpenCV leaves out a pixel at the rim of a cell that reaches into it by less than this share.
_LEAST_OVERLAP = 1e-3
#: Fixed-point unit of OpenCV's bilinear weights.
_UNIT = np.float32(2048)


def area_resized(grey: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A slice brought to another shape, each new pixel the mean of the area that it covers.

    Args:
        grey: (rows, columns) uint8.
        shape: Rows and columns of the result.

    Returns:
        uint8 of that shape. Where a side grows, OpenCV changes to a bilinear interpolation with shifted weights, and so
        does this.
    """
    if grey.shape == tuple(shape):
        return grey.copy()
    factors = [1.0 / (new / old) for new, old in zip(shape, grey.shape, strict=True)]
    if min(factors) < 1:
        return _enlarged(grey, shape, factors)
    whole = [round(factor) for factor in factors]
    if all(abs(number - factor) < np.finfo(float).eps for number, factor in zip(whole, factors, strict=True)):
        return _mean_of_blocks(grey, shape, whole)
    return _mean_of_cells(grey, shape, factors)


def _mean_of_blocks(grey: np.ndarray, shape: tuple[int, int], whole: list[int]) -> np.ndarray:
    """Both factors are whole numbers: integer sums."""
    (rows, columns), (down, across) = shape, whole
    blocks = grey[: rows * down, : columns * across].reshape(rows, down, columns, across)
    sums = blocks.sum(axis=(1, 3), dtype=np.int32)
    if down == across == 2:
        return ((sums + 2) >> 2).astype(np.uint8)
    return _as_grey(sums.astype(np.float32) * np.float32(1 / np.float32(down * across)))


def _mean_of_cells(grey: np.ndarray, shape: tuple[int, int], factors: list[float]) -> np.ndarray:
    """Weighted sums in float32, along the rows first, the pixels of a cell one after the other as OpenCV adds them."""
    narrow = np.zeros((grey.shape[0], shape[1]), np.float32)
    for index, weight in _cells(grey.shape[1], shape[1], factors[1]):
        narrow += grey[:, index].astype(np.float32) * weight
    result = np.zeros(shape, np.float32)
    for index, weight in _cells(grey.shape[0], shape[0], factors[0]):
        result += narrow[index] * weight[:, None]
    return _as_grey(result)


def _cells(old: int, new: int, factor: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each of `new` cells over `old` pixels: its first, second, … pixel and that pixel's share (0 where it has none)."""
    start = np.arange(new) * factor
    end = start + factor
    width = np.minimum(factor, old - start)
    last = np.minimum(np.floor(end).astype(int), old - 1)
    first = np.minimum(np.ceil(start).astype(int), last)
    before, after = first - start, end - last
    taps = [(np.maximum(first - 1, 0), np.where(before > _LEAST_OVERLAP, before / width, 0))]
    for number in range(int((last - first).max())):
        taps.append((np.minimum(first + number, old - 1), np.where(first + number < last, 1 / width, 0)))
    share = np.minimum(np.minimum(after, 1.0), width) / width
    taps.append((last, np.where(after > _LEAST_OVERLAP, share, 0)))
    return [(index, weight.astype(np.float32)) for index, weight in taps]


def _enlarged(grey: np.ndarray, shape: tuple[int, int], factors: list[float]) -> np.ndarray:
    """OpenCV's fixed-point bilinear interpolation, with the weights that it uses in place of areas."""
    (bottom, right), pixels = (side - 1 for side in grey.shape), grey.astype(np.int32)
    low, share = _neighbours(grey.shape[1], shape[1], factors[1])
    share = np.where(low >= right, np.float32(0), share)
    first, second = _fixed(1 - share), _fixed(share)
    wide = pixels[:, np.minimum(low, right)] * first + pixels[:, np.minimum(low + 1, right)] * second
    low, share = _neighbours(grey.shape[0], shape[0], factors[0])
    first, second = _fixed(1 - share)[:, None], _fixed(share)[:, None]
    upper = (first * (wide[np.minimum(low, bottom)] >> 4)) >> 16
    lower = (second * (wide[np.minimum(low + 1, bottom)] >> 4)) >> 16
    return ((upper + lower + 2) >> 2).astype(np.uint8)


def _neighbours(old: int, new: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """The left of the two pixels between which each new pixel lies, and the right one's share."""
    number = np.arange(new)
    low = np.floor(number * factor).astype(int)
    share = ((number + 1) - (low + 1) * (new / old)).astype(np.float32)
    return low, np.where(share <= 0, np.float32(0), share - np.floor(share))


def _fixed(share: np.ndarray) -> np.ndarray:
    return np.rint(share.astype(np.float32) * _UNIT).astype(np.int32)


def _as_grey(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
