"""Small data sets written in the published layouts, and a worker without a process of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

LIVER, SPLEEN, LEFT_KIDNEY = 1, 3, 13  # FLARE22's labels

#: How many cases the tests' cohort has, and what `medxai evaluate` is asked for besides its folders.
COHORT_CASES = 6
COHORT_OPTIONS = (
    *("--layout", "flare22", "--organs", "liver", "--slices-per-organ", "1", "--families", "localisation"),
    *("--layers", "neck", "--explainers", "medxai", "centre-gaussian", "box"),
)


class InlineSlot:
    """Does every task at once, in this process."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def has_died(self, error: BaseException) -> bool:
        return False

    def renew(self) -> None: ...

    def stop(self) -> None: ...


def small_abdomen(seed: int, shape_kji: tuple[int, int, int] = (5, 56, 64)) -> tuple[np.ndarray, np.ndarray]:
    """A CT of ellipsoids in an elliptic body (Hounsfield units, int16) and its labels (uint8)."""
    rng = np.random.default_rng(seed)
    k, j, i = np.indices(shape_kji)

    def ellipsoid(centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
        swelling = 1 - 0.5 * ((k - (shape_kji[0] - 1) / 2) / shape_kji[0]) ** 2
        return ((j - centre[0]) / radii[0]) ** 2 + ((i - centre[1]) / radii[1]) ** 2 <= swelling

    rows, columns = shape_kji[1:]
    voxels = np.where(ellipsoid((rows / 2, columns / 2), (rows * 0.46, columns * 0.47)), -60.0, -1000.0)
    labels = np.zeros(shape_kji, np.uint8)
    for label, hu, place, size in (
        (LIVER, 110, (0.45, 0.3), 0.17),
        (SPLEEN, 125, (0.5, 0.75), 0.11),
        (LEFT_KIDNEY, 180, (0.72, 0.65), 0.08),
    ):
        moved = np.array(place) + rng.uniform(-0.03, 0.03, 2)
        inside = ellipsoid((moved[0] * rows, moved[1] * columns), (size * rows, size * columns * rng.uniform(0.8, 1.2)))
        voxels[inside], labels[inside] = hu, label
    return np.int16(np.rint(voxels + rng.normal(0, 8, shape_kji))), labels


def write_nifti(array: np.ndarray, path: Path, spacing: tuple[float, float, float] = (5.0, 5.0, 5.0)) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), True)


def write_flare22(folder: Path, count: int) -> None:
    """images/FLARE22_Tr_0001_0000.nii.gz with labels/FLARE22_Tr_0001.nii.gz, and so on."""
    for number in range(1, count + 1):
        voxels, labels = small_abdomen(number)
        write_nifti(voxels, folder / "images" / f"FLARE22_Tr_{number:04d}_0000.nii.gz")
        write_nifti(labels, folder / "labels" / f"FLARE22_Tr_{number:04d}.nii.gz")


def write_dicom_slice(pixels: np.ndarray, path: Path, z_mm: float, number: int, modality: str, series: str) -> None:
    """One real DICOM file, rows along the patient's left and back. series: its series identifier."""
    image = sitk.GetImageFromArray(pixels[None].astype(np.int16))
    image.SetSpacing((5.0, 5.0, 5.0))
    tags = {
        "0008|0060": modality,
        "0020|000d": "1.2.826.0.1.3680043.2.1125.1",
        "0020|000e": series,
        "0020|0013": str(number),
        "0020|0032": f"0\\0\\{z_mm:g}",
        "0020|0037": "1\\0\\0\\0\\1\\0",
        "0018|0050": "5",
        "0008|0018": f"{series}.{number}",
    }
    for tag, value in tags.items():
        image.SetMetaData(tag, value)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.Execute(image)


def write_png(grey: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(grey.astype(np.uint8)), str(path))
