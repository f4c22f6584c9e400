"""Maps and masks as volume files in the patient's frame, through SimpleITK."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import SimpleITK as sitk

from ..errors import OutputError
from ..slice.slice_image import SliceImage, as_one_slice_volume
from ..volume.plain_numbers import plain_numbers
from ..volume.volume import RIGHT_ANGLE_TOLERANCE_DEGREES, shear_degrees

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_slice_volume(path: Path, image: SliceImage, values: np.ndarray, metadata: dict[str, str]) -> None:
    """Writes values on a slice as a volume of one slice, compressed.

    Args:
        path: Of the file; its ending says the format.
        image: The slice.
        values: (rows, columns).
        metadata: Written as the file's own fields.

    Raises:
        OutputError: Where the file cannot be written.
    """
    placed = as_one_slice_volume(image, values)
    write_volume(path, placed.voxels, with_right_angles(placed.ijk_to_ras_mm, placed.voxels.shape), metadata)


def write_volume(
    path: Path,
    voxels: np.ndarray,
    ijk_to_ras_mm: np.ndarray,
    metadata: dict[str, str],
    fields: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Writes a volume, compressed.

    Args:
        path: Of the file; its ending says the format.
        voxels: (K, J, I), or (K, J, I, layers).
        ijk_to_ras_mm: (4, 4), voxel index to RAS in millimetres.
        metadata: Written as the file's own fields, each name after 'MedXAI.'.
        fields: Written under their own names, for another program.

    Raises:
        OutputError: Where the file cannot be written.
    """
    lps = _RAS_TO_LPS @ ijk_to_ras_mm
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    volume = sitk.GetImageFromArray(voxels, isVector=voxels.ndim == 4)
    volume.SetSpacing(spacing.tolist())
    volume.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    volume.SetOrigin(lps[:3, 3].tolist())
    for key, value in {**{f"MedXAI.{key}": value for key, value in metadata.items()}, **fields}.items():
        volume.SetMetaData(key, value)
    try:
        with plain_numbers():
            sitk.WriteImage(volume, str(path), True)
    except RuntimeError as error:
        raise OutputError(
            f"'{path}' could not be written; check that the folder can be written and has space."
        ) from error


def with_right_angles(ijk_to_ras_mm: np.ndarray, shape_kji: tuple[int, ...]) -> np.ndarray:
    """The same geometry with its one-slice axis along the slice's normal, as files of sheared axes are refused by readers.

    No voxel's centre moves. Slices of scans without tilt are left as they are, bit for bit.
    """
    if shear_degrees(ijk_to_ras_mm[:3, :3]) <= RIGHT_ANGLE_TOLERANCE_DEGREES:
        return ijk_to_ras_mm
    through = 2 - shape_kji.index(1)
    first, second = (axis for axis in range(3) if axis != through)
    normal = np.cross(ijk_to_ras_mm[:3, first], ijk_to_ras_mm[:3, second])
    normal /= np.linalg.norm(normal)
    matrix = ijk_to_ras_mm.copy()
    matrix[:3, through] = (normal @ ijk_to_ras_mm[:3, through]) * normal
    return matrix
