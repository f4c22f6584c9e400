"""NRRD, MetaImage and whatever else ITK reads, through SimpleITK."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .nifti import stem_of
from .plain_numbers import plain_numbers
from .volume import Modality, ScanFacts, Volume, make_volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: A NRRD header ends before this.
_HEAD_BYTES = 1 << 16


def read_with_itk(path: Path, modality: Modality | str | None = None) -> Volume:
    """The volume of a file that ITK knows.

    Args:
        path: Of the file.
        modality: The kind of scan; None: a guess from the values.

    Raises:
        InputError: Where it is damaged, in colour, holds several volumes, or ITK does not know it.
    """
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        with plain_numbers():
            image = sitk.ReadImage(str(path))
    except (RuntimeError, UnicodeError) as error:
        raise InputError(
            f"'{path.name}' cannot be read as NRRD, MetaImage or another volume (damaged, truncated or of another kind); "
            "open it in 3D Slicer and save it again as NRRD."
        ) from error
    return _volume_of(path, image, modality)


def _volume_of(path: Path, image: sitk.Image, modality: Modality | str | None) -> Volume:
    components = image.GetNumberOfComponentsPerPixel()
    if components != 1:
        held = "colours" if components in (3, 4) and image.GetPixelID() == sitk.sitkVectorUInt8 else "values"
        raise InputError(
            f"'{path.name}' holds {components} {held} a voxel (a time sequence, or a colour or vector volume), but MedXAI needs one "
            "scalar value a voxel; save one time point or component, or convert it to greyscale first."
        )
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3:
        raise InputError(
            f"'{path.name}' has {image.GetDimension()} dimensions (a time sequence or several volumes), but MedXAI needs one 3-D volume; "
            "pick one time point first and save it as a file of its own."
        )
    if np.iscomplexobj(sitk.GetArrayViewFromImage(image)):
        raise InputError(
            f"'{path.name}' holds complex numbers, but MedXAI needs one scalar value a voxel; save its magnitude as a volume of its own."
        )
    return make_volume(
        stem_of(path), sitk.GetArrayViewFromImage(image).copy(), ijk_to_ras_of(image), modality, _facts_of(path)
    )


def ijk_to_ras_of(image: sitk.Image) -> np.ndarray:
    """(4, 4): ITK keeps LPS; Slicer and MedXAI speak RAS."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return _LPS_TO_RAS @ matrix


def _facts_of(path: Path) -> ScanFacts:
    """A NRRD file without a named space says nothing about the patient; ITK would take LPS."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).partition(b"\n\n")[0].replace(b"\r", b"")
    if not head.startswith(b"NRRD") or any(line.startswith(b"space:") for line in head.split(b"\n")):
        return ScanFacts()
    return ScanFacts(
        has_known_orientation=False,
        notes=(
            "The file does not say how the volume lies in the patient (no NRRD space), so its orientation is not known.",
        ),
    )
