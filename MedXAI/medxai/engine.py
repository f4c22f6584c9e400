"""The one place that runs the whole pipeline: volume → slice → model input → encoding → segmentation → maps.

Panel, console, command line, cohort, failure cases and benchmarks all ask an `Engine`; none runs the steps itself.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .contour.check import check_contour, check_tolerance
from .contour.result import ContourCheck
from .encoding.backends.base import Backend
from .encoding.backends.exact import EXACT
from .encoding.backends.preview import PREVIEW, can_preview
from .encoding.backends.registry import choose_backend
from .encoding.cache import EncodingCache
from .encoding.encoding import Encoding, encode, encoding_key
from .encoding.feature_extraction import check_layers, default_layers, layer_names
from .errors import Cancelled, InputError
from .explainers import registry
from .explainers.base import Case
from .explainers.three_stage.concentration import concentration_of
from .explainers.three_stage.stages import explain
from .mask_check import mask_check_of
from .model_input.contrast import enhance_contrast
from .model_input.grey import GreyRange, Window, grey_range_of, grey_slice
from .models.default_model import default_model
from .models.device import choose_device
from .models.loading import LoadedModel, load_model
from .models.store import ModelStore
from .organs_on_slice import OrganBox, OrganExplanation, check_boxes, organs_of
from .presence import presence_of
from .progress import RunControl, Step
from .request import ALL_LAYERS, ExplainRequest, ModelChoice
from .result_warnings import warnings_of
from .results import (
    EncodingSummary,
    Explanation,
    ModelIdentity,
    PreparedSlice,
    SaliencyMap,
    Segmentation,
    SliceExplanation,
)
from .segmentation.box_decoder import SliceTokens
from .segmentation.segmenting import segment, slice_tokens
from .slice.box import Box, ClippedBox, clipped_box
from .slice.slice_image import SliceImage, slice_of
from .through_slices.explaining import explain_volume, explain_volumes
from .through_slices.request import VolumeRequest
from .through_slices.several import OnOrganSlice
from .through_slices.volume_result import OnSlice, VolumeResult
from .volume.volume import PLANE_AXES, Volume

#: Memory for encodings; a slice of ViT-B with its five default layers takes about 31 MB.
DEFAULT_BUDGET_BYTES = 512 << 20
#: Prepared slices that are kept; one of a 1024 px model takes 13 MB.
_PREPARED_SLICES = 4
#: Slices whose encoding is known by what was asked for, without preparing them again.
_KNOWN_SLICES = 256
#: Slices on each side that are encoded in idle time. Readers scroll in small steps, and each slice costs as much as the
#: one in view.
REACH = 2


@dataclass(frozen=True)
class _Ready:
    """A model with its backend, ready for slices, and notes for the user."""

    model: LoadedModel
    backend: Backend
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _SliceInUse:
    """What the next box on a slice needs again.

    Attributes:
        model: That encoded it.
        encoding: As the cache has it.
        in_float32: The same with features in single precision.
        tokens: For the mask decoder; None where every box has its own.
    """

    model: LoadedModel
    encoding: Encoding
    in_float32: Encoding
    tokens: SliceTokens | None


class Engine:
    """Explains boxes on slices, and keeps what the next box needs again: the model, prepared slices, encodings.

    The second box on a slice is answered from the cache. One engine serves panel and console alike; its methods may be
    called from any thread, and they run one after another.

    Example:
        >>> from medxai import Engine, ExplainRequest, ModelChoice, make_phantom
        >>> phantom = make_phantom()
        >>> request = ExplainRequest.of_slice(phantom.volume, "axial", 20, model=ModelChoice("demo"))
        >>> result = Engine().explain(request, [(40, 60, 120, 130)])[0]
        >>> result.segmentation.mask.shape == request.image.shape
        True
    """

    def __init__(self, store: ModelStore | None = None, budget_bytes: int = DEFAULT_BUDGET_BYTES):
        """An engine with no model in memory yet.

        Args:
            store: Where downloaded weights live; None for the platform's folder.
            budget_bytes: Memory for encodings.
        """
        self.store = store or ModelStore()
        self._cache = EncodingCache(budget_bytes)
        self._lock = threading.RLock()
        self._loaded: tuple[ModelChoice, LoadedModel, str] | None = None
        self._backend: tuple[ModelChoice, Backend] | None = None
        self._slice_in_use: _SliceInUse | None = None
        self._prepared: OrderedDict[Hashable, PreparedSlice] = OrderedDict()
        self._known: OrderedDict[Hashable, str] = OrderedDict()
        self._grey_ranges: weakref.WeakKeyDictionary[Volume, dict[Window | None, GreyRange]] = (
            weakref.WeakKeyDictionary()
        )

    # The pipeline.

    def explain(
        self,
        request: ExplainRequest,
        boxes: Sequence[Box],
        control: RunControl = RunControl(),
        on_preview: Callable[[SliceExplanation], None] | None = None,
    ) -> tuple[SliceExplanation, ...]:
        """Segments and explains boxes on one slice.

        Args:
            request: The slice and how it is to be explained.
            boxes: On the slice; one result each.
            control: Hears of the progress, and stops the work between two blocks of the encoder.
            on_preview: Called with the first box's result at half resolution, where the slice has to be encoded and the
                model allows it; None where no preview is wanted.

        Raises:
            InputError: Volume, slice, window, box or layer cannot be used; before any model runs.
            ModelError: The weights are missing, damaged or of an unknown kind.
            ResourceError: Memory runs out.
            Cancelled: The control said so.
        """
        with self._lock:
            clipped = [clipped_box(request.image, box) for box in boxes]
            ready, prepared = self._made_ready(request, control)
            if on_preview is not None and self._can_preview(request, ready, prepared):
                preview = replace(ready, backend=PREVIEW, notes=(*ready.notes, PREVIEW.note))
                encoding = self._encode(request, preview, prepared, control.at(Step.PREVIEWING))
                on_preview(self._answer(request, preview, prepared, (encoding, True), clipped[:1])[0])
            encoded = self._encoding(request, ready, prepared, control)
            results = self._answer(request, ready, prepared, encoded, clipped)
            control.raise_if_cancelled()
            return results

    def explain_organs(
        self, request: ExplainRequest, boxes: Sequence[OrganBox], control: RunControl = RunControl()
    ) -> tuple[OrganExplanation, ...]:
        """Segments and explains several organs on one slice, which is encoded once.

        Args:
            request: The slice and how it is to be explained.
            boxes: One for each organ; organs of the same name get numbers.
            control: Hears of the progress, and stops the work.

        Raises:
            MedXAIError: What `explain` raises; or InputError where there is no box.
        """
        check_boxes(boxes)
        results = self.explain(request, [one.box for one in boxes], control)
        return organs_of((one.organ for one in boxes), results)

    def segment(
        self, request: ExplainRequest, boxes: Sequence[Box], control: RunControl = RunControl()
    ) -> tuple[Segmentation, ...]:
        """One mask a box, without maps.

        Args:
            request: The slice and how it is to be prepared and encoded.
            boxes: On the slice; one mask each.
            control: Hears of the progress, and stops the work.

        Raises:
            MedXAIError: What `explain` raises.
        """
        with self._lock:
            clipped = [clipped_box(request.image, box) for box in boxes]
            ready, prepared = self._made_ready(request, control)
            encoding, _ = self._encoding(request, ready, prepared, control)
            tokens = self._in_use(ready.model, encoding).tokens
            return segment(ready.model, encoding, [one.box for one in clipped], tokens)

    def case(self, request: ExplainRequest, box: Box, control: RunControl = RunControl()) -> Case:
        """One box with its result, and with the model and the encoding that other explainers and metrics need.

        Args:
            request: The slice and how it is to be explained.
            box: On the slice.
            control: Hears of the progress, and stops the work.

        Raises:
            MedXAIError: What `explain` raises.
        """
        return self.cases(request, [box], control)[0]

    def cases(
        self, request: ExplainRequest, boxes: Sequence[Box], control: RunControl = RunControl()
    ) -> tuple[Case, ...]:
        """The same of several boxes on the slice, which is encoded once.

        Args:
            request: The slice and how it is to be explained.
            boxes: On the slice.
            control: Hears of the progress, and stops the work.

        Raises:
            MedXAIError: What `explain` raises.
        """
        with self._lock:
            clipped = [clipped_box(request.image, box) for box in boxes]
            ready, prepared = self._made_ready(request, control)
            encoded = self._encoding(request, ready, prepared, control)
            results = self._answer(request, ready, prepared, encoded, clipped)
            return tuple(
                Case(request, box, result, ready.model, encoded[0], self)
                for box, result in zip(clipped, results, strict=True)
            )

    def compare(
        self, request: ExplainRequest, box: Box, explainer: str, control: RunControl = RunControl()
    ) -> tuple[SaliencyMap, ...]:
        """Another explainer's maps of a box.

        Args:
            request: The slice and how it is to be explained.
            box: On the slice.
            explainer: The explainer's registered key.
            control: Hears of the progress, and stops the work.

        Raises:
            InputError: Where the explainer is unknown or cannot run here.
            MedXAIError: What `explain` raises.
        """
        with self._lock:
            (one,) = registry.make([explainer])
            return tuple(one.explain(self.case(request, box, control), control.at(Step.COMPARING)))

    def check_contour(
        self, request: ExplainRequest, result: SliceExplanation, control: RunControl = RunControl()
    ) -> ContourCheck:
        """The contour check of a result with both of its halves: how firm the outline is, and how far it follows the box.

        `result.contour` has the first half already. The second decodes eight moved boxes, all at once.

        Args:
            request: What the result was asked with.
            result: Of one box; not a preview.
            control: Hears of the progress, and stops the work.

        Raises:
            InputError: The result is a preview, whose outline is not the one that is shown in the end.
            Cancelled: The control said so. And what `explain` raises.
        """
        if result.is_preview:
            raise InputError("A preview's outline is not checked against the box; wait for the full result.")
        with self._lock:
            ready, prepared = self._made_ready(request, control)
            encoding, _ = self._encoding(request, ready, prepared, control)
            control = control.at(Step.CHECKING)
            tokens = self._in_use(ready.model, encoding).tokens
            return check_contour(ready.model, encoding, result, control, tokens)

    def explain_volume(
        self,
        request: VolumeRequest,
        control: RunControl = RunControl(),
        so_far: VolumeResult | None = None,
        on_slice: OnSlice | None = None,
    ) -> VolumeResult:
        """Follows an organ from a box on one slice through the volume, in both directions.

        Other questions are answered between two slices. A cancelled run gives the slices that it has; asked again with
        them, it goes on. A box that was changed or added is followed anew as far as the next box of the user's.

        Args:
            request: The first box, the range, boxes on other slices, the maps to keep.
            control: Hears of whole slices (`Step.FOLLOWING`), and stops the work.
            so_far: An earlier result of the same volume and choices; what would come out the same is taken over.
            on_slice: Called after each slice, in the calling thread.

        Raises:
            InputError: A box, the range or the slice cannot be used.
            Cancelled: Before the first slice was done. And what `explain` raises.
        """
        return explain_volume(self, request, control, so_far, on_slice)

    def explain_organ_volumes(
        self,
        requests: Sequence[VolumeRequest],
        control: RunControl = RunControl(),
        so_far: Sequence[VolumeResult | None] | None = None,
        on_slice: OnOrganSlice | None = None,
    ) -> tuple[VolumeResult, ...]:
        """Follows several organs from their boxes on one slice through the volume; each slice is encoded once for all of them.

        Args:
            requests: One a box, alike but for box and range.
            control: Hears of whole slices, and stops the work.
            so_far: For each request an earlier result to go on from, or None.
            on_slice: Called after each slice of each organ with the organ's number, in the calling thread.

        Raises:
            InputError: There is no box, the requests do not go together, or one of them cannot be used.
            Cancelled: Before the first slice of each organ was done. And what `explain` raises.
        """
        return explain_volumes(self, requests, control, so_far, on_slice)

    # Idle time.

    def is_encoded(self, request: ExplainRequest) -> bool:
        """Whether another box on this slice needs no encoding; quick, for any thread."""
        key = self._known.get(_slice_key(request))
        return key is not None and self._cache.get(key) is not None

    def look_ahead(self, request: ExplainRequest, control: RunControl = RunControl(), reach: int = REACH) -> int:
        """Encodes the slices around one that was explained, the nearest first.

        Ends at the next block once it is cancelled (it does not raise), and before the cache would have to drop
        anything, so that a slice in view is never dropped for one that is not. Loads no model.

        Args:
            request: The slice that was explained.
            control: Stops the work.
            reach: How many slices on each side.

        Returns:
            How many slices were encoded now.
        """
        with self._lock:
            loaded = self._loaded
            if isinstance(request.model, ModelChoice) and (loaded is None or loaded[0] != request.model):
                return 0
            done, largest = 0, 0
            for image in neighbours(request.volume, request.image, reach):
                size = largest or self._cache.nbytes // max(len(self._cache), 1)
                if control.is_cancelled() or not self._cache.has_room_for(size):
                    break
                asked = replace(request, image=image)
                try:
                    ready, prepared = self._made_ready(asked, control)
                    encoding, is_new = self._encoding(asked, ready, prepared, control)
                except Cancelled:
                    break
                except InputError:  # a constant slice, at the volume's end
                    continue
                largest = max(largest, encoding.nbytes)
                done += is_new
            return done

    # Memory.

    @property
    def held_bytes(self) -> int:
        """What the encodings take now; for any thread."""
        return self._cache.nbytes

    def set_budget(self, budget_bytes: int) -> None:
        """Memory for encodings from now on; what exceeds it is dropped at once. For any thread."""
        self._cache.set_budget(budget_bytes)

    def free(self) -> int:
        """Drops model, encodings and prepared slices; returns the bytes of the encodings.

        For any thread, and without waiting: a box that is being explained meanwhile keeps what it has until it is done.
        """
        freed = self.held_bytes
        self._cache.clear()
        self._loaded = self._backend = self._slice_in_use = None
        self._prepared, self._known = OrderedDict(), OrderedDict()  # new ones: the old may be in use
        return freed

    # Models.

    def load(self, choice: ModelChoice = ModelChoice(), control: RunControl = RunControl()) -> LoadedModel:
        """The model of a choice, loaded once and kept until another is asked for.

        Raises:
            ModelError: There is no such model or file, or it cannot be read.
            InputError: There is no such device.
        """
        with self._lock:
            return self._load(choice, control)[0]

    def _load(self, choice: ModelChoice, control: RunControl) -> tuple[LoadedModel, str]:
        held = self._loaded
        if held is None or _model_of(held[0]) != _model_of(choice):
            control.at(Step.LOADING).report(0, 0)
            device = choose_device(choice.device)
            self._loaded = self._backend = self._slice_in_use = None  # the old model's memory is needed for the new one
            held = (
                choice,
                load_model(choice.model or default_model(self.store), self.store, device.device, choice.preparation),
                device.note,
            )
        self._loaded = choice, held[1], held[2]
        return held[1], held[2]

    def _ready(self, model: ModelChoice | LoadedModel, control: RunControl) -> _Ready:
        if isinstance(model, LoadedModel):
            return _Ready(model, EXACT, (model.note,))
        loaded, device_note = self._load(model, control)
        held = self._backend  # read once: another thread may free it meanwhile
        if held is None or held[0] != model:
            control.at(Step.LOADING).report(0, 0)
            self._backend = None
            compiled = self.store.folder / "compiled"
            held = model, choose_backend(model.backend, loaded.sam.image_encoder, loaded.device, compiled)
            self._backend = held
        return _Ready(loaded, held[1], (device_note, loaded.note, held[1].note))

    # Slices.

    def _made_ready(self, request: ExplainRequest, control: RunControl) -> tuple[_Ready, PreparedSlice]:
        """Checks the slice before the model is loaded, so that an unusable one is reported at once."""
        grey_range = request.grey_range or self._grey_range(request.volume, request.window)
        if self._loaded is None:
            grey_slice(request.image, grey_range)
        ready = self._ready(request.model, control)
        return ready, self._prepare(request, grey_range, ready.model, control)

    def _grey_range(self, volume: Volume, window: Window | None) -> GreyRange:
        """Found once a volume and window: percentiles of a large MR take longer than a slice."""
        known = self._grey_ranges.setdefault(volume, {})
        if window not in known:
            known[window] = grey_range_of(volume, window)
        return known[window]

    def _prepare(
        self, request: ExplainRequest, grey_range: GreyRange, model: LoadedModel, control: RunControl
    ) -> PreparedSlice:
        key = (weakref.ref(request.image), grey_range, request.enhance_input, model.convention)
        known = self._prepared.get(key)
        if known is None:
            control.at(Step.PREPARING).report(0, 0)
            grey = grey_slice(request.image, grey_range)
            shown = enhance_contrast(grey)
            grey = shown if request.enhance_input else grey
            model_input = model.convention.prepare(grey)
            known = PreparedSlice(request.image, grey, shown, grey_range, model_input, request.enhance_input)
            _keep(self._prepared, key, known, _PREPARED_SLICES)
        return known

    # Encodings.

    def _can_preview(self, request: ExplainRequest, ready: _Ready, prepared: PreparedSlice) -> bool:
        key = encoding_key(ready.model, prepared.model_input, _layers(ready.model, request), ready.backend)
        return self._cache.get(key) is None and can_preview(ready.model.sam.image_encoder)

    def _encoding(
        self, request: ExplainRequest, ready: _Ready, prepared: PreparedSlice, control: RunControl
    ) -> tuple[Encoding, bool]:
        """The slice's encoding, and whether it had to be made now."""
        key = encoding_key(ready.model, prepared.model_input, _layers(ready.model, request), ready.backend)
        known = self._cache.get(key)
        encoding = known or self._encode(request, ready, prepared, control.at(Step.ENCODING))
        if known is None:
            self._cache.put(key, encoding)
        _keep(self._known, _slice_key(request), key, _KNOWN_SLICES)
        return encoding, known is None

    def _encode(self, request: ExplainRequest, ready: _Ready, prepared: PreparedSlice, control: RunControl) -> Encoding:
        layers = _layers(ready.model, request)
        return encode(ready.model, prepared.model_input, layers, control, ready.backend)

    # Results.

    def _in_use(self, model: LoadedModel, encoding: Encoding) -> _SliceInUse:
        """Kept for the slice that was asked last: 20 to 70 MB, and a fifth less work for the next box."""
        held = self._slice_in_use
        if held is None or held.model is not model or held.encoding is not encoding:
            in_float32 = replace(encoding, layers=tuple(layer.in_float32() for layer in encoding.layers))
            held = _SliceInUse(model, encoding, in_float32, slice_tokens(model, encoding))
            self._slice_in_use = held
        return held

    def _answer(
        self,
        request: ExplainRequest,
        ready: _Ready,
        prepared: PreparedSlice,
        encoded: tuple[Encoding, bool],
        boxes: Sequence[ClippedBox],
    ) -> tuple[SliceExplanation, ...]:
        encoding, is_new = encoded
        ready = replace(ready, notes=(*ready.notes, encoding.note))
        in_use = self._in_use(ready.model, encoding)
        segmentations = segment(ready.model, encoding, [clipped.box for clipped in boxes], in_use.tokens)
        explanations = explain(in_use.in_float32, segmentations, request.parameters)
        summary = _summary(encoding, is_new)
        return tuple(
            _result(ready, prepared, clipped, explanation, summary)
            for clipped, explanation in zip(boxes, explanations, strict=True)
        )


