"""Volumes from files: NIfTI, NRRD, MetaImage, DICOM series folders and PNG, through SimpleITK."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .volume import Modality, Volume, make_volume

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_volume(path: str | Path, modality: Modality | str | None = None) -> Volume:
    """The volume in a file, or the one series in a DICOM folder; a PNG becomes a volume of one slice.

    Raises InputError where the path is missing, unreadable, truncated, 4-D, in colour, or holds several series.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder '{path}'; check the path.")
    if path.is_dir():
        return _volume_from_image(_read_series(path), path.name, modality)
    if path.suffix.lower() == ".png":
        return _read_picture(path, modality)
    image = _read_file(path)
    return _volume_from_image(image, _stem(path), modality)


def _stem(path: Path) -> str:
    name = path.name
    return name[:-7] if name.lower().endswith(".nii.gz") else path.stem


def _read_file(path: Path) -> sitk.Image:
    try:
        if path.name.lower().endswith((".nii.gz", ".nii")):
            _check_nifti_is_whole(path)
        return sitk.ReadImage(str(path))
    except (RuntimeError, OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"'{path.name}' cannot be read as NIfTI, NRRD, MetaImage or PNG (damaged, truncated or of another kind); "
            "open it in 3D Slicer and save it again as NRRD."
        ) from error


def _check_nifti_is_whole(path: Path) -> None:
    """Raises OSError, EOFError or zlib.error where voxels are missing: ITK reads such a file and fills up with zeros."""
    header = sitk.ImageFileReader()
    header.SetFileName(str(path))
    header.ReadImageInformation()
    stored_bits = int(header.GetMetaData("bitpix"))
    expected = header.GetNumberOfComponents() * int(np.prod(header.GetSize())) * stored_bits // 8
    compressed = path.name.lower().endswith(".gz")
    with gzip.open(path) if compressed else path.open("rb") as file:
        size = 0
        while chunk := file.read(1 << 22):
            size += len(chunk)
    if size < expected:
        raise EOFError


def _read_series(folder: Path) -> sitk.Image:
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if not series:
        raise InputError(
            f"The folder '{folder}' holds no DICOM series; point to the folder with the .dcm files of one series."
        )
    if len(series) > 1:
        raise InputError(f"The folder '{folder}' holds {len(series)} DICOM series; keep one series in the folder.")
    return _read_slices(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0]), folder)


def read_dicom_slices(files: Sequence[Path], name: str, modality: Modality | str | None = None) -> Volume:
    """The volume of DICOM files of one slice each, in the given order, whichever series they say that they belong to.

    Raises InputError where a file is unreadable or the slices differ in size.
    """
    return _volume_from_image(_read_slices([str(file) for file in files], Path(files[0]).parent), name, modality)


def _read_slices(files: Sequence[str], folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(
            f"The DICOM series in '{folder}' cannot be read (files missing or damaged); export it again."
        ) from error
    if reader.HasMetaDataKey(0, "0008|0060"):
        image.SetMetaData("0008|0060", reader.GetMetaData(0, "0008|0060"))
    return image


def _read_picture(path: Path, modality: Modality | str | None) -> Volume:
    """A grey PNG (also one stored as RGB or RGBA with equal channels), read row by row as a slice of 1 mm pixels."""
    pixels = sitk.GetArrayFromImage(_read_file(path))
    if pixels.ndim == 3:
        colour = pixels[..., :3]
        if pixels.shape[-1] < 3 or np.any(colour != colour[..., :1]):
            pixels = pixels[..., 0] if pixels.shape[-1] == 2 else None
            if pixels is None:
                raise InputError(
                    f"'{path.name}' is a colour picture, but MedXAI explains grey slices; save it as greyscale."
                )
        else:
            pixels = colour[..., 0]
    ijk_to_ras = _LPS_TO_RAS.copy()
    return make_volume(path.stem, pixels[None], ijk_to_ras, modality or Modality.PICTURE)


def _volume_from_image(image: sitk.Image, name: str, modality: Modality | str | None) -> Volume:
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"'{name}' is a colour or vector volume, but MedXAI needs one scalar value a voxel; convert it to greyscale first."
        )
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    if image.GetDimension() != 3:
        raise InputError(
            f"'{name}' has {image.GetDimension()} dimensions, but MedXAI needs one 3-D volume; pick one time point first."
        )
    if modality is None and image.HasMetaDataKey("0008|0060"):
        modality = {"CT": Modality.CT, "MR": Modality.MR}.get(image.GetMetaData("0008|0060").strip())
    return make_volume(name, sitk.GetArrayViewFromImage(image).copy(), ijk_to_ras_of(image), modality)


def ijk_to_ras_of(image: sitk.Image) -> np.ndarray:
    """(4, 4): ITK keeps LPS; Slicer and MedXAI speak RAS."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return _LPS_TO_RAS @ matrix
