"""Made-up CT volumes with one tube whose course is known: it goes on, ends, opens into a neighbour, or divides."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medxai.volume.volume import Modality, Volume, make_volume

#: (slices, rows, columns) and the voxel in mm.
SHAPE_KJI = (16, 128, 128)
SPACING_IJK_MM = (2.0, 2.0, 3.0)
KINDS = ("clean", "end", "leak", "bifurcation")
#: The first slice on which something happens to the tube.
EVENT = 9
_FAT, _MUSCLE, _AIR = -100.0, 55.0, -1000.0


@dataclass(frozen=True)
class Tube:
    """A volume with its tube.

    Attributes:
        volume: The CT.
        mask: (K, J, I) bool, the tube and its branches; a neighbour that it opens into is no part of it.
    """

    volume: Volume
    mask: np.ndarray


def make_tube(kind: str, seed: int) -> Tube:
    """A tube of a kind of `KINDS`; size, place, course and brightness follow from the seed."""
    rng = np.random.default_rng(seed)
    slices, rows, columns = SHAPE_KJI
    y, x = np.mgrid[:rows, :columns].astype(float)
    body = ((x - columns / 2) / (0.46 * columns)) ** 2 + ((y - rows / 2) / (0.40 * rows)) ** 2 < 1
    cavity = ((x - columns / 2) / (0.40 * columns)) ** 2 + ((y - rows / 2) / (0.33 * rows)) ** 2 < 1
    radius, centre = rng.uniform(6, 11), np.array([columns, rows]) / 2 + rng.uniform(-1, 1, 2) * (18, 12)
    slope, tissue, phase = rng.uniform(-0.5, 0.5, 2), rng.uniform(110, 180), rng.uniform(0, 2 * np.pi)
    hu, mask = np.full(SHAPE_KJI, _AIR, np.float32), np.zeros(SHAPE_KJI, bool)
    for k in range(slices):
        hu[k][body], hu[k][cavity] = _MUSCLE, _FAT
        _paint_neighbours(hu[k], cavity, (k, seed), centre, radius)
        at, own = centre + slope * (k - 8), radius * (1 + 0.08 * np.sin(k / 4 + phase))
        mask[k], beside = _cut(kind if k >= EVENT else "clean", k, (x - at[0], y - at[1]), own)
        hu[k][mask[k] | beside] = tissue
    texture = ndimage.gaussian_filter(rng.standard_normal(SHAPE_KJI), (0.6, 1.6, 1.6)) * 22
    hu = ndimage.gaussian_filter(hu + np.where(hu > -300, texture, 0), (0.25, 0.7, 0.7))
    hu += ndimage.gaussian_filter(rng.standard_normal(SHAPE_KJI), (0, 0.7, 0.7)) * 22
    ijk_to_ras = np.diag([-SPACING_IJK_MM[0], -SPACING_IJK_MM[1], SPACING_IJK_MM[2], 1.0])
    voxels = np.clip(np.rint(hu), -1024, 3000).astype(np.int16)
    return Tube(make_volume(f"{kind} {seed}", voxels, ijk_to_ras, Modality.CT), mask)


def _cut(kind: str, k: int, from_centre: tuple[np.ndarray, np.ndarray], radius: float) -> tuple[np.ndarray, np.ndarray]:
    """The tube on a slice, and what it opens into there."""
    x, y = from_centre
    whole, nothing = np.hypot(x, y) < radius, np.zeros(x.shape, bool)
    if kind == "end":
        return nothing, nothing
    if kind == "leak":
        return whole, ((x - 1.6 * radius) / (2 * radius)) ** 2 + (y / (1.5 * radius)) ** 2 < 1
    if kind == "bifurcation":
        apart, branch = (k - EVENT) * 1.6 + 0.95 * radius, 0.75 * radius
        return (np.hypot(x - apart, y) < branch) | (np.hypot(x + apart, y) < branch), nothing
    return whole, nothing


def _paint_neighbours(
    layer: np.ndarray, cavity: np.ndarray, k_and_seed: tuple[int, int], centre: np.ndarray, radius: float
) -> None:
    """Other organs, away from the tube, that swell and shrink a little from slice to slice."""
    k, seed = k_and_seed
    rng = np.random.default_rng(seed + 1)
    y, x = np.mgrid[: layer.shape[0], : layer.shape[1]].astype(float)
    for number in range(5):
        at = np.array(layer.shape[::-1]) / 2 + rng.uniform(-1, 1, 2) * (40, 28)
        half, hu = rng.uniform(6, 16, 2), rng.uniform(20, 120)
        if np.hypot(*(at - centre)) < radius + half.max() + 8:
            continue
        a, b = half * (1 + 0.1 * np.sin(k / 5 + number))
        layer[(((x - at[0]) / a) ** 2 + ((y - at[1]) / b) ** 2 < 1) & cavity] = hu
