"""What is measured: models with random weights, the ways to encode, and a slice of the phantom with boxes on it.

Random weights cost the same arithmetic as real ones. Nothing of a trained model is zero, so nothing here is either.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from MedXAILib.encoding import EncodingCache, choose_backend, default_layers
from MedXAILib.imaging import clip_box, slice_of
from MedXAILib.imaging.box import ClippedBox
from MedXAILib.models import LoadedModel, load_model
from MedXAILib.models.demo_encoder import build_demo_sam
from MedXAILib.models.lite_medsam import build_lite_medsam
from MedXAILib.models.sam_vit import SAM_VIT_B, SAM_VIT_L, build_sam_vit
from MedXAILib.pipeline import Explainer, PreparedSlice, prepare_slice
from MedXAILib.synthesis.phantom import make_phantom

MODELS = {
    "vit-b": ("ViT-B, 1024 px (MedSAM)", partial(build_sam_vit, SAM_VIT_B)),
    "vit-l": ("ViT-L, 1024 px", partial(build_sam_vit, SAM_VIT_L)),
    "litemedsam": ("LiteMedSAM, 256 px", build_lite_medsam),
    "demo": ("demo model, 256 px", build_demo_sam),
}
#: The model's own forward, without layers: what every other way is compared with.
PLAIN = "plain"
WAYS = {PLAIN: "segment-anything", "exact": "MedXAI exact", "fast": "MedXAI fast (bfloat16)"}
WAYS |= {"openvino": "OpenVINO float32", "openvino-fast": "OpenVINO bfloat16"}
BOXES = 32


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


def image_for(model: LoadedModel) -> torch.Tensor:
    side = model.convention.size_px
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))


def encode_by(way: str, model: LoadedModel, cache_folder: Path) -> tuple[Callable[[torch.Tensor], torch.Tensor] | None, str]:
    """What gives the embedding of an image that way, or None and the reason."""
    encoder = model.sam.image_encoder
    if way == PLAIN:
        return torch.inference_mode()(encoder.forward), ""
    backend = choose_backend(way, encoder, model.device, cache_folder)
    if backend.note:
        return None, backend.note
    layers = default_layers(encoder)
    return lambda image: backend.run(encoder, image, layers, lambda done, total: None, lambda: False).embedding, ""


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
