"""Every explainer by name, in groups, and which of them this installation can run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ..engine import SliceExplanation
from ..errors import InputError
from .base import Case, CaseExplainer, Kind, SaliencyMap
from .captum_attribution import LayerIntegratedGradients, Occlusion
from .grad_cam import ClassActivationMaps, ScoreCam
from .intensity import IntensitySimilarity
from .packages import is_there, sentence_on_missing
from .random_weights import RandomWeights
from .rise import Rise
from .scoring import IsCancelled, never
from .spatial_weighting import BoxIndicator, SpatialWeighting
from .three_stage.maps import MedXAIMaps
from .three_stage.parameters import Preset
from .uniform import Uniform

#: From this side on a pass of the encoder takes seconds, and an explainer may take …
LARGE_SIDE_PX = 512
#: … this many of them.
MOST_PASSES = 64


@dataclass(frozen=True)
class _Package:
    """module: as Python imports it. name: as pip knows it."""

    module: str
    name: str


_GRAD_CAM, _CAPTUM, _XAITK = (
    _Package("pytorch_grad_cam", "grad-cam"),
    _Package("captum", "captum"),
    _Package("xaitk_saliency", "xaitk-saliency"),
)


@dataclass(frozen=True)
class _Entry:
    """needs: the package that it imports; None where it needs none. make: from `is_cancelled` and a seed."""

    kind: Kind
    needs: _Package | None
    make: Callable[[IsCancelled, int], CaseExplainer]


def _cam(name: str, method: str) -> _Entry:
    return _Entry(Kind.PEER, _GRAD_CAM, lambda stop, seed: ClassActivationMaps(name, method, is_cancelled=stop))


_ENTRIES: Mapping[str, _Entry] = {
    "medxai": _Entry(Kind.METHOD, None, lambda stop, seed: MedXAIMaps()),
    "random-weights": _Entry(Kind.NULL, None, lambda stop, seed: RandomWeights(seed)),
    "intensity": _Entry(Kind.NULL, None, lambda stop, seed: IntensitySimilarity()),
    "centre-gaussian": _Entry(Kind.NULL, None, lambda stop, seed: SpatialWeighting("centre-gaussian", Preset.PAPER)),
    "box-plateau": _Entry(Kind.NULL, None, lambda stop, seed: SpatialWeighting("box-plateau", Preset.CONTOUR)),
    "box": _Entry(Kind.NULL, None, lambda stop, seed: BoxIndicator()),
    "uniform": _Entry(Kind.NULL, None, lambda stop, seed: Uniform()),
    "grad-cam": _cam("grad-cam", "GradCAM"),
    "hires-cam": _cam("hires-cam", "HiResCAM"),
    "eigen-cam": _cam("eigen-cam", "EigenCAM"),
    "score-cam": _Entry(Kind.PEER, _GRAD_CAM, lambda stop, seed: ScoreCam(is_cancelled=stop)),
    "occlusion": _Entry(Kind.PEER, _CAPTUM, lambda stop, seed: Occlusion(is_cancelled=stop)),
    "layer-integrated-gradients": _Entry(
        Kind.PEER, _CAPTUM, lambda stop, seed: LayerIntegratedGradients(is_cancelled=stop)
    ),
    "rise": _Entry(Kind.PEER, _XAITK, lambda stop, seed: Rise(seed=seed, is_cancelled=stop)),
}

GROUPS: Mapping[str, tuple[str, ...]] = {
    "nulls": tuple(name for name, entry in _ENTRIES.items() if entry.kind is Kind.NULL),
    "peers": tuple(name for name, entry in _ENTRIES.items() if entry.kind is Kind.PEER),
    "all": tuple(_ENTRIES),
}


def names() -> tuple[str, ...]:
    """Every explainer's name, MedXAI's own first, then the nulls, then the peers."""
    return tuple(_ENTRIES)


def installed() -> dict[str, str]:
    """For every name why it cannot run here, in a sentence with the remedy; '' where it can. Nothing is imported."""
    missing = _missing(_ENTRIES)
    return {
        name: sentence_on_missing(_need([name]), entry.needs.name) if entry.needs in missing else ""
        for name, entry in _ENTRIES.items()
    }


def make(asked: Sequence[str], is_cancelled: IsCancelled = never, seed: int = 0) -> tuple[CaseExplainer, ...]:
    """The explainers of names and groups ('nulls', 'peers', 'all'), each once, in the catalogue's order.

    is_cancelled: asked between passes; they then raise Cancelled. seed: of the random weights and masks. On a large
    encoder they raise InputError where they would need more than MOST_PASSES; make one yourself with fewer, or alone.
    Raises InputError for an unknown name, and for a package that is missing.
    """
    wanted = {name for one in asked for name in GROUPS.get(one, (one,))}
    unknown = sorted(wanted - set(_ENTRIES))
    if unknown or not wanted:
        raise InputError(
            f"There is no explainer {', '.join(map(repr, unknown)) or 'chosen'}; choose from {', '.join(_ENTRIES)}, or the groups {', '.join(GROUPS)}."
        )
    missing = _missing(wanted)
    if missing:
        raise InputError(
            " ".join(sentence_on_missing(_need(needing), package.name) for package, needing in missing.items())
        )
    return tuple(_limited(_ENTRIES[name].make(is_cancelled, seed)) for name in _ENTRIES if name in wanted)


def _need(explainers: Sequence[str]) -> str:
    return (
        f"The explainer {explainers[0]} needs"
        if len(explainers) == 1
        else f"The explainers {', '.join(explainers)} need"
    )


def _missing(wanted: Collection[str]) -> dict[_Package, list[str]]:
    """The packages that are not there, each with the wanted explainers that need it."""
    needing: dict[_Package, list[str]] = {}
    for name, entry in _ENTRIES.items():
        if name in wanted and entry.needs and not is_there(entry.needs.module):
            needing.setdefault(entry.needs, []).append(name)
    return needing


@dataclass(frozen=True)
class LimitedExplainer:
    """An explainer of many passes that refuses a large encoder before it begins."""

    explainer: CaseExplainer
    most_passes: int = MOST_PASSES

    @property
    def name(self) -> str:
        return self.explainer.name

    @property
    def kind(self) -> Kind:
        return self.explainer.kind

    def passes(self, result: SliceExplanation) -> int:
        """Passes of the encoder for one case."""
        return self.explainer.passes(result)

    def explain(self, case: Case) -> tuple[SaliencyMap, ...]:
        side, passes = case.result.encoding.frame.size_px, self.passes(case.result)
        if side >= LARGE_SIDE_PX and passes > self.most_passes:
            raise InputError(
                f"{self.name} needs {passes} passes of '{case.result.model.title}', whose images have {side} pixels a side, "
                f"and at most {self.most_passes} are run; use a small model (demo, litemedsam), or make this explainer with fewer passes."
            )
        return self.explainer.explain(case)


def _limited(explainer: CaseExplainer) -> CaseExplainer:
    return LimitedExplainer(explainer) if hasattr(explainer, "passes") else explainer
