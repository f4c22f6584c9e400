"""What is measured: models with random weights, the backends, and the steps of each on a slice of the phantom with boxes on it.

Random weights cost the same arithmetic as real ones. Nothing of a trained model is zero, so nothing here is either.
"""

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from medxai.encoding.backends.base import Backend
from medxai.encoding.backends.preview import PREVIEW, can_preview
from medxai.encoding.backends.registry import choose_backend
from medxai.encoding.cache import EncodingCache
from medxai.engine import Explainer, PreparedSlice, prepare_slice
from medxai.models.loading import LoadedModel, load_model
from medxai.models.networks.demo_encoder import build_demo_sam
from medxai.models.networks.lite_medsam import build_lite_medsam
from medxai.models.networks.sam_vit import SAM_VIT_B, SAM_VIT_L, build_sam_vit
from medxai.segmentation.prompting import prompt_embeddings
from medxai.slice.box import ClippedBox, clip_box
from medxai.slice.slice_image import slice_of
from medxai.volume.phantom import make_phantom

MODELS = {
    "vit-b": ("ViT-B, 1024 px (MedSAM)", partial(build_sam_vit, SAM_VIT_B)),
    "vit-l": ("ViT-L, 1024 px", partial(build_sam_vit, SAM_VIT_L)),
    "litemedsam": ("LiteMedSAM, 256 px", build_lite_medsam),
    "demo": ("demo model, 256 px", build_demo_sam),
}
#: The model's own forward, without layers: what every other way is compared with.
PLAIN = "plain"
WAYS = {PLAIN: "segment-anything", "exact": "MedXAI exact", "fast": "MedXAI fast (bfloat16)"}
WAYS |= {"openvino": "OpenVINO float32", "openvino-fast": "OpenVINO bfloat16", PREVIEW.name: "preview at half size"}
BOXES = 32
#: What can be asked of a subject, after loading: the first box of a slice includes encoding it.
STEPS = ("encode", "first", "next", "together")


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
    """segment-anything's own modules, called as MedSAM_Inference.py calls them: masks, no layers and no maps."""

    cache_mb = 0.0

    def __init__(self, model: LoadedModel):
        self._sam = model.sam
        _, prepared, boxes = slice_and_boxes(model)
        self._frame = prepared.model_input.frame
        self._image = torch.from_numpy(prepared.model_input.tensor_chw)[None]
        self._corners = [model.convention.box_in_model_px(box.box, self._frame) for box in boxes]
        self._turn = itertools.cycle(range(1, BOXES))
        self.embedding = torch.empty(0)

    @torch.inference_mode()
    def encode(self) -> None:
        self.embedding = self._sam.image_encoder(self._image)

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
        sparse, dense = prompt_embeddings(self._sam, torch.from_numpy(np.stack(corners)).float())
        pe = self._sam.prompt_encoder.get_dense_pe()
        logits, _ = self._sam.mask_decoder(self.embedding, pe, sparse, dense, multimask_output=False)
        self._frame.to_slice(torch.sigmoid(logits[:, 0]).numpy())


class MedxaiSubject:
    """MedXAI as it is used: encoding with the default layers, then masks, all maps and their metrics."""

    def __init__(self, model: LoadedModel, backend: Backend):
        explainer, self._prepared, self._boxes = slice_and_boxes(model)
        self._explainer = replace(explainer, backend=backend)
        self._turn = itertools.cycle(range(1, BOXES))
        self.embedding = torch.empty(0)
        self.cache_mb = 0.0

    def encode(self) -> None:
        self._explainer.cache.clear()
        encoding, _ = self._explainer.encode(self._prepared)
        self.embedding, self.cache_mb = encoding.embedding, encoding.nbytes / 1e6

    def first(self) -> None:
        self._explainer.cache.clear()
        self._explainer.explain(self._prepared, self._boxes[:1])

    def next(self) -> None:
        turn = next(self._turn)
        self._explainer.explain(self._prepared, self._boxes[turn : turn + 1])

    def together(self) -> None:
        self._explainer.explain(self._prepared, self._boxes)


def subject_for(way: str, model: LoadedModel, cache_folder: Path) -> tuple[PlainSubject | MedxaiSubject | None, str]:
    """What does a model's steps that way, or None and the reason."""
    if way == PLAIN:
        return PlainSubject(model), ""
    if way == PREVIEW.name:
        can = can_preview(model.sam.image_encoder)
        return (
            (MedxaiSubject(model, PREVIEW), "")
            if can
            else (None, "Previews are for large ViT encoders; this model's slices take little time.")
        )
    backend = choose_backend(way, model.sam.image_encoder, model.device, cache_folder)
    return (None, backend.note) if backend.note else (MedxaiSubject(model, backend), "")


def slice_and_boxes(model: LoadedModel) -> tuple[Explainer, PreparedSlice, list[ClippedBox]]:
    """An explainer with an empty cache, a slice of the built-in phantom, and boxes of many sizes on it."""
    phantom = make_phantom()
    image = slice_of(phantom.volume, "axial", phantom.slice_with_most("liver"))
    rows, columns = image.shape
    random = np.random.default_rng(0)
    first = random.integers((0, 0), (columns - 40, rows - 40), (BOXES, 2))
    last = first + random.integers(8, 40, (BOXES, 2))
    boxes = [clip_box(image, *corners) for corners in np.hstack([first, last]).tolist()]
    return Explainer(model, EncodingCache()), prepare_slice(phantom.volume, image, model.convention), boxes
