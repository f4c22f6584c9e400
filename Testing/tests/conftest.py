"""What several test files need: the real scans, small models with the real code, a real scene."""

import os
from pathlib import Path

# Before anything imports Qt: the tests have no screen, and Qt ends the process where it finds none.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MedXAILib.imaging import InputConvention, Volume, read_volume
from MedXAILib.imaging.model_input import Preparation
from MedXAILib.models import LoadedModel
from MedXAILib.models.sam_vit import SamVitShape, build_sam_vit

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = ROOT.parent / "shared" / "data"

#: A SAM of segment-anything's own code, small enough to encode in milliseconds.
SMALL_SHAPE = SamVitShape(
    image_size_px=128, width=48, depth=4, heads=2, global_blocks=(1, 3), window_tokens=5, embedding_channels=32,
    decoder_mlp_width=64, iou_head_width=32,
)  # fmt: skip


class RealScan:
    """A scan of ../shared/data with its reference organs."""

    def __init__(self, name: str, labels: dict[str, int]):
        self.path = SHARED_DATA / f"{name}.nii.gz"
        self.volume: Volume = read_volume(self.path)
        self.organs = sitk.GetArrayFromImage(sitk.ReadImage(str(SHARED_DATA / f"{name}_organs.nii.gz")))
        self.labels = labels

    def mask(self, organ: str, index: int) -> np.ndarray:
        return self.organs[index] == self.labels[organ]


def _scan(name: str, labels: dict[str, int]) -> RealScan:
    if not (SHARED_DATA / f"{name}.nii.gz").exists():
        pytest.skip(f"needs the real scan {name}.nii.gz in ../shared/data, which is not there")
    return RealScan(name, labels)


@pytest.fixture(scope="session")
def ct() -> RealScan:
    return _scan("ct_abdomen", {"spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 5, "aorta": 52})


@pytest.fixture(scope="session")
def mr() -> RealScan:
    return _scan("mr_abdomen", {"spleen": 1, "right kidney": 2, "left kidney": 3, "liver": 5, "aorta": 23})


def small_model(preparation: Preparation = Preparation.MEDSAM, seed: int = 0, shape: SamVitShape = SMALL_SHAPE) -> LoadedModel:
    """A small SAM with random weights, its position tables filled too (they start as zeros)."""
    torch.manual_seed(seed)
    sam = build_sam_vit(shape)
    with torch.no_grad():
        for name, parameter in sam.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(std=0.1)
    return LoadedModel(
        "small", "small SAM", "SAM ViT", sam, InputConvention(preparation, shape.image_size_px), f"seed-{seed}", torch.device("cpu")
    )


@pytest.fixture(scope="session")
def model() -> LoadedModel:
    return small_model()


@pytest.fixture
def scene():
    headless = pytest.importorskip("MedXAILib.scene.headless", reason="needs the package slicer-core")
    with headless.quiet_vtk(), headless.headless_scene() as scene:
        yield scene
