"""What is measured: models, the backends, and the steps of each on a slice of the phantom with boxes on it.

LiteMedSAM and the demo model have their real weights where they are on this machine. Elsewhere weights are random: they cost
the encoder the same arithmetic (nothing of a trained model is zero, so nothing here is either), but not the contour check.
"""

import itertools
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from medxai.encoding.backends.base import Backend
from medxai.encoding.backends.preview import PREVIEW, can_preview
from medxai.encoding.backends.registry import choose_backend
from medxai.encoding.encoding import encode
from medxai.engine import DEFAULT_BUDGET_BYTES, Engine
from medxai.model_input.frame import ModelInput
from medxai.model_input.grey import grey_range_of, grey_slice
from medxai.models.loading import LoadedModel, load_model
from medxai.models.networks.demo_encoder import build_demo_sam
from medxai.models.networks.lite_medsam import build_lite_medsam
from medxai.models.networks.sam_vit import SAM_VIT_B, SAM_VIT_L, build_sam_vit
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.request import ExplainRequest, ModelChoice
from medxai.segmentation.prompting import prompt_embeddings
from medxai.slice.box import ClippedBox, clip_box
from medxai.slice.slice_image import SliceImage, slice_of
from medxai.volume.phantom import make_phantom
from medxai.volume.volume import Volume

MODELS = {
    "vit-b": ("ViT-B, 1024 px (MedSAM)", partial(build_sam_vit, SAM_VIT_B)),
    "vit-l": ("ViT-L, 1024 px", partial(build_sam_vit, SAM_VIT_L)),
    "litemedsam": ("LiteMedSAM, 256 px", build_lite_medsam),
    "demo": ("demo model, 256 px", build_demo_sam),
}
#: Registered models whose weights anybody can have. Random ones give masks in a thousand pieces, and the contour check of
#: those takes a hundred times as long.
_WITH_WEIGHTS = ("litemedsam", "demo")
#: The model's own forward, without layers: what every other way is compared with.
PLAIN = "plain"
WAYS = {PLAIN: "the model's own code", "exact": "MedXAI exact", "fast": "MedXAI fast (bfloat16)"}
WAYS |= {"openvino": "OpenVINO float32", "openvino-fast": "OpenVINO bfloat16", PREVIEW.name: "preview at half size"}
BOXES = 32
#: What can be asked of a subject, after loading: the first box of a slice includes encoding it.
STEPS = ("encode", "first", "next", "together")


def checkpoint_of(name: str, folder: Path) -> Path:
    """A model's own weights where they are on this machine; else a checkpoint with random weights in the folder."""
    if name in _WITH_WEIGHTS:
        path = ModelStore().path_of(registered(name))
        if path.is_file():
            return path
    path = folder / "random.pth"
    save_random(name, path)
    return path


def save_random(name: str, path: Path) -> None:
    """A checkpoint of a model with random weights."""
    torch.manual_seed(0)
    sam = MODELS[name][1]()
    with torch.no_grad():
        for key, parameter in sam.image_encoder.named_parameters():
            if "pos" in key:
                parameter.normal_(std=0.2)
    torch.save({key: value for key, value in sam.state_dict().items() if not key.startswith("pixel_")}, path)


def load(path: Path) -> LoadedModel:
    return load_model(path)


class PlainSubject:
    """The model's own modules, called as MedSAM_Inference.py calls them: masks, no layers and no maps."""

    steps = STEPS
    cache_mb = 0.0

    def __init__(self, model: LoadedModel):
        self._model = model
        model_input, boxes = input_and_boxes(model)
        self._frame = model_input.frame
        self._image = torch.from_numpy(model_input.tensor_chw)[None]
        self._corners = [model.convention.box_in_model_px(box.box, self._frame) for box in boxes]
        self._turn = itertools.cycle(range(1, BOXES))
        self.embedding = torch.empty(0)

    @torch.inference_mode()
    def encode(self) -> None:
        self.embedding = self._model.sam.image_encoder(self._image)

    def first(self) -> None:
        self.encode()
        self._decode(self._corners[:1])

    def next(self) -> None:
        turn = next(self._turn)
        self._decode(self._corners[turn : turn + 1])

    def together(self) -> None:
        self._decode(self._corners)

    @torch.inference_mode()
    def _decode(self, corners: list[np.ndarray]) -> None:
        if not self.embedding.numel():
            self.encode()
        sam = self._model.sam
        sparse, dense = prompt_embeddings(self._model.family, sam, torch.from_numpy(np.stack(corners)).float())
        pe = sam.prompt_encoder.get_dense_pe()
        logits, _ = sam.mask_decoder(self.embedding, pe, sparse, dense, multimask_output=False)
        self._frame.to_slice(torch.sigmoid(logits[:, 0]).numpy())


