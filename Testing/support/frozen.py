"""The results of commit dbfa748, and the same cases answered by today's engine (see Testing/frozen/README.md)."""

import hashlib
import json
import platform
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import transform

from medxai.engine import Engine
from medxai.errors import ModelError
from medxai.explainers.base import Case
from medxai.explainers.three_stage.parameters import parameters_for
from medxai.model_input.preparing import fitted
from medxai.models.convention import InputConvention
from medxai.models.families.lite_medsam import LiteMedSam
from medxai.models.families.sam import MedSam, Sam
from medxai.models.loading import LoadedModel, load_model
from medxai.request import ALL_LAYERS, ExplainRequest
from medxai.results import SliceExplanation
from medxai.slice.box import clip_box
from medxai.slice.slice_image import slice_of
from medxai.volume.labelled_volume import LabelledVolume, labelled
from medxai.volume.reading import read_volume
from support.models import small_model
from support.scans import ROOT, SHARED_DATA

RESULTS = json.loads((ROOT / "Testing" / "frozen" / "results.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in RESULTS["cases"]}

_PACKAGES = {
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "SimpleITK": "SimpleITK",
}


def _bilinear(grey: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return transform.resize(grey, shape, order=1, preserve_range=True, anti_aliasing=True).astype(np.uint8)


class _EarlierLiteMedSam(LiteMedSam):
    """As dbfa748 prepared for it: bilinear, boxes by the indexes of their last pixels, probabilities brought to the slice."""

    interpolates_logits = False
    most_enlargement = None

    def prepare(self, grey, size_px, preparation="default"):
        return fitted(grey, size_px, _bilinear)

    def box_in_model_px(self, box, frame, preparation="default"):
        return frame.scale_xyxy(box.xyxy)


def why_not_bit_for_bit() -> str:
    """Why this machine cannot be asked for the same bits; '' where it can."""
    machine, here = RESULTS["machine"], {"cpu_model_name": _cpu_model(), "platform.machine": platform.machine()}
    here["torch_cpu_capability"] = torch.backends.cpu.get_cpu_capability()
    different = [f"{name} {found}" for name, found in here.items() if found != machine[name]]
    different += [
        f"{name} {version(package)}"
        for name, package in _PACKAGES.items()
        if version(package) != RESULTS["versions"][name]
    ]
    return ", ".join(different)


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


@cache
def _scan(name: str) -> LabelledVolume:
    path = SHARED_DATA / f"{name}.nii.gz"
    if not path.exists():
        pytest.skip(f"needs the real scan {path.name} in ../shared/data, which is not there")
    return labelled(read_volume(path), read_volume(SHARED_DATA / f"{name}_organs.nii.gz", "picture"))


@cache
def _model(name: str) -> LoadedModel:
    if name.startswith("small/"):
        return small_model({"small/medsam": MedSam, "small/sam": Sam}[name]())
    try:
        model = load_model(name)
    except ModelError as error:
        pytest.skip(f"needs the weights of {name}: {error}")
    if name == "litemedsam":
        # Its encoder has got an exact pass that sums in another order; one with hooks is left to the module's own.
        model.sam.image_encoder.register_forward_pre_hook(lambda _module, _inputs: None)
        model = replace(model, convention=InputConvention(_EarlierLiteMedSam(), model.convention.size_px))
    return model


def answered(frozen: dict) -> Case:
    """A frozen case, answered by a new engine."""
    scan = _scan(frozen["scan"])
    image = slice_of(scan.volume, frozen["plane"], frozen["slice_index"])
    request = ExplainRequest(
        scan.volume,
        image,
        _model(frozen["model"]),
        enhance_input=frozen["enhance_input"],
        layers=ALL_LAYERS if "all layers" in frozen["id"] else None,
        parameters=parameters_for(frozen["preset"]),
    )
    case = Engine().case(request, clip_box(image, *frozen["box_asked"]))
    mask = scan.slices(frozen["plane"])[frozen["slice_index"]] == frozen["label"]
    about = frozen["figures"] or {"case_id": "", "patient": ""}
    return replace(case, case_id=about["case_id"], patient=about["patient"], organ=frozen["organ"], reference_mask=mask)


def arrays_of(case: Case) -> dict[str, np.ndarray]:
    """The arrays by the names of the file, those first that others are made from."""
    result, prepared = case.result, case.result.prepared
    arrays = {
        "reference_mask": case.reference_mask,
        "grey": prepared.grey,
        "shown": prepared.shown,
        "model_input": prepared.model_input.tensor_chw,
        "embedding": case.encoding.embedding.numpy(),
    }
    for layer in case.encoding.layers:
        arrays[f"unit/{layer.name}"] = layer.unit.numpy()
        arrays[f"global_similarity/{layer.name}"] = layer.global_similarity.numpy()
    arrays |= {"mask": result.segmentation.mask, "logits": result.explanation.terminal}
    arrays["attention"] = result.explanation.interaction
    for maps in result.explanation.layers:
        arrays |= {f"stage{stage}/{maps.layer}": values for stage, values in maps.stages.items()}
        arrays[f"stage3_unweighted/{maps.layer}"] = maps.stage3_unweighted
    return arrays | _on_slice(result, arrays)


def _on_slice(result: SliceExplanation, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    layer = result.shown_layer
    names = (*(f"stage{stage}/{layer}" for stage in (1, 2, 3)), "attention", "logits")
    return {f"on_slice/{name}": result.on_slice(arrays[name]) for name in names}


def digest(array: np.ndarray) -> str:
    """SHA-256 of the bytes in C order, little endian."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest()
