"""The whole way without a scene: volume → slice image → model input → encoding → segmentation and explanation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .display_range import display_range
from .encoding.backends.choice import EXACT, Backend
from .encoding.backends.preview import DRAFT
from .encoding.cache import EncodingCache
from .encoding.encoding import Encoding, encode, encoding_key
from .encoding.feature_extraction import check_layers, default_layers
from .explainers.three_stage.concentration import Concentration, concentration_of
from .explainers.three_stage.parameters import ExplainerParameters
from .explainers.three_stage.stages import Explanation, explain
from .model_input.contrast import enhance_contrast
from .model_input.convention import InputConvention
from .model_input.grey import GreyRange, Window, grey_range_of, grey_slice
from .model_input.model_input import ModelInput, make_model_input
from .models.loading import LoadedModel
from .segmentation.segmenting import Segmentation, segment
from .slice.box import ClippedBox, clip_box
from .slice.slice_image import SliceImage, slice_of
from .volume.volume import Volume

#: A box over more of the image than this leaves the centred features little contrast (1 − its share).
LARGE_BOX_SHARE = 0.6

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PreparedSlice:
    """A slice ready to be encoded, and to be shown.

    grey: (rows, columns) uint8, what the model input was made of. shown: the same with enhanced contrast, for display.
    """

    image: SliceImage
    grey: np.ndarray
    shown: np.ndarray
    grey_range: GreyRange
    model_input: ModelInput
    enhanced_input: bool


@dataclass(frozen=True)
class SliceExplanation:
    """Everything about one box on one slice.

    resolution_mm: the size of one token of the embedding (width, height) in millimetres. warnings: sentences for the user.
    encoded_now: False where the encoding came from the cache. comparisons: maps of other explainers that were asked for
    besides, raw (h, w) over the model's square, by name.
    """

    prepared: PreparedSlice
    box: ClippedBox
    model: LoadedModel
    encoding: Encoding
    explanation: Explanation
    concentration: Concentration
    resolution_mm: tuple[float, float]
    warnings: tuple[str, ...]
    encoded_now: bool
    comparisons: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def segmentation(self) -> Segmentation:
        return self.explanation.segmentation

    @property
    def is_preview(self) -> bool:
        """Whether it was made at half resolution, to be replaced by a full one."""
        return self.encoding.backend == DRAFT.name

    def on_slice(self, values: np.ndarray) -> np.ndarray:
        """A map (h, w) on the model's square brought to the slice's pixels; zero outside the volume."""
        return np.where(self.prepared.image.inside, self.encoding.frame.to_slice(values), 0).astype(np.float32)


def prepare_slice(
    volume: Volume,
    image: SliceImage,
    convention: InputConvention,
    window: Window | None = None,
    enhance_input: bool = False,
    grey_range: GreyRange | None = None,
) -> PreparedSlice:
    """Grey values and model input of a slice. grey_range: where it is known already (an MR takes it from the whole volume).

    Raises InputError for a constant slice, or a window that shows nothing.
    """
    return prepare_image(image, grey_range or grey_range_of(volume, window), convention, enhance_input)


def prepare_image(
    image: SliceImage, grey_range: GreyRange, convention: InputConvention, enhance_input: bool = False
) -> PreparedSlice:
    """The same where the grey range is known and no volume is needed. Raises InputError for a slice that shows nothing."""
    grey = grey_slice(image, grey_range)
    shown = enhance_contrast(grey)
    grey = shown if enhance_input else grey
    return PreparedSlice(image, grey, shown, grey_range, make_model_input(grey, convention), enhance_input)


@dataclass(frozen=True)
class Explainer:
    """One model with the encodings that it has made; the second box on a slice is answered from the cache.

    backend: how the encoder is computed; see `encoding.choose_backend`.
    """

    model: LoadedModel
    cache: EncodingCache
    backend: Backend = EXACT

    def encode(
        self,
        prepared: PreparedSlice,
        layers: Sequence[str] | None = None,
        progress: Progress = lambda done, total: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> tuple[Encoding, bool]:
        """The slice's encoding, and whether it had to be made now. Raises what `encoding.encode` raises."""
        encoder = self.model.sam.image_encoder
        layers = check_layers(encoder, layers or default_layers(encoder))
        key = encoding_key(self.model, prepared.model_input, layers, self.backend)
        known = self.cache.get(key)
        if known is not None:
            return known, False
        encoding = encode(self.model, prepared.model_input, layers, progress, is_cancelled, self.backend)
        self.cache.put(key, encoding)
        return encoding, True

    def explain(
        self,
        prepared: PreparedSlice,
        boxes: Sequence[ClippedBox],
        parameters: ExplainerParameters | None = None,
        layers: Sequence[str] | None = None,
        progress: Progress = lambda done, total: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> tuple[SliceExplanation, ...]:
        """Segments and explains boxes on one slice. Raises what `encode` raises."""
        encoding, encoded_now = self.encode(prepared, layers, progress, is_cancelled)
        segmentations = segment(self.model, encoding, [clipped.box for clipped in boxes])
        explanations = explain(encoding, segmentations, parameters)
        return tuple(
            self._assemble(prepared, clipped, encoding, explanation, encoded_now)
            for clipped, explanation in zip(boxes, explanations, strict=True)
        )

    def _assemble(
        self,
        prepared: PreparedSlice,
        clipped: ClippedBox,
        encoding: Encoding,
        explanation: Explanation,
        encoded_now: bool,
    ) -> SliceExplanation:
        content = {maps.grid: encoding.frame.content_coverage(maps.grid) for maps in explanation.layers}
        figures = concentration_of(explanation, content)
        return SliceExplanation(
            prepared,
            clipped,
            self.model,
            encoding,
            explanation,
            figures,
            resolution_mm(prepared.image, encoding),
            _warnings(self.model, prepared, clipped, explanation, self.backend),
            encoded_now,
        )


def resolution_mm(image: SliceImage, encoding: Encoding) -> tuple[float, float]:
    """Width and height in millimetres of one token of the embedding: the finest that an encoder map can show."""
    h, w = encoding.embedding.shape[-2:]
    frame = encoding.frame
    (height, width), (rows, columns) = frame.content_shape, image.shape
    across, down = image.spacing_mm[:2]
    return across * columns / width * frame.size_px / w, down * rows / height * frame.size_px / h


def _warnings(
    model: LoadedModel, prepared: PreparedSlice, clipped: ClippedBox, explanation: Explanation, backend: Backend
) -> tuple[str, ...]:
    said = [note for note in (model.note, backend.note) if note]
    if clipped.was_clipped:
        said.append("The box reached over the edge of the slice and was cut there.")
    share = clipped.box.area_px / prepared.grey.size
    if share > LARGE_BOX_SHARE:
        said.append(f"The box covers {share:.0%} of the slice; so large a box leaves the maps little contrast.")
    in_box = prepared.grey[clipped.box.mask(prepared.grey.shape)]
    if in_box.min() == in_box.max():
        said.append(
            "All pixels of the box have one value in this window, so there is nothing to see in it and the maps show hardly more than "
            "where it lies; draw another box, or choose another window."
        )
    if not explanation.segmentation.mask.any():
        said.append("The model segmented nothing in this box; the maps show what it compared, not an organ.")
    for stage in (1, 2, 3):
        if not display_range(maps.stages[stage] for maps in explanation.layers).informative:
            said.append(
                f"Stage {stage} is uninformative here (its values hardly differ, or none is positive) and is shown empty."
            )
    repaired = {layer: count for layer, count in explanation.repaired_tokens.items() if count}
    if repaired:
        said.append(
            "Artefact tokens were replaced by their neighbours: "
            + ", ".join(f"{n} in {layer}" for layer, n in repaired.items())
            + "."
        )
    return tuple(said)


def explain_volume_slice(
    volume: Volume,
    plane: str,
    index: int,
    box: tuple[float, float, float, float],
    model: LoadedModel,
    parameters: ExplainerParameters | None = None,
    window: Window | None = None,
    cache: EncodingCache | None = None,
) -> SliceExplanation:
    """The shortest way: one box (first column, first row, last column, last row) on one axis-aligned slice.

    Raises InputError, before the model runs, where volume, slice, window or box cannot be used.
    """
    image = slice_of(volume, plane, index)
    clipped = clip_box(image, *box)
    prepared = prepare_slice(volume, image, model.convention, window)
    return Explainer(model, cache or EncodingCache()).explain(prepared, [clipped], parameters)[0]


__all__ = [
    "Explainer",
    "PreparedSlice",
    "SliceExplanation",
    "explain_volume_slice",
    "prepare_image",
    "prepare_slice",
    "resolution_mm",
]
