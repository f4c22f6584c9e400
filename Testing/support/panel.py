"""What the tests of the controller and the panel share: the untrained demo network as a file, and a scene of plain Python."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from medxai.errors import InputError
from medxai.map_view import ViewChoices
from medxai.maps import OWN_MAPS_SHOWN
from medxai.models.networks.demo_encoder import build_demo_sam
from medxai.organ_codes import UNNAMED
from medxai.slice.box import clip_box
from medxai.slice.slice_image import slice_of
from medxai.through_slices.volume_result import VolumeResult
from medxai.volume.volume import Modality, Volume, make_volume
from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.organs import ExplainedOrgans
from MedXAILib.session.snapshot import MissingInput, SceneSnapshot
from support.models import small_model

#: The keys of the maps that have a button.
OWN_KEYS = tuple(info.key for info in OWN_MAPS_SHOWN)


def untrained_weights(folder: Path) -> Path:
    """The demo network with seeded random weights, as a checkpoint file: its speed and shapes are the real ones."""
    path = folder / "untrained_demo.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        safetensors.torch.save_file(build_demo_sam().state_dict(), str(path))
    return path


def small_sam_weights(folder: Path) -> Path:
    """A SAM ViT of 128 px with seeded random weights, as a checkpoint file."""
    path = folder / "small_sam.safetensors"
    if not path.exists():
        safetensors.torch.save_file(small_model().sam.state_dict(), str(path))
    return path


def ball_volume(name: str = "ball", shape: tuple[int, int, int] = (12, 60, 64), seed: int = 0) -> Volume:
    """A CT of a bright ball in soft tissue, with noise."""
    k, j, i = np.indices(shape)
    centre = np.array(shape) / 2
    inside = ((k - centre[0]) * 3) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2 < 18**2
    noise = np.random.default_rng(seed).normal(0, 15, shape)
    voxels = np.where(inside, 120, 30) + noise
    voxels[:, :4] = -1000
    return make_volume(name, voxels.astype(np.int16), np.diag([3.0, 3.0, 5.0, 1.0]), Modality.CT)


class PlainScene:
    """A front end's scene without Slicer: a volume, a slice and a box in attributes, and what was shown in lists."""

    def __init__(self, volume: Volume | None = None):
        self.volume = volume if volume is not None else ball_volume()
        self.index = 6
        self.corners: tuple[int, int, int, int] | None = (20, 18, 44, 42)
        self.shown: list[tuple[object, ViewChoices]] = []
        self.live: list[tuple[object, ViewChoices]] = []
        self.restyled: list[tuple[object, ViewChoices]] = []
        self.followed: list[VolumeResult] = []
        self.organs: list[ExplainedOrgans | None] = []
        self.slices: tuple[int, int] | None = None
        self.dicom_files: tuple[Path, ...] = ()
        self.fails_to_show = False

    def look(self, method: MethodChoices) -> SceneSnapshot:
        if self.volume is None:
            return SceneSnapshot(lack=MissingInput.VOLUME)
        if self.corners is None:
            return SceneSnapshot(id(self.volume), lack=MissingInput.REGION)
        try:
            image = slice_of(self.volume, "axial", self.index)
            box = clip_box(image, *self.corners)
        except InputError as error:
            return SceneSnapshot(id(self.volume), lack=MissingInput.UNUSABLE, reason=str(error))
        seen = (self.volume, image, box, self.slices, UNNAMED, MissingInput.NONE)
        return SceneSnapshot(id(self.volume), ("axial", self.index), None, *seen)

    def show(self, explanation: object, _key: object, view: ViewChoices) -> None:
        if self.fails_to_show:
            raise OSError("the scene is gone")
        self.shown.append((explanation, view))

    def show_live(self, explanation: object, _key: object, view: ViewChoices) -> None:
        self.live.append((explanation, view))

    def restyle(self, explanation: object, _key: object, view: ViewChoices) -> None:
        self.restyled.append((explanation, view))

    def show_organs(self, organs: ExplainedOrgans | None, _key: object) -> None:
        self.organs.append(organs)

    def prepare_followed(self, result: VolumeResult) -> VolumeResult:
        return result

    def source_files(self, _key: object) -> tuple[Path, ...]:
        return self.dicom_files

    def show_followed(self, prepared: VolumeResult, _key: object, _view: ViewChoices) -> None:
        self.followed.append(prepared)


def until(controller: Controller, condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    """Ticks until the condition holds; fails where it does not within the limit."""
    end = time.monotonic() + limit_s
    while not condition():
        controller.tick()
        assert time.monotonic() < end, (
            f"still waiting in {controller.state.phase}: {controller.state.running}, {controller.state.message}"
        )
        time.sleep(0.002)
