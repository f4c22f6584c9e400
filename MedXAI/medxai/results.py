"""What every step gives, immutable and free of torch, so that a panel can import it before anything is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from . import maps
from .display_range import DisplayRange, display_range, range_of_one, signed_range
from .maps import MEDXAI, STAGES, MapId

if TYPE_CHECKING:  # only named here; these modules stand above this one or need scikit-image
    from .contour.result import ContourCheck
    from .explainers.three_stage.parameters import ExplainerParameters
    from .model_input.frame import ModelFrame, ModelInput
    from .model_input.grey import GreyRange
    from .slice.box import ClippedBox, PixelBox
    from .slice.slice_image import SliceImage

#: The name of the backend whose results are previews at half resolution.
PREVIEW_BACKEND = "preview"


@dataclass(frozen=True)
class ModelIdentity:
    """Which model gave a result.

    Attributes:
        name: As in the registry, or a checkpoint file's stem.
        title: For people.
        architecture: For example 'SAM ViT-B'.
        preparation: How its images were prepared, for example 'default' or 'official'.
        preparation_sentence: The same in a sentence.
        input_size_px: Side of its square input.
        checksum_sha256: Of the file that its weights came from.
        device: What computed it, for example 'cpu'.
        note: What the user should know about how the file was understood; empty where nothing.
    """

    name: str
    title: str
    architecture: str
    preparation: str
    input_size_px: int
    checksum_sha256: str
    device: str
    note: str = ""
    preparation_sentence: str = ""
    family: str = ""


@dataclass(frozen=True)
class PreparedSlice:
    """A slice ready to be encoded, and to be shown.

    Attributes:
        image: The slice with its values and its place.
        grey: (rows, columns) uint8, what the model input was made of.
        shown: The same with enhanced contrast, for display.
        grey_range: The intensities that became 0 and 255.
        model_input: Exactly what the image encoder gets.
        enhanced_input: Whether `grey` is the contrast-enhanced slice.
    """

    image: SliceImage
    grey: np.ndarray
    shown: np.ndarray
    grey_range: GreyRange
    model_input: ModelInput
    enhanced_input: bool


@dataclass(frozen=True)
class EncodingSummary:
    """What is told of one pass of the image encoder.

    Attributes:
        layers: Names of the layers with maps, in the encoder's order.
        grid: (h, w) of the embedding.
        frame: Where the slice lies in the model's square.
        seconds: How long the pass took.
        backend: How it was computed, by the key of the backend.
        is_new: False where it came from the cache.
    """

    layers: tuple[str, ...]
    grid: tuple[int, int]
    frame: ModelFrame
    seconds: float
    backend: str
    is_new: bool


@dataclass(frozen=True)
class Segmentation:
    """What the model made of one box.

    Attributes:
        box: On the slice, in pixels.
        logits: (4h, 4w) float32 on the model's square, the mask decoder's own output.
        mask: (rows, columns) bool on the slice.
        attention: (h, w) float32 on the embedding's grid, the prompt's attention to the image; sums to 1.
        seconds: How long it took.
        iou_estimate: The decoder's own guess of the mask's intersection over union with the truth. Not every model was
            trained to make it, so it is never shown by itself.
    """

    box: PixelBox
    logits: np.ndarray
    mask: np.ndarray
    attention: np.ndarray
    seconds: float
    iou_estimate: float


@dataclass(frozen=True)
class LayerMaps:
    """The maps of one layer, each (h, w) float32 on the layer's grid over the model's square; raw values.

    Attributes:
        layer: The layer's name, for example 'block 11'.
        grid: (h, w).
        stages: Map by stage number; 1 and 2 are cosines in [-1, 1], 3 is at least 0.
        stage3_unweighted: Stage 3 before the spatial weighting.
    """

    layer: str
    grid: tuple[int, int]
    stages: Mapping[int, np.ndarray]
    stage3_unweighted: np.ndarray

    def values(self, map_key: str) -> np.ndarray:
        """One of the layer's maps.

        Args:
            map_key: 'stage1', 'stage2', 'stage3' or 'stage3-unweighted'.

        Raises:
            KeyError: For another key.
        """
        if map_key == maps.STAGE3_UNWEIGHTED.map:
            return self.stage3_unweighted
        return self.stages[_STAGE_OF[map_key]]


_STAGE_OF = {f"stage{number}": number for number in STAGES}


@dataclass(frozen=True)
class Explanation:
    """All maps of one box on one slice.

    Attributes:
        segmentation: The mask that is explained.
        layers: In the encoder's order. Stage 1 comes from the encoder alone; the prompt embedding of stages 2 and 3,
            the organ-specific prototype of stage 3, `interaction` and `terminal` come from the mask decoder too.
        parameters: The weights of the three stages.
        repaired_tokens: By layer, how many artefact tokens took their neighbours' median.
        seconds: How long the maps took.
    """

    segmentation: Segmentation
    layers: tuple[LayerMaps, ...]
    parameters: ExplainerParameters
    repaired_tokens: Mapping[str, int]
    seconds: float

    @property
    def interaction(self) -> np.ndarray:
        """(h, w): the prompt's attention to the image, sums to 1."""
        return self.segmentation.attention

    @property
    def terminal(self) -> np.ndarray:
        """(4h, 4w): the mask's own logits."""
        return self.segmentation.logits

    def layer(self, name: str) -> LayerMaps:
        """The maps of a layer.

        Raises:
            KeyError: Where the layer was not asked for.
        """
        for layer_maps in self.layers:
            if layer_maps.layer == name:
                return layer_maps
        raise KeyError(name)

    def values(self, map_id: MapId) -> np.ndarray:
        """Raw values of one of MedXAI's own maps.

        Raises:
            KeyError: For another map.
        """
        if map_id.explainer != MEDXAI:
            raise KeyError(str(map_id))
        if map_id.map == maps.INTERACTION.map:
            return self.interaction
        if map_id.map == maps.TERMINAL.map:
            return self.terminal
        return self.layer(map_id.layer).values(map_id.map)

    def map_ids(self) -> tuple[MapId, ...]:
        """Every map: the stages at every layer, layer by layer, then interaction and terminal."""
        layered = [info for info in maps.OWN_MAPS if info.has_layers]
        return (
            *(info.at(layer_maps.layer) for layer_maps in self.layers for info in layered),
            *(info.at() for info in maps.OWN_MAPS if not info.has_layers),
        )


