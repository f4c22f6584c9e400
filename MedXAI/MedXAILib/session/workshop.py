"""The long work itself; everything here runs on the worker thread and touches no scene."""

import importlib
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medxai.errors import Cancelled

from .choices import MapKind, MethodChoices
from .situation import Sight, Situation
from .state import Step
from .worker import Report

if TYPE_CHECKING:
    from medxai.encoding.backends.choice import Backend
    from medxai.encoding.cache import EncodingCache
    from medxai.engine import PreparedSlice, SliceExplanation
    from medxai.models.loading import LoadedModel
    from medxai.models.store import ModelStore

#: What has to be importable before anything can be explained; names of modules.
NEEDED_MODULES = ("torch", "segment_anything", "skimage", "safetensors", "matplotlib", "sklearn", "jinja2")
#: A prepared slice of a 1024 px model takes 13 MB.
_PREPARED_SLICES = 4


@dataclass(frozen=True)
class Equipment:
    """What is installed. missing: modules without which nothing works. comparisons: other methods that can be used."""

    missing: tuple[str, ...]
    comparisons: tuple[MapKind, ...]


class Workshop:
    """Loads models, prepares slices and explains boxes, and keeps what the next box will need again.

    folder: where downloaded weights live, None for the platform's. budget_bytes: for encodings.
    """

    def __init__(self, folder: Path | None = None, budget_bytes: int = 512 << 20):
        self.folder = folder
        self._budget_bytes = budget_bytes
        self._cache: EncodingCache | None = None
        self._cache_lock = threading.Lock()
        self._model: tuple[tuple[str, str], LoadedModel, str] | None = None
        self._backend: tuple[tuple[str, str, str], Backend] | None = None
        self._prepared: OrderedDict[tuple, PreparedSlice] = OrderedDict()
        self._encoded: dict[tuple, str] = {}

    def start(self, report: Report) -> "Equipment":
        """Imports what the work needs, off the main thread, and tells what there is."""
        report(Step.STARTING, 0, 0)
        missing = tuple(name for name in NEEDED_MODULES if not _is_installed(name))
        if missing:
            return Equipment(missing, ())
        importlib.import_module("medxai.engine")
        importlib.import_module("medxai.models.loading")
        return Equipment((), self.comparisons())

    @property
    def store(self) -> "ModelStore":
        from medxai.models.store import ModelStore

        return ModelStore(self.folder) if self.folder else ModelStore()

    @property
    def held_bytes(self) -> int:
        """What the encodings take now; for any thread."""
        return self._cache.nbytes if self._cache is not None else 0

    def explain(
        self,
        sight: Sight,
        situation: Situation,
        report: Report,
        is_cancelled: Callable[[], bool],
        preview: "Callable[[SliceExplanation], None] | None" = None,
    ) -> "SliceExplanation":
        """The explanation of a situation. Raises Cancelled, or an error whose text is for the user.

        preview: called with one at half resolution where the slice has to be encoded and the model allows it; None where
        none is wanted.
        """
        from medxai.encoding.backends.preview import DRAFT, can_draft
        from medxai.encoding.cache import EncodingCache
        from medxai.encoding.encoding import encoding_key
        from medxai.engine import Explainer
        from medxai.explainers.three_stage.parameters import ExplainerParameters, Preset

        method = situation.method
        model, note = self._loaded(method, report)
        backend = self._backend_for(method, model, report)
        prepared = self._prepared_slice(sight, situation, model, report)
        layers = _layers(model, method)
        key = encoding_key(model, prepared.model_input, layers, backend)

        def explained(explainer: Explainer, step: Step) -> "SliceExplanation":
            parameters = ExplainerParameters(preset=Preset(method.preset))
            progress = partial(report, step)
            return _with_note(
                explainer.explain(prepared, [sight.box], parameters, layers, progress, is_cancelled)[0], note
            )

        cache = self._encodings()
        if preview is not None and cache.get(key) is None and can_draft(model.sam.image_encoder):
            preview(explained(Explainer(model, EncodingCache(budget_bytes=0), DRAFT), Step.PREVIEWING))
        explanation = explained(Explainer(model, cache, backend), Step.ENCODING)
        self._encoded[situation.encoded] = key
        if is_cancelled():
            raise Cancelled
        return explanation

    def look_ahead(self, sight: Sight, situation: Situation, is_cancelled: Callable[[], bool]) -> int:
        """Encodes the slices around one that has just been explained, as far as memory allows; returns how many.

        Ends within a block once it is cancelled. Loads nothing: where the model was freed meanwhile there is nothing to do.
        """
        from medxai.encoding.encoding import encoding_key
        from medxai.engine import Explainer
        from medxai.look_ahead import encode_ahead
        from medxai.model_input.grey import Window

        method, held, chosen = situation.method, self._model, self._backend
        prepared = self._prepared.get(situation.encoded)
        if held is None or chosen is None or prepared is None or chosen[0] != method.engine:
            return 0
        model, backend = held[1], chosen[1]
        layers = _layers(model, method)

        def remember(neighbour: "PreparedSlice") -> None:
            place = neighbour.image.plane, neighbour.image.index
            known = replace(situation, slice_key=place).encoded
            self._encoded[known] = encoding_key(model, neighbour.model_input, layers, backend)

        return encode_ahead(
            Explainer(model, self._encodings(), backend),
            sight.volume,
            sight.image,
            is_cancelled,
            Window(*method.window) if method.window else None,
            method.enhance_input,
            prepared.grey_range,
            layers,
            encoded=remember,
        )

    def set_budget(self, budget_bytes: int) -> None:
        """Memory for encodings from now on; what exceeds it is dropped at once. For any thread."""
        with self._cache_lock:
            self._budget_bytes = budget_bytes
            if self._cache is not None:
                self._cache.set_budget(budget_bytes)

    def comparisons(self) -> tuple[MapKind, ...]:
        """The other methods that are installed; imports PyTorch."""
        from medxai.explainers import grad_cam

        return (MapKind.GRAD_CAM,) if grad_cam.is_installed() else ()

    def compare(self, explanation: "SliceExplanation", kind: MapKind) -> np.ndarray:
        """(h, w) float32 on the model's square: another method's map of the same box. Raises InputError where it has none."""
        from medxai.explainers import grad_cam

        assert kind is MapKind.GRAD_CAM, kind
        return grad_cam.grad_cam_map(explanation)

    def is_encoded(self, situation: Situation) -> bool:
        """Whether another box on this slice needs no encoding; for any thread."""
        key = self._encoded.get(situation.encoded)
        return bool(key) and self._cache is not None and self._cache.get(key) is not None

    def download(self, name: str, report: Report, is_cancelled: Callable[[], bool]) -> Path:
        """Fetches a registered model's weights; raises Cancelled or DownloadError."""
        from medxai.models import download
        from medxai.models.registry import registered

        return download(
            registered(name), self.store, lambda done, total: report(Step.DOWNLOADING, done, total), is_cancelled
        ).path

    def remove_download(self, name: str) -> None:
        """Deletes a registered model's downloaded weights and forgets the loaded model."""
        from medxai.models.registry import registered

        self.store.remove(registered(name))
        self.free()

    def free(self) -> int:
        """Drops the loaded model, encodings and prepared slices; returns the bytes of the encodings."""
        freed = self.held_bytes
        if self._cache is not None:
            self._cache.clear()
        self._model = self._backend = None
        self._prepared.clear()
        self._encoded.clear()
        return freed

    def _loaded(self, method: MethodChoices, report: Report) -> "tuple[LoadedModel, str]":
        key = method.model, method.device
        held = self._model
        if held is None or held[0] != key:
            from medxai.models.device import choose_device
            from medxai.models.loading import load_model

            report(Step.LOADING, 0, 0)
            chosen = choose_device(method.device)
            self._model = self._backend = None  # the old model's memory is needed for the new one
            held = (key, load_model(method.model, self.store, chosen.device), chosen.note)
            self._model = held
        return held[1], held[2]

    def _backend_for(self, method: MethodChoices, model: "LoadedModel", report: Report) -> "Backend":
        if self._backend is None or self._backend[0] != method.engine:
            from medxai.encoding.backends.choice import choose_backend

            report(Step.LOADING, 0, 0)
            self._backend = None
            compiled = self.store.folder / "compiled"
            self._backend = (
                method.engine,
                choose_backend(method.encoder, model.sam.image_encoder, model.device, compiled),
            )
        return self._backend[1]

    def _prepared_slice(
        self, sight: Sight, situation: Situation, model: "LoadedModel", report: Report
    ) -> "PreparedSlice":
        known = self._prepared.get(situation.encoded)
        if known is None:
            from medxai.engine import prepare_slice
            from medxai.model_input.grey import Window

            report(Step.PREPARING, 0, 0)
            method = situation.method
            window = Window(*method.window) if method.window else None
            known = prepare_slice(sight.volume, sight.image, model.convention, window, method.enhance_input)
            self._prepared[situation.encoded] = known
            while len(self._prepared) > _PREPARED_SLICES:
                self._prepared.popitem(last=False)
        return known

    def _encodings(self) -> "EncodingCache":
        from medxai.encoding.cache import EncodingCache

        with self._cache_lock:
            if self._cache is None:
                self._cache = EncodingCache(self._budget_bytes)
            return self._cache


def _layers(model: "LoadedModel", method: MethodChoices) -> tuple[str, ...]:
    from medxai.encoding.feature_extraction import check_layers, default_layers, layer_names

    encoder = model.sam.image_encoder
    return check_layers(encoder, layer_names(encoder) if method.all_layers else default_layers(encoder))


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _with_note(explanation: "SliceExplanation", note: str) -> "SliceExplanation":
    return replace(explanation, warnings=(note, *explanation.warnings)) if note else explanation
