"""The built-in sample: an abdominal CT phantom, made from formulas, so that a first look needs no download and no patient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .volume import Modality, ModalitySource, ScanFacts, Volume, make_volume

_SHAPE_KJI = (36, 176, 216)
_SPACING_IJK_MM = (1.8, 1.8, 5.0)

#: Hounsfield units as after contrast medium in the portal venous phase.
TISSUE_HU = {
    "air": -1000.0,
    "fat": -105.0,
    "muscle": 58.0,
    "bone": 330.0,
    "marrow": 190.0,
    "liver": 108.0,
    "liver vessel": 165.0,
    "spleen": 122.0,
    "kidney": 185.0,
    "renal pelvis": 25.0,
    "aorta": 160.0,
    "vena cava": 148.0,
    "stomach": 28.0,
    "gas": -880.0,
    "gallbladder": 8.0,
    "bowel": 48.0,
    "pancreas": 88.0,
}

#: Labels of the organs in the phantom's reference mask.
ORGAN_LABELS = {
    "liver": 1,
    "spleen": 2,
    "right kidney": 3,
    "left kidney": 4,
    "aorta": 5,
    "vena cava": 6,
    "stomach": 7,
    "gallbladder": 8,
    "pancreas": 9,
}


@dataclass(frozen=True)
class Phantom:
    """The built-in sample.

    Attributes:
        volume: The CT.
        organs: (K, J, I) uint8 with `ORGAN_LABELS`, exactly where the organs were painted.
    """

    volume: Volume
    organs: np.ndarray

    def slice_with_most(self, organ: str) -> int:
        """The axial slice on which the organ is largest."""
        return int(np.argmax((self.organs == ORGAN_LABELS[organ]).sum(axis=(1, 2))))


def make_phantom(seed: int = 7) -> Phantom:
    """The phantom of a seed, the same on every machine: 216 × 176 × 36 voxels of 1.8 × 1.8 × 5 mm, axes LPS."""
    rng = np.random.default_rng(seed)
    space = _Space(rng)
    hu = np.full(_SHAPE_KJI, TISSUE_HU["air"], np.float32)
    organs = np.zeros(_SHAPE_KJI, np.uint8)

    def paint(tissue: str, where: np.ndarray, organ: str | None = None) -> None:
        hu[where] = TISSUE_HU[tissue]
        organs[where] = ORGAN_LABELS.get(organ or tissue, 0)

    body = space.ellipsoid((0, 0, 0), (172, 132, 400), power=2.4, wobble=4)
    wall = space.ellipsoid((0, 3, 0), (150, 112, 400), power=2.4, wobble=4)
    cavity = space.ellipsoid((0, -6, 0), (134, 92, 400), power=2.4, wobble=3)
    paint("fat", body)
    paint("muscle", wall)
    paint("fat", cavity)
    for side in (-1, 1):
        paint("muscle", space.ellipsoid((side * 42, 84, 0), (34, 24, 400)))
        paint("muscle", space.ellipsoid((side * 33, 45, -20), (17, 20, 400)))
    _paint_skeleton(space, paint)

    liver = space.ellipsoid((-58, -14, 12), (84, 76, 84), wobble=7) | space.ellipsoid(
        (18, -50, 30), (62, 34, 42), wobble=5
    )
    liver &= cavity & ~space.ellipsoid((-46, 52, -22), (46, 44, 70)) & ~space.ellipsoid((38, 18, 10), (66, 46, 90))
    paint("liver", liver)
    paint("liver vessel", liver & space.branches(rng), organ="liver")
    paint("gallbladder", space.ellipsoid((-38, -48, -24), (15, 24, 24), wobble=2))
    spleen = space.ellipsoid((98, 34, 22), (36, 56, 50), wobble=5) & ~space.ellipsoid((68, 22, 22), (34, 46, 60))
    paint("spleen", spleen & cavity)
    stomach = space.ellipsoid((64, -36, 32), (44, 36, 44), wobble=5) & ~spleen & cavity
    paint("stomach", stomach)
    paint("gas", stomach & space.anterior_of(-52), organ="stomach")
    paint("pancreas", space.tube([(-26, -2, -8), (0, -14, 0), (34, -4, 8), (66, 8, 16)], 11) & ~stomach & ~spleen)
    for name, side, height in (("right kidney", -1, -26), ("left kidney", 1, -14)):
        kidney = space.ellipsoid((side * 66, 46, height), (27, 30, 54), wobble=2.5)
        pelvis = space.ellipsoid((side * 50, 42, height), (17, 13, 24))
        paint("fat", space.ellipsoid((side * 66, 46, height), (34, 37, 62)) & cavity & ~liver & ~spleen)
        paint("kidney", kidney & ~pelvis, organ=name)
        paint("renal pelvis", kidney & pelvis & space.ellipsoid((side * 54, 43, height), (9, 8, 16)), organ=name)
    _paint_bowel(space, paint, rng, taken=organs > 0)
    paint("aorta", space.tube([(14, 30, -400), (12, 28, 400)], 11.5))
    paint("vena cava", space.tube([(-18, 26, -400), (-24, 20, 400)], 12.5, flat=0.8))
    return Phantom(_scan(hu, rng), organs)


def _paint_skeleton(space: "_Space", paint: Callable[..., None]) -> None:
    paint("bone", space.ellipsoid((0, 62, 0), (25, 20, 400)))
    paint("marrow", space.ellipsoid((0, 62, 0), (21, 16, 400)))
    paint("bone", space.ellipsoid((0, 92, 0), (7, 26, 400)))
    paint("bone", space.ellipsoid((0, 82, 0), (44, 5, 400)) & space.every_mm(38, 16))
    paint("fat", space.ellipsoid((0, 86, 0), (11, 9, 400)))
    paint("muscle", space.ellipsoid((0, 86, 0), (7, 6, 400)))
    for angle in np.deg2rad(np.arange(12, 180, 21)):
        for side in (-1, 1):
            centre = (side * 141 * np.sin(angle), 3 + 101 * np.cos(angle), 0)
            paint("bone", space.slanted_rod(centre, 6.5))


def _paint_bowel(space: "_Space", paint: Callable[..., None], rng: np.random.Generator, taken: np.ndarray) -> None:
    for _ in range(26):
        centre = (rng.uniform(-60, 105), rng.uniform(-72, 0), rng.uniform(-95, -5))
        loop = space.ellipsoid(centre, rng.uniform(10, 19, 3), wobble=2) & ~taken
        paint("bowel", loop)
        if rng.random() < 0.35:
            paint("gas", loop & space.anterior_of(centre[1] - 2))


def _scan(hu: np.ndarray, rng: np.random.Generator) -> Volume:
    """Organ texture, the scanner's blur (which makes partial volume), and its correlated noise."""
    texture = ndimage.gaussian_filter(rng.standard_normal(hu.shape), (0.6, 1.6, 1.6)) * 22
    hu = hu + np.where(hu > -300, texture, 0)
    hu = ndimage.gaussian_filter(hu, (0.35, 0.8, 0.8))
    noise = ndimage.gaussian_filter(rng.standard_normal(hu.shape), (0, 0.7, 0.7)) * 28
    voxels = np.clip(np.rint(hu + noise), -1024, 3071).astype(np.int16)
    ijk_to_ras = np.diag([-_SPACING_IJK_MM[0], -_SPACING_IJK_MM[1], _SPACING_IJK_MM[2], 1.0])
    size = np.array(_SHAPE_KJI[::-1])
    ijk_to_ras[:3, 3] = -ijk_to_ras[:3, :3] @ ((size - 1) / 2)
    facts = ScanFacts(modality_source=ModalitySource.MADE)
    return make_volume("Abdominal phantom", voxels, ijk_to_ras, Modality.CT, facts)