class EncodingSubject:
    """A backend by itself: encoding with the default layers, their features included."""

    steps: tuple[str, ...] = ("encode",)

    def __init__(self, model: LoadedModel, backend: Backend):
        self._model, self._backend = model, backend
        self._input, _ = input_and_boxes(model)
        self.embedding = torch.empty(0)
        self.cache_mb = 0.0

    def encode(self) -> None:
        encoding = encode(self._model, self._input, backend=self._backend)
        if encoding.note:
            raise RuntimeError(encoding.note)
        self.embedding, self.cache_mb = encoding.embedding, encoding.nbytes / 1e6


class MedxaiSubject(EncodingSubject):
    """MedXAI as it is used: the engine gives masks, all maps and their metrics."""

    steps = STEPS

    def __init__(self, model: LoadedModel, backend: Backend, engine: Engine, choice: ModelChoice):
        super().__init__(model, backend)
        volume, image, self._boxes = slice_and_boxes()
        self._engine, self._request = engine, ExplainRequest(volume, image, choice)
        self._turn = itertools.cycle(range(1, BOXES))

    def first(self) -> None:
        self._engine.set_budget(0)  # drops what is encoded
        self._engine.set_budget(DEFAULT_BUDGET_BYTES)
        self._engine.explain(self._request, self._boxes[:1])

    def next(self) -> None:
        turn = next(self._turn)
        self._engine.explain(self._request, self._boxes[turn : turn + 1])

    def together(self) -> None:
        self._engine.explain(self._request, self._boxes)


@dataclass(frozen=True)
class Started:
    """subject: what does the steps; None where the way is not to be had. note: why not. load_seconds: for the model."""

    subject: PlainSubject | EncodingSubject | None
    note: str
    load_seconds: float


def start(way: str, checkpoint: Path, folder: Path) -> Started:
    """A checkpoint's subject for a way. folder: for compiled models."""
    begin = time.perf_counter()
    if way == PLAIN:
        model = load(checkpoint)
        seconds = time.perf_counter() - begin
        return Started(PlainSubject(model), "", seconds)
    engine, choice = Engine(ModelStore(folder)), ModelChoice(checkpoint, "cpu", "exact" if way == PREVIEW.name else way)
    model = engine.load(choice)
    seconds = time.perf_counter() - begin
    encoder = model.sam.image_encoder
    if way == PREVIEW.name:
        if can_preview(encoder):
            return Started(EncodingSubject(model, PREVIEW), "", seconds)
        return Started(None, "Previews are for large ViT encoders; this model's slices take little time.", seconds)
    backend = choose_backend(way, encoder, model.device, folder / "compiled")
    if backend.note:
        return Started(None, backend.note, seconds)
    return Started(MedxaiSubject(model, backend, engine, choice), "", seconds)


def slice_and_boxes() -> tuple[Volume, SliceImage, list[ClippedBox]]:
    """The built-in phantom, a slice of it, and boxes of many sizes on it."""
    phantom = make_phantom()
    image = slice_of(phantom.volume, "axial", phantom.slice_with_most("liver"))
    rows, columns = image.shape
    random = np.random.default_rng(0)
    first = random.integers((0, 0), (columns - 40, rows - 40), (BOXES, 2))
    last = first + random.integers(8, 40, (BOXES, 2))
    return phantom.volume, image, [clip_box(image, *corners) for corners in np.hstack([first, last]).tolist()]


def input_and_boxes(model: LoadedModel) -> tuple[ModelInput, list[ClippedBox]]:
    """That slice as the model wants it, and the boxes."""
    volume, image, boxes = slice_and_boxes()
    return model.convention.prepare(grey_slice(image, grey_range_of(volume))), boxes
