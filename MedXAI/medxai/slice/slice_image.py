"""A slice of a volume as an image that knows where it lies, and maps on it put back into the volume's frame."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..volume.volume import Volume

#: In-plane axes (first, second) and through-plane axis of the three planes, as indexes into (i, j, k).
PLANE_AXES = {"axial": (0, 1, 2), "coronal": (0, 2, 1), "sagittal": (1, 2, 0)}


@dataclass(frozen=True)
class SliceImage:
    """One slice, `pixels[row, column]`.

    pixels: (rows, columns), in the volume's own values and units (Hounsfield units for CT).
    pixel_to_ras_mm: (4, 4), (column, row, 0, 1) to RAS in millimetres; its third column is one slice thickness.
    inside: (rows, columns) bool, False where an oblique plane leaves the volume.
    plane: 'axial', 'coronal', 'sagittal' (constant K, J, I) or 'oblique'.
    index: the slice's voxel index along its through-plane axis; None for an oblique slice.
    """

    volume_name: str
    pixels: np.ndarray
    pixel_to_ras_mm: np.ndarray
    inside: np.ndarray
    plane: str
    index: int | None

    @property
    def shape(self) -> tuple[int, int]:
        return self.pixels.shape

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Pixel width, pixel height, slice thickness."""
        return tuple(float(v) for v in np.linalg.norm(self.pixel_to_ras_mm[:3, :3], axis=0))


@dataclass(frozen=True)
class OneSliceVolume:
    """A map on a slice as a volume of one slice in the source's frame: voxels (K, J, I), one of them of length 1."""

    voxels: np.ndarray
    ijk_to_ras_mm: np.ndarray


def slice_of(volume: Volume, plane: str, index: int) -> SliceImage:
    """The slice `index` of the plane, rows and columns in the volume's own order (axial: columns i, rows j).

    Raises InputError where there is no such plane or slice.
    """
    if plane not in PLANE_AXES:
        raise InputError(f"There is no plane '{plane}'; choose axial, coronal or sagittal.")
    first, second, through = PLANE_AXES[plane]
    count = volume.shape_ijk[through]
    if not 0 <= index < count:
        raise InputError(f"'{volume.name}' has no {plane} slice {index}; choose one from 0 to {count - 1}.")
    pixels = np.take(volume.voxels, index, axis=2 - through)
    matrix = np.eye(4)
    matrix[:, 0] = volume.ijk_to_ras_mm[:, first]
    matrix[:, 1] = volume.ijk_to_ras_mm[:, second]
    matrix[:, 2] = volume.ijk_to_ras_mm[:, through]
    matrix[:, 3] = volume.ijk_to_ras_mm[:, 3] + index * volume.ijk_to_ras_mm[:, through]
    return SliceImage(volume.name, pixels, matrix, np.ones(pixels.shape, bool), plane, index)


def oblique_slice_of(volume: Volume, plane_to_ras_mm: np.ndarray) -> SliceImage:
    """The volume resampled (linearly) along a plane, on a grid that just covers the volume.

    plane_to_ras_mm: (4, 4), columns 0 and 1 the plane's unit directions, column 2 its normal, column 3 a point on it
    (Slicer's SliceToRAS). The pixel is the volume's smallest voxel edge, the thickness one such edge.

    Raises InputError where the plane misses the volume.
    """
    plane = np.array(plane_to_ras_mm, dtype=float)
    directions = plane[:3, :3] / np.linalg.norm(plane[:3, :3], axis=0)
    plane[:3, :3] = directions
    step_mm = float(volume.spacing_mm.min())
    ras_to_ijk = np.linalg.inv(volume.ijk_to_ras_mm)

    size = np.array(volume.shape_ijk)
    corners = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in size], indexing="ij"), -1).reshape(-1, 3)
    corners_on_plane = (np.linalg.inv(plane) @ volume.ijk_to_ras_mm @ np.c_[corners, np.ones(8)].T)[:3]
    low, high = corners_on_plane.min(axis=1), corners_on_plane.max(axis=1)
    if low[2] > 0 or high[2] < 0:
        raise InputError(f"The plane does not cut through '{volume.name}'; move it into the volume.")

    columns, rows = np.maximum(np.ceil((high - low)[:2] / step_mm).astype(int), 1)
    matrix = np.eye(4)
    matrix[:3, :3] = directions * step_mm
    matrix[:, 3] = plane @ [low[0] + step_mm / 2, low[1] + step_mm / 2, 0, 1]
    grid = np.indices((rows, columns)).reshape(2, -1)[::-1]
    ijk = (ras_to_ijk @ matrix @ np.vstack([grid, np.zeros(grid.shape[1]), np.ones(grid.shape[1])]))[:3]
    inside = np.all((ijk >= -0.5) & (ijk <= size[:, None] - 0.5), axis=0).reshape(rows, columns)
    if not inside.any():
        raise InputError(f"The plane does not cut through '{volume.name}'; move it into the volume.")
    # Outside the volume the lowest value stands in: air in CT, background in MR.
    values = ndimage.map_coordinates(volume.voxels, ijk[::-1], output=np.float32, order=1, mode="nearest")
    pixels = np.where(inside, values.reshape(rows, columns), np.float32(volume.voxels.min()))
    return _cropped(SliceImage(volume.name, pixels, matrix, inside, "oblique", None))


def _cropped(image: SliceImage) -> SliceImage:
    """Without the rows and columns that lie wholly outside the volume."""
    rows, columns = np.flatnonzero(image.inside.any(axis=1)), np.flatnonzero(image.inside.any(axis=0))
    keep = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    matrix = image.pixel_to_ras_mm.copy()
    matrix[:, 3] = matrix @ [columns[0], rows[0], 0, 1]
    return SliceImage(image.volume_name, image.pixels[keep], matrix, image.inside[keep], image.plane, image.index)


def as_one_slice_volume(image: SliceImage, values: np.ndarray) -> OneSliceVolume:
    """Values on the slice's pixels as a volume whose voxel centres are exactly the slice's, in the source's axis order.

    values: (rows, columns). The result keeps three dimensions; an axis-aligned slice keeps the source's IJK axes with
    length 1 on the through-plane axis, an oblique slice has its own axes (column, row, normal).
    """
    if values.shape != image.shape:
        raise ValueError(f"a map of shape {values.shape} does not fit a slice of shape {image.shape}")
    first, second, through = PLANE_AXES.get(image.plane, (0, 1, 2))
    matrix = np.eye(4)
    for axis, column in zip((first, second, through), range(3), strict=True):
        matrix[:, axis] = image.pixel_to_ras_mm[:, column]
    matrix[:, 3] = image.pixel_to_ras_mm[:, 3]
    return OneSliceVolume(np.expand_dims(values, 2 - through), matrix)
