"""What every explainer takes and gives, so that all are judged by the same code on the same cases."""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from ..errors import InputError
from ..maps import MapId, MapInfo, Need, Role
from ..progress import RunControl
from ..results import SaliencyMap, SliceExplanation

if TYPE_CHECKING:
    from ..encoding.encoding import Encoding
    from ..models.loading import LoadedModel
    from ..request import ExplainRequest
    from ..slice.box import ClippedBox


class CaseEngine(Protocol):
    """The part of the engine that explainers and metrics use: to answer a case that was changed in one thing."""

    def case(self, request: ExplainRequest, box: ClippedBox, control: RunControl = ...) -> Case:
        """One box on one slice, answered and with everything that explainers need."""


@dataclass(frozen=True)
class Case:
    """One box on one slice, segmented and explained, with what is known of the truth.

    Attributes:
        request: What was asked of the engine.
        box: On the slice.
        result: MedXAI's own result, free of torch.
        model: The model in memory that gave it.
        encoding: Its encoding of the slice.
        engine: Answers changed cases.
        case_id: Unique in a cohort, for example 'ct_abdomen/liver/axial 12'.
        patient: Cases of one patient are not independent.
        organ: The organ's name; '' where it is not known.
        reference_mask: (rows, columns) bool on the slice; None where there is none.
    """

    request: ExplainRequest
    box: ClippedBox
    result: SliceExplanation
    model: LoadedModel
    encoding: Encoding
    engine: CaseEngine
    case_id: str = ""
    patient: str = ""
    organ: str = ""
    reference_mask: np.ndarray | None = None


@dataclass(frozen=True)
class Package:
    """A package that an explainer comes in.

    Attributes:
        module: As Python imports it.
        name: As pip knows it.
    """

    module: str
    name: str

    @property
    def is_installed(self) -> bool:
        """Whether the module can be found; nothing of it is imported."""
        try:
            return importlib.util.find_spec(self.module) is not None
        except (ImportError, ValueError):
            return False

    def missing(self, *explainers: str) -> str:
        """The sentence on explainers that need it where it is not installed."""
        need = (
            f"The explainer {explainers[0]} needs"
            if len(explainers) == 1
            else f"The explainers {', '.join(explainers)} need"
        )
        return f"{need} the package {self.name}, which is not installed; install it with 'pip install {self.name}'."


class Explainer(ABC):
    """A method that makes saliency maps of a case. A new one is one file in this package, and nothing else.

    Write a frozen dataclass that inherits from this class, give it the class attributes below, and register it::

        @register
        @dataclass(frozen=True)
        class Brightness(Explainer):
            '''As bright as the brightest pixel.'''

            key = "brightness"
            title = "Brightness"
            sentence = "How bright a pixel is."
            role = Role.BASELINE

            def explain(self, case, control=RunControl()):
                return (self.saliency(case.result.prepared.model_input.tensor_chw[0]),)

    It then stands in the panel's list of maps, in `medxai explain --explainers` and `medxai evaluate --explainers`,
    in the console's `logic.explainerNames()`, in the report, in a cohort's tables and in the documentation.
    A dataclass field `seed` is set to the seed of the run.

    Attributes:
        key: Its name everywhere; unique.
        title: A few words for people.
        sentence: One sentence on what its maps show.
        role: What it is compared as.
        needs: Which parts of the model it uses; they tell what costs time.
        package: The package that it comes in; None where it needs none.
        has_layers: Whether it gives one map for each layer.
        order: Where it stands in lists, within its role.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    sentence: ClassVar[str]
    role: ClassVar[Role]
    needs: ClassVar[frozenset[Need]] = frozenset()
    package: ClassVar[Package | None] = None
    has_layers: ClassVar[bool] = False
    order: ClassVar[int] = 100

    @classmethod
    def map_infos(cls) -> tuple[MapInfo, ...]:
        """What users are told of its maps; one map of the explainer's own name unless it says otherwise."""
        return (MapInfo(cls.key, "", cls.title, cls.sentence, cls.role, has_layers=cls.has_layers, needs=cls.needs),)

    @classmethod
    def why_not(cls) -> str:
        """Why it cannot run here, in a sentence with the remedy; '' where it can. Nothing is imported."""
        return cls.package.missing(cls.key) if cls.package and not cls.package.is_installed else ""

    def encoder_passes(self, case: Case) -> int:
        """How often it runs the image encoder for one case; 0 where it needs no further run."""
        return 0

    @abstractmethod
    def explain(self, case: Case, control: RunControl = RunControl()) -> Sequence[SaliencyMap]:
        """All of its maps of the case.

        Raises:
            MedXAIError: With a sentence for the user, where it cannot.
            Cancelled: Between two passes of the encoder, once the control says so.
        """

    def saliency(self, values: np.ndarray, layer: str = "", map_key: str = "") -> SaliencyMap:
        """A map of this explainer.

        Args:
            values: (h, w) over the model's square, raw: higher means more influence. Only positive values are shown,
                unless the map's `MapInfo` says what its sign means.
            layer: The encoder's layer that it belongs to; '' for none.
            map_key: Which of the explainer's maps; '' where it has one only.
        """
        is_signed = any(info.sign for info in self.map_infos() if info.map == map_key)
        return SaliencyMap(MapId(self.key, map_key, layer), np.asarray(values, np.float32), is_signed)


def installed_module(package: Package, explainer: str, module: str | None = None) -> ModuleType:
    """Imports an explainer's package.

    Args:
        package: Where the explainer comes from.
        explainer: Its key, for the error's sentence.
        module: A module inside the package; None for the package itself.

    Raises:
        InputError: With the remedy, where the package is not installed.
    """
    try:
        return importlib.import_module(module or package.module)
    except ImportError as error:
        raise InputError(package.missing(explainer)) from error
