"""Maps and masks as volume files in the patient's frame, through SimpleITK."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import OutputError
from ..slice.slice_image import SliceImage, as_one_slice_volume

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_slice_volume(path: Path, image: SliceImage, values: np.ndarray, metadata: dict[str, str]) -> None:
    """Writes values (rows, columns) on a slice as a volume of one slice, compressed; metadata as the file's own fields.

    Raises OutputError where the file cannot be written.
    """
    placed = as_one_slice_volume(image, values)
    lps = _RAS_TO_LPS @ placed.ijk_to_ras_mm
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    volume = sitk.GetImageFromArray(placed.voxels)
    volume.SetSpacing(spacing.tolist())
    volume.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    volume.SetOrigin(lps[:3, 3].tolist())
    for key, value in metadata.items():
        volume.SetMetaData(f"MedXAI.{key}", value)
    try:
        sitk.WriteImage(volume, str(path), True)
    except RuntimeError as error:
        raise OutputError(
            f"'{path}' could not be written; check that the folder can be written and has space."
        ) from error