@dataclass(frozen=True)
class Narrowing:
    """How far a metric C of concentration changes from stage 1 at the first layer to stage 3 at the last.

    C(3, last) − C(1, first) = [C(1, last) − C(1, first)] + [C(3, last) − C(1, last)]. The first part is due to the
    model's layers, the second to the construction of stage 3. The paper (section 3) speaks of the whole narrowing only;
    the division is MedXAI's (Resources/docs/method.md).

    Attributes:
        total: The whole change.
        by_the_model: The first part.
        by_construction: The second part.
    """

    total: float
    by_the_model: float
    by_construction: float

    def points(self, digits: int = 0) -> tuple[float, float, float]:
        """The whole change and its two parts in percentage points, so rounded that the parts make the whole."""
        total, by_the_model = round(100 * self.total, digits), round(100 * self.by_the_model, digits)
        return total, by_the_model, round(total - by_the_model, digits)


@dataclass(frozen=True)
class Concentration:
    """How concentrated every map of the three stages is; only the positive part of a map counts.

    Attributes:
        share_inside: By map, the share of its mass inside the predicted mask; None where the map has no mass.
        effective_area: By map, exp(entropy) as a share of the image: 1 for a uniform map.
        mask_share: The predicted mask's share of the image: what a uniform map would have inside it.
        narrowing_share, narrowing_area: Of the two metrics; None where a map has no mass.
    """

    share_inside: Mapping[MapId, float | None]
    effective_area: Mapping[MapId, float | None]
    mask_share: float
    narrowing_share: Narrowing | None
    narrowing_area: Narrowing | None


@dataclass(frozen=True)
class SaliencyMap:
    """One map of one explainer.

    Attributes:
        map_id: Its identity.
        values: (h, w) float32 over the model's square (its padding included), raw: higher means more influence, by the
            explainer's own scale. `SliceExplanation.on_slice` brings it to the slice.
        is_signed: Whether values below 0 mean the opposite (`MapInfo.sign`), so that colours diverge from 0.
    """

    map_id: MapId
    values: np.ndarray
    is_signed: bool = False


@dataclass(frozen=True, eq=False)
class ReferenceMask:
    """What a segmentation is compared with.

    Attributes:
        mask: (rows, columns) bool on the slice.
        name: For people, for example 'label 5 of organs.nii.gz'.
        path: The file as it was given; None where it is from none.
        label: In the file; None where there is none.
    """

    mask: np.ndarray
    name: str
    path: str | None = None
    label: int | None = None


@dataclass(frozen=True)
class Presence:
    """Whether a result can be told from a box over nothing.

    Attributes:
        score: What was found, higher where there is more; None where there is no verdict.
        limit: What 95 % of boxes over nothing stay below with this model; None where that was not measured.
    """

    score: float | None
    limit: float | None

    @property
    def is_told(self) -> bool | None:
        """Whether the score exceeds the limit; None where there is no verdict."""
        return None if self.score is None or self.limit is None else self.score > self.limit

    @property
    def sentence(self) -> str:
        """The verdict for the user."""
        return {True: TOLD, False: NOT_TOLD, None: NO_VERDICT}[self.is_told]


