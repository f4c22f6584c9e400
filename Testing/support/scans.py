"""The real scans of ../shared/data with their reference organs."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medxai.volume.reading import read_volume
from medxai.volume.volume import Volume

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"


class RealScan:
    """A scan of ../shared/data with its reference organs."""

    def __init__(self, name: str, labels: dict[str, int]):
        self.path = SHARED_DATA / f"{name}.nii.gz"
        self.volume: Volume = read_volume(self.path)
        self.organs_path = SHARED_DATA / f"{name}_organs.nii.gz"
        self.organs = sitk.GetArrayFromImage(sitk.ReadImage(str(self.organs_path)))
        self.labels = labels

    def mask(self, organ: str, index: int) -> np.ndarray:
        return self.organs[index] == self.labels[organ]


def real_scan(name: str, labels: dict[str, int]) -> RealScan:
    if not (SHARED_DATA / f"{name}.nii.gz").exists():
        pytest.skip(f"needs the real scan {name}.nii.gz in ../shared/data, which is not there")
    return RealScan(name, labels)
