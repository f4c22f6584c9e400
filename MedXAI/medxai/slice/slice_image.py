"""A slice of a volume as an image that knows where it lies, and maps on it put back into the volume's frame."""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..volume.volume import PLANE_AXES, RIGHT_ANGLE_TOLERANCE_DEGREES, ScanFacts, Volume, shear_degrees

#: A direction nearer than 22.5 degrees to an anatomical one is called by its name alone.
CLEAR_COSINE = float(np.cos(np.deg2rad(22.5)))
#: Planes by the RAS axis that their normal is nearest to.
_ANATOMICAL = ("sagittal", "coronal", "axial")


@dataclass(frozen=True, eq=False)
class SliceImage:
    """One slice, `pixels[row, column]`.

    Attributes:
        volume_name: Of the volume that it was cut from.
        pixels: (rows, columns), in the volume's own values and units (Hounsfield units for CT).
        pixel_to_ras_mm: (4, 4), (column, row, 0, 1) to RAS in millimetres; its third column is one slice thickness.
        inside: (rows, columns) bool, False where an oblique plane leaves the volume, or no value was measured.
        plane: 'axial', 'coronal', 'sagittal' (constant K, J, I) or 'oblique'.
        index: The slice's voxel index along its through-plane axis; None for an oblique slice.
        facts: What is known of the volume that it was cut from.
    """

    volume_name: str
    pixels: np.ndarray
    pixel_to_ras_mm: np.ndarray
    inside: np.ndarray
    plane: str
    index: int | None
    facts: ScanFacts = field(default_factory=ScanFacts)

    @property
    def shape(self) -> tuple[int, int]:
        return self.pixels.shape

    @property
    def anatomical_plane(self) -> str | None:
        """'axial', 'coronal' or 'sagittal' in the patient, 'oblique' where none is near; None where it is not known."""
        if not self.facts.has_known_orientation:
            return None
        normal = np.cross(self.pixel_to_ras_mm[:3, 0], self.pixel_to_ras_mm[:3, 1])
        cosines = np.abs(normal / np.linalg.norm(normal))
        return _ANATOMICAL[int(np.argmax(cosines))] if cosines.max() >= CLEAR_COSINE else "oblique"

    @property
    def where(self) -> str:
        """'axial slice 6'; where the voxel axis has another direction in the patient, 'axial slice (j = 6)'."""
        if self.index is None:
            return f"{self.plane} slice"
        anatomical = self.anatomical_plane
        if anatomical == self.plane:
            return f"{self.plane} slice {self.index}"
        axis = "ijk"[PLANE_AXES[self.plane][2]]
        return f"{f'{anatomical} ' if anatomical else ''}slice ({axis} = {self.index})"

    @property
    def thickness_mm(self) -> float | None:
        """How thick the scanner's slice is; None where the plane is not the one that was scanned, or the file does not say so."""
        return self.facts.slice_thickness_mm if self.plane == "axial" else None

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Pixel width, pixel height, slice thickness."""
        width, height, thickness = np.linalg.norm(self.pixel_to_ras_mm[:3, :3], axis=0)
        return float(width), float(height), float(thickness)


@dataclass(frozen=True)
class OneSliceVolume:
    """A map on a slice as a volume of one slice in the source's frame.

    Attributes:
        voxels: (K, J, I), one of them of length 1.
        ijk_to_ras_mm: (4, 4), voxel index to RAS in millimetres.
    """

    voxels: np.ndarray
    ijk_to_ras_mm: np.ndarray


def slice_of(volume: Volume, plane: str, index: int) -> SliceImage:
    """One slice of a volume, rows and columns in the volume's own order (axial: columns i, rows j).

    Args:
        volume: The scan.
        plane: 'axial', 'coronal' or 'sagittal'.
        index: Along the axis that the plane is across, from 0.

    Raises:
        InputError: Where there is no such plane or slice, or its pixels would be no rectangles.
    """
    if plane not in PLANE_AXES:
        raise InputError(f"There is no plane '{plane}'; choose axial, coronal or sagittal.")
    first, second, through = PLANE_AXES[plane]
    count = volume.shape_ijk[through]
    if not 0 <= index < count:
        raise InputError(f"'{volume.name}' has no {plane} slice {index}; choose one from 0 to {count - 1}.")
    shear = shear_degrees(volume.ijk_to_ras_mm[:3, [first, second]])
    if shear > RIGHT_ANGLE_TOLERANCE_DEGREES:
        raise InputError(
            f"The axes of '{volume.name}' are sheared ({shear:.1f}° from a right angle), so a {plane} slice would be bent; "
            "choose the plane in which it was scanned, or resample the volume onto a grid with right angles."
        )
    pixels = np.take(volume.voxels, index, axis=2 - through)
    inside = (
        np.ones(pixels.shape, bool) if volume.measured is None else np.take(volume.measured, index, axis=2 - through)
    )
    matrix = np.eye(4)
    matrix[:, 0] = volume.ijk_to_ras_mm[:, first]
    matrix[:, 1] = volume.ijk_to_ras_mm[:, second]
    matrix[:, 2] = volume.ijk_to_ras_mm[:, through]
    matrix[:, 3] = volume.ijk_to_ras_mm[:, 3] + index * volume.ijk_to_ras_mm[:, through]
    return SliceImage(volume.name, pixels, matrix, inside, plane, index, volume.facts)


def oblique_slice_of(volume: Volume, plane_to_ras_mm: np.ndarray) -> SliceImage:
    """The volume resampled (linearly) along a plane, on a grid that just covers the volume.

    The pixel is the volume's smallest voxel edge, the thickness one such edge.

    Args:
        volume: The scan.
        plane_to_ras_mm: (4, 4), columns 0 and 1 the plane's unit directions, column 2 its normal, column 3 a point on
            it
            (Slicer's SliceToRAS).

    Raises:
        InputError: Where the plane misses the volume.
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
    if volume.measured is not None:
        nearest = np.clip(np.rint(ijk).astype(int), 0, size[:, None] - 1)
        inside &= volume.measured[tuple(nearest[::-1])].reshape(rows, columns)
        if not inside.any():
            raise InputError(f"The plane cuts only through parts of '{volume.name}' without values; move it.")
    # Outside the volume the lowest value stands in: air in CT, background in MR.
    values = ndimage.map_coordinates(volume.voxels, ijk[::-1], output=np.float32, order=1, mode="nearest")
    pixels = np.where(inside, values.reshape(rows, columns), np.float32(volume.voxels.min()))
    return _cropped(SliceImage(volume.name, pixels, matrix, inside, "oblique", None, volume.facts))


def _cropped(image: SliceImage) -> SliceImage:
    """Without the rows and columns that lie wholly outside the volume."""
    rows, columns = np.flatnonzero(image.inside.any(axis=1)), np.flatnonzero(image.inside.any(axis=0))
    keep = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    matrix = image.pixel_to_ras_mm.copy()
    matrix[:, 3] = matrix @ [columns[0], rows[0], 0, 1]
    return replace(image, pixels=image.pixels[keep], pixel_to_ras_mm=matrix, inside=image.inside[keep])


def as_one_slice_volume(image: SliceImage, values: np.ndarray) -> OneSliceVolume:
    """Values on the slice's pixels as a volume whose voxel centres are exactly the slice's.

    The result keeps three dimensions; an axis-aligned slice keeps the source's IJK axes with length 1 on the
    through-plane axis, an oblique slice has its own axes (column, row, normal).

    Args:
        image: The slice.
        values: (rows, columns).

    Raises:
        ValueError: Where the values do not fit the slice.
    """
    if values.shape != image.shape:
        raise ValueError(f"a map of shape {values.shape} does not fit a slice of shape {image.shape}")
    first, second, through = PLANE_AXES.get(image.plane, (0, 1, 2))
    matrix = np.eye(4)
    for axis, column in zip((first, second, through), range(3), strict=True):
        matrix[:, axis] = image.pixel_to_ras_mm[:, column]
    matrix[:, 3] = image.pixel_to_ras_mm[:, 3]
    return OneSliceVolume(np.expand_dims(values, 2 - through), matrix)
