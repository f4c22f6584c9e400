"""The one identity of a saliency map, and what can be said of each kind of map; known to every package."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: The explainer that MedXAI exists for: the paper's method in three stages.
MEDXAI = "medxai"


class Role(StrEnum):
    """What an explainer is compared as."""

    #: MedXAI's own maps.
    METHOD = "method"
    #: What needs no learned weights; a map has to do better than these.
    BASELINE = "baseline"
    #: Other published methods.
    COMPARISON = "comparison"
    #: Parts that add up to the model's own answer: to be looked at, not ranked.
    DECOMPOSITION = "decomposition"


class Need(StrEnum):
    """What of the model an explainer uses."""

    FEATURES = "the encoder's features"
    DECODER = "the mask decoder"
    GRADIENTS = "gradients"
    ENCODER_RUNS = "further runs of the encoder"


@dataclass(frozen=True)
class MapId:
    """Which map it is, everywhere the same: engine, scene, files, report and buttons.

    Attributes:
        explainer: The registered key of the explainer that made it, for example 'medxai' or 'grad-cam'.
        map: Which of the explainer's maps, for example 'stage3'; '' for an explainer with one map.
        layer: The encoder's layer, for example 'block 11'; '' where it belongs to none.
    """

    explainer: str
    map: str = ""
    layer: str = ""

    def __str__(self) -> str:
        """'medxai/stage3@block 11', 'medxai/interaction', 'grad-cam@neck', 'box'."""
        text = f"{self.explainer}/{self.map}" if self.map else self.explainer
        return f"{text}@{self.layer}" if self.layer else text

    @classmethod
    def parse(cls, text: str) -> MapId:
        """The map that a text names; the inverse of `str`."""
        name, _, layer = text.partition("@")
        explainer, _, map_key = name.partition("/")
        return cls(explainer, map_key, layer)

    @property
    def key(self) -> str:
        """The map without its layer, as `MapInfo.key` has it: 'medxai/stage3'."""
        return str(MapId(self.explainer, self.map))

    def at(self, layer: str) -> MapId:
        """The same map at another layer."""
        return MapId(self.explainer, self.map, layer)


@dataclass(frozen=True)
class MapInfo:
    """What a user is told of one kind of map.

    Attributes:
        explainer, map: As in `MapId`.
        title: A few words, for buttons, legends and tables.
        sentence: One sentence on what the map shows.
        role: What the map is compared as.
        stage: 1, 2 or 3 for the paper's stages, else None.
        has_layers: Whether there is one for each layer.
        needs: What of the model it uses.
        is_variant: Whether it is the variant of a stage that the user reaches by a switch, not by a button.
        sign: For a map whose values below 0 mean the opposite, what they mean in a few words; '' for all others, of which
            only positive values are shown.
    """

    explainer: str
    map: str
    title: str
    sentence: str
    role: Role = Role.COMPARISON
    stage: int | None = None
    has_layers: bool = False
    needs: frozenset[Need] = frozenset()
    is_variant: bool = False
    sign: str = ""

    @property
    def key(self) -> str:
        """'medxai/stage3', 'grad-cam'."""
        return str(MapId(self.explainer, self.map))

    def at(self, layer: str = "") -> MapId:
        """The identity of this map at a layer."""
        return MapId(self.explainer, self.map, layer if self.has_layers else "")

    @property
    def needs_decoder(self) -> bool:
        """Whether the mask decoder has a part in it."""
        return Need.DECODER in self.needs


def stage_map(number: int, layer: str) -> MapId:
    """MedXAI's map of a stage at a layer.

    Args:
        number: 1, 2 or 3.
        layer: For example 'block 11'.
    """
    return MapId(MEDXAI, f"stage{number}", layer)


STAGES = (1, 2, 3)
_ENCODER_ONLY = frozenset({Need.FEATURES})
_BOTH = frozenset({Need.FEATURES, Need.DECODER})

STAGE1 = MapInfo(
    MEDXAI,
    "stage1",
    "Stage 1",
    "Where the encoder's features resemble those inside the box. The mask decoder has no part in it.",
    Role.METHOD,
    stage=1,
    has_layers=True,
    needs=_ENCODER_ONLY,
)
STAGE2 = MapInfo(
    MEDXAI,
    "stage2",
    "Stage 2",
    "The same, together with what the prompt attends to.",
    Role.METHOD,
    stage=2,
    has_layers=True,
    needs=_BOTH,
)
STAGE3 = MapInfo(
    MEDXAI,
    "stage3",
    "Stage 3",
    "Likeness to what the model takes for the organ, to the prompt and to the whole image, less likeness to the "
    "surroundings; weighted by the distance from the box. It knows the model's own mask, so read its metrics against "
    "that mask with this in mind.",
    Role.METHOD,
    stage=3,
    has_layers=True,
    needs=_BOTH,
)
STAGE3_UNWEIGHTED = MapInfo(
    MEDXAI,
    "stage3-unweighted",
    "Stage 3 unweighted",
    "Stage 3 before it is weighted by the distance from the box.",
    Role.METHOD,
    stage=3,
    has_layers=True,
    needs=_BOTH,
    is_variant=True,
)
INTERACTION = MapInfo(
    MEDXAI,
    "interaction",
    "Feature interaction",
    "The attention of the prompt to the image inside the mask decoder. Attention is not cause.",
    Role.METHOD,
    needs=frozenset({Need.DECODER}),
)
TERMINAL = MapInfo(
    MEDXAI,
    "terminal",
    "Terminal map",
    "The mask's own logits; the only map that may speak of boundaries.",
    Role.METHOD,
    needs=frozenset({Need.DECODER}),
)

#: Looked at as the maps are, but no map: it is drawn as the outline itself, and has no values over the image.
CONTOUR = MapInfo(
    MEDXAI,
    "contour",
    "Contour check",
    "Which stretch of the outline to check: how far it moves where the model's logit changes by one, and whether it goes with "
    "your box. A firm outline can be wrong all the same.",
    Role.METHOD,
    needs=frozenset({Need.DECODER}),
)

#: The maps that every explanation has, in the order in which they are read.
OWN_MAPS = (STAGE1, STAGE2, STAGE3, STAGE3_UNWEIGHTED, INTERACTION, TERMINAL)
#: Their names within MedXAI, which another run of the method (random weights) has too.
OWN_MAP_KEYS = frozenset(info.map for info in OWN_MAPS)
#: Those of them that have a button of their own.
OWN_MAPS_SHOWN = tuple(info for info in OWN_MAPS if not info.is_variant)