def neighbours(volume: Volume, image: SliceImage, reach: int = REACH) -> Iterator[SliceImage]:
    """The slices around one, the nearest first: index + 1, − 1, + 2, …, as far as the volume has them.

    Args:
        volume: The scan.
        image: A slice of it; an oblique one has no neighbours.
        reach: How many on each side.
    """
    if image.index is None:
        return
    count = volume.shape_ijk[PLANE_AXES[image.plane][2]]
    for distance in range(1, reach + 1):
        for index in (image.index + distance, image.index - distance):
            if 0 <= index < count:
                yield slice_of(volume, image.plane, index)


def resolution_mm(image: SliceImage, encoding: EncodingSummary) -> tuple[float, float]:
    """The width and height in millimetres of one token of the embedding: the finest that an encoder map can show.

    Args:
        image: The slice.
        encoding: Its encoding, with the grid of the embedding.
    """
    h, w = encoding.grid
    frame = encoding.frame
    (height, width), (rows, columns) = frame.content_shape, image.shape
    across, down = image.spacing_mm[:2]
    return across * columns / width * frame.size_px / w, down * rows / height * frame.size_px / h


def _layers(model: LoadedModel, request: ExplainRequest) -> tuple[str, ...]:
    encoder = model.sam.image_encoder
    if request.layers == ALL_LAYERS:
        return layer_names(encoder)
    return check_layers(encoder, request.layers or default_layers(encoder))