#: A range of Dice that is wider than this says little.
_WIDEST_DICE_RANGE = 0.5


NO_MASK_CHECK = (
    "The mask as a whole was not checked: there is no table of made-up structures for this model and preparation."
)
EMPTY_MASK_NOT_CHECKED = "The mask as a whole was not checked: the model segmented nothing."
NOTHING_NOT_CHECKED = (
    "The mask as a whole was not checked: the result is not told from that of a box over nothing, and the made-up structures "
    "that the check knows were really there."
)


def undecided_not_checked(decidedness: float) -> str:
    """Why a mask that is hardly decided gets no interval."""
    return (
        f"The mask as a whole was not checked: it is decided to {decidedness:.2f} only (at 1 every pixel is clearly inside or "
        "outside), and fewer than one in a hundred made-up structures had so undecided a mask."
    )


@dataclass(frozen=True)
class MaskCheck:
    """Which Dice made-up structures had whose masks were as decided as this one (`mask_check.py`).

    Attributes:
        decidedness: The Dice of the mask with the probabilities that it was cut from, 0 to 1; None where there is no mask, or
            no table for the model.
        lower, upper: The interval of Dice; None where there is none.
        promised: The share of made-up structures whose Dice is in its interval; None likewise.
        how_tested: How often the promise was kept, in a sentence; '' likewise.
        why_not: Why there is no interval, in a sentence; '' where there is one.
    """

    decidedness: float | None = None
    lower: float | None = None
    upper: float | None = None
    promised: float | None = None
    how_tested: str = ""
    why_not: str = NO_MASK_CHECK

    @property
    def sentence(self) -> str:
        """What is said of the mask as a whole, with the reason; or that nothing is, and why."""
        if self.lower is None or self.upper is None or self.decidedness is None or self.promised is None:
            return self.why_not
        says_little = " So wide a range says little." if self.upper - self.lower > _WIDEST_DICE_RANGE else ""
        return (
            f"The mask is decided to {self.decidedness:.2f} (at 1 every pixel is clearly inside or outside). Of made-up "
            f"structures with masks like that, {self.promised:.0%} had a Dice from {self.lower:.2f} to {self.upper:.2f}.{says_little}"
        )

    @property
    def text(self) -> str:
        """The sentence, and how often its promise was kept where the Dice was known."""
        return f"{self.sentence} {self.how_tested}" if self.lower is not None else self.sentence


#: Shares whose range is wider than this are not told in numbers; nor are those of a score that hardly differs.
_WIDEST_RANGE, _LEAST_DIFFERENCE = 0.25, 0.1


@dataclass(frozen=True)
class BoxOrImage:
    """How much of what sets the mask off is due to the image, and how much to the box (`metrics/box_or_image.py`).

    Attributes:
        own: The score of this image and this box; a score is the mean probability inside the mask less that outside.
        other_box: The mean score of this image and other boxes.
        other_image: Of other images and this box.
        neither: Of other images and other boxes.
        lowest_image_share, highest_image_share: The range of the image's share over all other images and boxes.
        images, boxes: How many others there were.
    """

    own: float
    other_box: float
    other_image: float
    neither: float
    lowest_image_share: float
    highest_image_share: float
    images: int
    boxes: int

    @property
    def is_told(self) -> bool:
        """Whether the shares may be told in numbers: there is something to share, and the others make little difference."""
        is_narrow = self.highest_image_share - self.lowest_image_share <= _WIDEST_RANGE
        return is_narrow and self._has_difference

    @property
    def _has_difference(self) -> bool:
        return self.own - self.neither >= _LEAST_DIFFERENCE

    @property
    def image_share(self) -> float | None:
        """Of what sets the mask off, the image's share; the rest is the box's. None where it is not told."""
        if not self.is_told:
            return None
        return (self.own - self.other_image + self.other_box - self.neither) / 2 / (self.own - self.neither)

    @property
    def sentence(self) -> str:
        """Both shares with their range, or that they are not told, and why."""
        others = f"{self.images} other slice{'s' * (self.images > 1)} and {self.boxes} other boxes"
        share, low, high = self.image_share, self.lowest_image_share, self.highest_image_share
        if share is None:
            not_told = (
                "How much of what sets the mask off comes from the image, and how much from the box, is not told: "
            )
            if not self._has_difference:
                return f"{not_told}this image and this box hardly set it off more than the others do ({others})."
            return f"{not_told}it depends too much on what they are compared with ({others})."
        return (
            f"Of what sets the mask off, {share:.0%} comes from the image ({low:.0%} to {high:.0%}) and {1 - share:.0%} from "
            f"the box ({1 - high:.0%} to {1 - low:.0%}), compared with {others}."
        ).replace("-", "−")