class _Space:
    """Positions of all voxels in millimetres from the middle: x to the patient's left, y to the back, z to the head."""

    def __init__(self, rng: np.random.Generator):
        axes = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(_SHAPE_KJI, _SPACING_IJK_MM[::-1], strict=True)]
        self._z, self._y, self._x = np.meshgrid(*axes, indexing="ij", sparse=True)
        self._waves = [_stretched(rng.standard_normal((6, 9, 9))) for _ in range(3)]

    def ellipsoid(
        self, centre_mm: Sequence[float], half_mm: Sequence[float] | np.ndarray, power: float = 2.0, wobble: float = 0.0
    ) -> np.ndarray:
        """A (super)ellipsoid whose surface wanders by about `wobble` millimetres."""
        wave = self._waves[int(abs(centre_mm[0])) % 3]
        reach = np.array(half_mm) * (1 + np.abs(wave).max() * wobble / min(half_mm))
        near, positions = self._around(centre_mm - reach, centre_mm + reach)
        distance = sum(
            np.abs((axis - c) / h) ** power for axis, c, h in zip(positions, centre_mm, half_mm, strict=True)
        ) ** (1 / power)
        if wobble:
            distance = distance + wave[near] * wobble / min(half_mm)
        inside = np.zeros(_SHAPE_KJI, bool)
        inside[near] = distance < 1
        return inside

    def tube(self, points_mm: list[tuple], radius_mm: float, flat: float = 1.0) -> np.ndarray:
        """Straight pieces between points; flat < 1 presses it in y."""
        inside = np.zeros(_SHAPE_KJI, bool)
        for start, end in zip(np.array(points_mm[:-1], float), np.array(points_mm[1:], float), strict=True):
            near, (x, y, z) = self._around(np.minimum(start, end) - radius_mm, np.maximum(start, end) + radius_mm)
            along = end - start
            t = (x - start[0]) * along[0] + (y - start[1]) * along[1] + (z - start[2]) * along[2]
            t = np.clip(t / (along @ along), 0, 1)
            dx, dy, dz = (x - start[0] - t * along[0], y - start[1] - t * along[1], z - start[2] - t * along[2])
            inside[near] |= dx**2 + (dy / flat) ** 2 + dz**2 < radius_mm**2
        return inside

    def _around(self, low_mm: np.ndarray, high_mm: np.ndarray) -> tuple[tuple[slice, ...], list[np.ndarray]]:
        """Which voxels lie between two corners (x, y, z), and their positions x, y and z."""
        near, positions = [], []
        for axis, low, high in zip((self._z, self._y, self._x), low_mm[::-1], high_mm[::-1], strict=True):
            own = slice(*np.searchsorted(axis.ravel(), (low, high)))
            near.append(own)
            positions.append(axis[tuple(own if n > 1 else slice(None) for n in axis.shape)])
        return tuple(near), positions[::-1]

    def slanted_rod(self, centre_mm: tuple, radius_mm: float) -> np.ndarray:
        """A rib's cut: an ellipse that moves down as it runs forward, repeated every 32 mm."""
        z = (self._z + 0.5 * self._y + 200) % 32 - 16
        return ((self._x - centre_mm[0]) / (radius_mm * 1.5)) ** 2 + (
            (self._y - centre_mm[1]) / (radius_mm * 1.5)
        ) ** 2 + (z / 9) ** 2 < 1

    def branches(self, rng: np.random.Generator) -> np.ndarray:
        """A vessel tree through the liver."""
        tree = np.zeros(_SHAPE_KJI, bool)
        for _ in range(9):
            end = (rng.uniform(-125, -10), rng.uniform(-70, 40), rng.uniform(-50, 80))
            tree |= self.tube(
                [(-32, 6, 8), tuple((np.array((-32, 6, 8)) + end) / 2 + rng.normal(0, 8, 3)), end],
                rng.uniform(2.2, 4.2),
            )
        return tree

    def anterior_of(self, y_mm: float) -> np.ndarray:
        return np.broadcast_to(self._y < y_mm, _SHAPE_KJI)

    def every_mm(self, period_mm: float, length_mm: float) -> np.ndarray:
        return np.broadcast_to((self._z + 1000) % period_mm < length_mm, _SHAPE_KJI)


def _stretched(coarse: np.ndarray) -> np.ndarray:
    """Few values as a cubic spline over the whole scan, axis by axis: `ndimage.zoom` of all axes at once takes ten times as long."""
    for axis, (few, many) in enumerate(zip(coarse.shape, _SHAPE_KJI, strict=True)):
        weights = ndimage.zoom(np.eye(few), (many / few, 1), order=3)
        coarse = np.moveaxis(np.tensordot(weights, coarse, (1, axis)), 0, axis)
    return coarse
