"""The long work itself; everything here runs on the worker thread and touches no scene."""

import importlib
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled
from .choices import MethodChoices
from .situation import Sight, Situation
from .state import Step
from .worker import Report

if TYPE_CHECKING:
    from ..encoding import Backend, EncodingCache
    from ..models import LoadedModel, ModelStore
    from ..pipeline import PreparedSlice, SliceExplanation

#: What has to be importable before anything can be explained; names of modules.
NEEDED_MODULES = ("torch", "segment_anything", "skimage", "safetensors", "matplotlib", "sklearn", "jinja2")
#: A prepared slice of a 1024 px model takes 13 MB.
_PREPARED_SLICES = 4


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

    def start(self, report: Report, _is_cancelled: Callable[[], bool]) -> tuple[str, ...]:
        """Imports what the work needs, off the main thread; returns the modules that are not installed."""
        report(Step.STARTING, 0, 0)
        missing = tuple(name for name in NEEDED_MODULES if not _is_installed(name))
        if not missing:
            importlib.import_module("MedXAILib.pipeline")
            importlib.import_module("MedXAILib.models")
        return missing

    @property
    def store(self) -> "ModelStore":
        from ..models import ModelStore

        return ModelStore(self.folder) if self.folder else ModelStore()

    @property
    def held_bytes(self) -> int:
        """What the encodings take now; for any thread."""
        return self._cache.nbytes if self._cache is not None else 0

    def explain(
        self, sight: Sight, situation: Situation, report: Report, is_cancelled: Callable[[], bool]
    ) -> "SliceExplanation":
        """The explanation of a situation. Raises Cancelled, or an error whose text is for the user."""
        from ..encoding import check_layers, default_layers, encoding_key, layer_names
        from ..explaining import ExplainerParameters
        from ..explaining.parameters import Preset
        from ..pipeline import Explainer

        method = situation.method
        model, note = self._loaded(method, report)
        backend = self._backend_for(method, model, report)
        prepared = self._prepared_slice(sight, situation, model, report)
        encoder = model.sam.image_encoder
        layers = check_layers(encoder, layer_names(encoder) if method.all_layers else default_layers(encoder))

        def progress(done: int, total: int) -> None:
            report(Step.ENCODING, done, total)

        explainer = Explainer(model, self._encodings(), backend)
        parameters = ExplainerParameters(preset=Preset(method.preset))
        explanation = explainer.explain(prepared, [sight.box], parameters, layers, progress, is_cancelled)[0]
        if explanation.encoded_now or situation.encoded not in self._encoded:
            self._encoded[situation.encoded] = encoding_key(model, prepared.model_input, layers, backend)
        if is_cancelled():
            raise Cancelled
        return _with_note(explanation, note)

    def set_budget(self, budget_bytes: int) -> None:
        """Memory for encodings from now on; what exceeds it is dropped at once. For any thread."""
        with self._cache_lock:
            self._budget_bytes = budget_bytes
            if self._cache is not None:
                self._cache.set_budget(budget_bytes)

    def is_encoded(self, situation: Situation) -> bool:
        """Whether another box on this slice needs no encoding; for any thread."""
        key = self._encoded.get(situation.encoded)
        return bool(key) and self._cache is not None and self._cache.get(key) is not None

    def download(self, name: str, report: Report, is_cancelled: Callable[[], bool]) -> Path:
        """Fetches a registered model's weights; raises Cancelled or DownloadError."""
        from ..models import download, registered

        return download(registered(name), self.store, lambda done, total: report(Step.DOWNLOADING, done, total), is_cancelled).path

    def remove_download(self, name: str) -> None:
        """Deletes a registered model's downloaded weights and forgets the loaded model."""
        from ..models import registered

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
            from ..models import load_model
            from ..models.device import choose_device

            report(Step.LOADING, 0, 0)
            chosen = choose_device(method.device)
            self._model = self._backend = None  # the old model's memory is needed for the new one
            held = (key, load_model(method.model, self.store, chosen.device), chosen.note)
            self._model = held
        return held[1], held[2]

    def _backend_for(self, method: MethodChoices, model: "LoadedModel", report: Report) -> "Backend":
        if self._backend is None or self._backend[0] != method.engine:
            from ..encoding import choose_backend

            report(Step.LOADING, 0, 0)
            self._backend = None
            compiled = self.store.folder / "compiled"
            self._backend = method.engine, choose_backend(method.encoder, model.sam.image_encoder, model.device, compiled)
        return self._backend[1]

    def _prepared_slice(self, sight: Sight, situation: Situation, model: "LoadedModel", report: Report) -> "PreparedSlice":
        known = self._prepared.get(situation.encoded)
        if known is None:
            from ..imaging import Window
            from ..pipeline import prepare_slice

            report(Step.PREPARING, 0, 0)
            method = situation.method
            window = Window(*method.window) if method.window else None
            known = prepare_slice(sight.volume, sight.image, model.convention, window, method.enhance_input)
            self._prepared[situation.encoded] = known
            while len(self._prepared) > _PREPARED_SLICES:
                self._prepared.popitem(last=False)
        return known

    def _encodings(self) -> "EncodingCache":
        from ..encoding import EncodingCache

        with self._cache_lock:
            if self._cache is None:
                self._cache = EncodingCache(self._budget_bytes)
            return self._cache


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _with_note(explanation: "SliceExplanation", note: str) -> "SliceExplanation":
    return replace(explanation, warnings=(note, *explanation.warnings)) if note else explanation