#: What is said of the three verdicts. None of them speaks of the mask being right.
TOLD = "Told from a box over nothing: there is a structure here that the model's answer follows."
NOT_TOLD = (
    "Not told from a box over nothing: boxes with nothing in them give such a mask and such maps too, so do not read them as "
    "showing a structure."
)
NO_VERDICT = "Whether there is anything here was not judged: no limit was measured for this model and preparation."


@dataclass(frozen=True)
class SliceExplanation:
    """Everything about one box on one slice.

    Attributes:
        prepared: The slice as it was shown to the model.
        box: On the slice, and whether it was cut at its edge.
        model: Which model it was.
        encoding: What is told of the encoder's pass.
        explanation: Mask and maps.
        concentration: How concentrated the maps are.
        resolution_mm: Width and height in millimetres of one token of the embedding.
        warnings: Sentences for the user.
        contour: How easily the mask's outline moves, point by point. Whether it follows the box is in it only where
            `Engine.check_contour` was asked.
        presence: Whether it can be told from a box over nothing.
        mask_check: Which Dice made-up structures had with masks like this one.
        comparisons: Other explainers' maps that were asked for besides, by identity; raw (h, w) over the square.
        signed: The keys of those of them whose values below 0 mean the opposite.
        box_or_image: The image's and the box's shares; None where they were not asked for.
        organ: What the box is around, as far as somebody has said so; '' where nobody has.
    """

    prepared: PreparedSlice
    box: ClippedBox
    model: ModelIdentity
    encoding: EncodingSummary
    explanation: Explanation
    concentration: Concentration
    resolution_mm: tuple[float, float]
    warnings: tuple[str, ...]
    contour: ContourCheck
    presence: Presence = Presence(None, None)
    mask_check: MaskCheck = MaskCheck()
    comparisons: Mapping[MapId, np.ndarray] = field(default_factory=dict)
    signed: frozenset[str] = frozenset()
    box_or_image: BoxOrImage | None = None
    organ: str = ""

    @property
    def segmentation(self) -> Segmentation:
        """Mask, logits and attention."""
        return self.explanation.segmentation

    @property
    def is_preview(self) -> bool:
        """Whether it was made at half resolution, to be replaced by a full one."""
        return self.encoding.backend == PREVIEW_BACKEND

    @property
    def shown_layer(self) -> str:
        """The layer whose maps stand for their stage: the last block, the deepest features before the neck."""
        blocks = [name for name in self.encoding.layers if name.startswith("block")]
        return blocks[-1] if blocks else self.encoding.layers[-1]

    def map_ids(self) -> tuple[MapId, ...]:
        """Every map that is here, MedXAI's own first."""
        return (*self.explanation.map_ids(), *self.comparisons)

    def with_comparisons(self, found: Iterable[SaliencyMap]) -> SliceExplanation:
        """The result with other explainers' maps besides."""
        found = tuple(found)
        comparisons = {**self.comparisons, **{one.map_id: one.values for one in found}}
        signed = self.signed | {one.map_id.key for one in found if one.is_signed}
        return replace(self, comparisons=comparisons, signed=signed)

    def values(self, map_id: MapId) -> np.ndarray:
        """Raw values of a map.

        Returns:
            (h, w) over the model's square.

        Raises:
            KeyError: Where the map is not here.
        """
        return self.comparisons[map_id] if map_id in self.comparisons else self.explanation.values(map_id)

    def display_range(self, map_id: MapId) -> DisplayRange:
        """The colours' range of a map: one for all layers of a map, so that scrubbing compares like with like.

        Signed maps of one explainer are parts of one whole, so they share theirs.
        """
        if map_id.key in self.signed:
            parts = [other for other in self.comparisons if other.explainer == map_id.explainer]
            return signed_range(self.values(other) for other in parts if other.key in self.signed)
        same = [other for other in self.map_ids() if other.key == map_id.key]
        return display_range(self.values(other) for other in same)

    def layer_range(self, map_id: MapId) -> DisplayRange:
        """The colours' range of a map at its layer alone, which shows the most of it."""
        shared = self.display_range(map_id)
        return range_of_one(self.values(map_id), shared) if map_id.layer and not shared.diverges else shared

    def on_slice(self, values: np.ndarray) -> np.ndarray:
        """A map (h, w) on the model's square brought to the slice's pixels (rows, columns); zero outside the volume."""
        return np.where(self.prepared.image.inside, self.encoding.frame.to_slice(values), 0).astype(np.float32)
