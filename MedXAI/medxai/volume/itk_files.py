"""NRRD, MetaImage and whatever else ITK reads, through SimpleITK."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .contents import is_text, start_of
from .itk_headers import HeaderFacts, header_facts_of
from .nifti import stem_of
from .plain_numbers import plain_numbers
from .quiet import silent_stderr
from .volume import Modality, ScanFacts, Volume, make_volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_with_itk(path: Path, modality: Modality | str | None = None) -> Volume:
    """The volume of a file that ITK knows.

    Args:
        path: Of the file.
        modality: The kind of scan; None: a guess from the values.

    Raises:
        InputError: Where it is damaged, in colour, holds several volumes, or ITK does not know it.
    """
    if not is_text(path):
        raise InputError(
            f"The name of '{path.name}' is no valid text (UTF-8), so ITK cannot open it; rename the file or its folder."
        )
    header = header_facts_of(path)
    if header.data_file and not (path.parent / header.data_file).is_file():
        raise InputError(
            f"'{path.name}' is only a header: its voxels are in '{header.data_file}', which is not there; copy both files."
        )
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        with plain_numbers(), silent_stderr():
            # The content says what it is, whatever the name says.
            image = sitk.ReadImage(str(path), imageIO="NrrdImageIO" if start_of(path)[:4] == b"NRRD" else "")
    except (RuntimeError, UnicodeError) as error:
        if header.dimension > 3:
            raise _several_volumes(path, header.dimension) from error
        raise InputError(
            f"'{path.name}' cannot be read as NRRD, MetaImage or another volume (damaged, truncated or of another kind); "
            "open it in 3D Slicer and save it again as NRRD."
        ) from error
    return _volume_of(path, image, header, modality)


def _several_volumes(path: Path, dimension: int) -> InputError:
    return InputError(
        f"'{path.name}' has {dimension} dimensions (a time sequence or several volumes), but MedXAI needs one 3-D volume; "
        "pick one time point first and save it as a file of its own."
    )


def _volume_of(path: Path, image: sitk.Image, header: HeaderFacts, modality: Modality | str | None) -> Volume:
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
        raise _several_volumes(path, image.GetDimension())
    if np.iscomplexobj(sitk.GetArrayViewFromImage(image)):
        raise InputError(
            f"'{path.name}' holds complex numbers, but MedXAI needs one scalar value a voxel; save its magnitude as a volume of its own."
        )
    matrix = ijk_to_ras_of(image)
    matrix[:3] *= header.mm_per_unit
    voxels = sitk.GetArrayViewFromImage(image).copy()
    return make_volume(stem_of(path), voxels, matrix, modality, _facts_of(header))


def ijk_to_ras_of(image: sitk.Image) -> np.ndarray:
    """(4, 4): ITK keeps LPS; Slicer and MedXAI speak RAS."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return _LPS_TO_RAS @ matrix


def _facts_of(header: HeaderFacts) -> ScanFacts:
    """ITK takes LPS and 1 mm where a header says nothing of the patient or of lengths."""
    notes = []
    if not header.has_orientation:
        notes.append(
            "The file does not say how the volume lies in the patient (no NRRD space of the patient, no transform), so its orientation is not known."
        )
    if not header.has_spacing:
        notes.append("The file does not say how large a voxel is, so no millimetres are shown.")
    if header.mm_per_unit != 1:
        notes.append(f"The file's lengths are in {header.unit}; they were turned into millimetres.")
    return ScanFacts(
        has_known_orientation=header.has_orientation, has_known_spacing=header.has_spacing, notes=tuple(notes)
    )