def _model_of(choice: ModelChoice) -> tuple[str | Path | None, str, str]:
    """What decides which network is in memory; the backend does not."""
    return choice.model, choice.device, choice.preparation


def _slice_key(request: ExplainRequest) -> Hashable:
    """Equal for two requests exactly if they ask for the same encoding of the same slice of the same volume."""
    image = request.image
    place = (image.plane, image.index) if image.index is not None else image.pixel_to_ras_mm.tobytes()
    model = request.model if isinstance(request.model, ModelChoice) else weakref.ref(request.model)
    grey = request.window, request.grey_range, request.enhance_input
    return weakref.ref(request.volume), place, model, grey, request.layers


def _keep(known: OrderedDict, key: Hashable, value: object, most: int) -> None:
    known.pop(key, None)
    known[key] = value
    while len(known) > most:
        known.popitem(last=False)


def _summary(encoding: Encoding, is_new: bool) -> EncodingSummary:
    h, w = encoding.embedding.shape[-2:]
    layers = tuple(layer.name for layer in encoding.layers)
    return EncodingSummary(layers, (int(h), int(w)), encoding.frame, encoding.seconds, encoding.backend, is_new)


def _identity(model: LoadedModel) -> ModelIdentity:
    return ModelIdentity(
        model.name,
        model.title,
        model.architecture,
        model.convention.preparation,
        model.convention.size_px,
        model.checksum_sha256,
        str(model.device),
        model.note,
        model.convention.sentence,
        model.family.key,
    )


def _result(
    ready: _Ready, prepared: PreparedSlice, clipped: ClippedBox, explanation: Explanation, encoding: EncodingSummary
) -> SliceExplanation:
    grids = {maps.grid for maps in explanation.layers}
    content = {grid: encoding.frame.content_coverage(grid) for grid in grids}
    result = SliceExplanation(
        prepared,
        clipped,
        _identity(ready.model),
        encoding,
        explanation,
        concentration_of(explanation, content),
        resolution_mm(prepared.image, encoding),
        warnings_of(
            prepared,
            clipped,
            explanation,
            (*prepared.image.facts.notes, *ready.notes, ready.model.convention.warning_for(encoding.frame)),
        ),
        check_tolerance(prepared.image, encoding.frame, explanation.segmentation.logits),
    )
    presence = presence_of(result)
    said = (presence.sentence,) if presence.is_told is False else ()
    result = replace(result, presence=presence, warnings=(*result.warnings, *said))
    return replace(result, mask_check=mask_check_of(result))
