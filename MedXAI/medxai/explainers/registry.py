"""Every explainer by its key, in groups, and which of them this installation can run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar

from ..errors import InputError
from ..maps import OWN_MAPS, MapInfo, Role
from ..plugins import import_all
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer, Package

#: For images of this side or more, a pass of the encoder takes seconds.
LARGE_SIDE_PX = 512
#: So an explainer may take at most this many passes there.
MOST_PASSES = 64

_KNOWN: dict[str, type[Explainer]] = {}
_OWN = {info.key: info for info in OWN_MAPS}
_Class = TypeVar("_Class", bound=type[Explainer])
_ROLES = (Role.METHOD, Role.BASELINE, Role.COMPARISON, Role.DECOMPOSITION)
#: Groups by the names that the command line takes; the second ones are those of earlier versions.
_GROUP_ROLES = {
    "baselines": Role.BASELINE,
    "nulls": Role.BASELINE,
    "comparisons": Role.COMPARISON,
    "peers": Role.COMPARISON,
}
ALL = "all"


def register(explainer: _Class) -> _Class:
    """Class decorator: makes an explainer known by its key.

    Raises:
        ValueError: Where the key is taken.
    """
    known = _KNOWN.get(explainer.key)
    if known is not None and (known.__module__, known.__qualname__) != (explainer.__module__, explainer.__qualname__):
        raise ValueError(f"two explainers are called {explainer.key!r}: {known} and {explainer}")
    _KNOWN[explainer.key] = explainer
    return explainer


def explainers() -> Mapping[str, type[Explainer]]:
    """Every explainer by its key: MedXAI's own first, then the baselines, then the comparison methods."""
    import_all(sys.modules[__package__])
    ordered = sorted(_KNOWN.values(), key=lambda cls: (_ROLES.index(cls.role), cls.order, cls.key))
    return {cls.key: cls for cls in ordered}


def groups() -> Mapping[str, tuple[str, ...]]:
    """The keys that each group's name stands for.

    The names are 'baselines', 'comparisons' and 'all', and the earlier names 'nulls' and 'peers'. In 'all' is whatever
    can be compared: not what a decomposition adds up to the model's own answer.
    """
    known = explainers()
    by_role = {
        name: tuple(key for key, cls in known.items() if cls.role is role) for name, role in _GROUP_ROLES.items()
    }
    return {**by_role, ALL: tuple(key for key, cls in known.items() if cls.role is not Role.DECOMPOSITION)}


def map_infos() -> tuple[MapInfo, ...]:
    """What users are told of every map that this installation can make, in the order of `explainers`."""
    return tuple(info for cls in explainers().values() if not cls.why_not() for info in cls.map_infos())


def map_info(key: str) -> MapInfo:
    """What users are told of a map by its key; a map that nothing registered makes goes by its key."""
    if key in _OWN:
        return _OWN[key]
    known = (info for cls in explainers().values() for info in cls.map_infos())
    return next((info for info in known if info.key == key), MapInfo(key, "", key, ""))


def why_not() -> dict[str, str]:
    """For every explainer why it cannot run here, in a sentence with the remedy; '' where it can."""
    return {key: cls.why_not() for key, cls in explainers().items()}


def make(asked: Sequence[str], seed: int = 0) -> tuple[Explainer, ...]:
    """The explainers of keys and groups, each once, in the registry's order.

    On a large encoder they raise InputError where they would need more than `MOST_PASSES` passes; make the class
    yourself with fewer, or alone.

    Args:
        asked: Keys, or 'baselines', 'comparisons', 'all' (and their earlier names 'nulls', 'peers').
        seed: Of random weights and masks.

    Raises:
        InputError: For an unknown name, or a package that is missing.
    """
    known, group_keys = explainers(), groups()
    wanted = {key for name in asked for key in group_keys.get(name, (name,))}
    unknown = sorted(wanted - set(known))
    if unknown or not wanted:
        raise InputError(
            f"There is no explainer {', '.join(map(repr, unknown)) or 'chosen'}; choose from {', '.join(known)}, "
            f"or the groups baselines, comparisons and all."
        )
    missing: dict[Package, list[str]] = {}
    for key in (key for key in known if key in wanted):
        package = known[key].package
        if package is not None and not package.is_installed:
            missing.setdefault(package, []).append(key)
    if missing:
        raise InputError(" ".join(package.missing(*needing) for package, needing in missing.items()))
    return tuple(LimitedExplainer(_instance(cls, seed)) for key, cls in known.items() if key in wanted)


def _instance(cls: type[Explainer], seed: int) -> Explainer:
    makes: Any = cls  # an explainer that is a dataclass may take a seed
    takes_seed = is_dataclass(makes) and any(field.name == "seed" for field in fields(makes))
    return makes(seed=seed) if takes_seed else makes()


@dataclass(frozen=True)
class LimitedExplainer(Explainer):
    """An explainer that refuses a large encoder before it begins where it would take too many passes."""

    explainer: Explainer
    most_passes: int = MOST_PASSES

    @property
    def key(self) -> str:  # type: ignore[override]
        return self.explainer.key

    @property
    def role(self) -> Role:  # type: ignore[override]
        return self.explainer.role

    def encoder_passes(self, case: Case) -> int:
        return self.explainer.encoder_passes(case)

    def explain(self, case: Case, control: RunControl = RunControl()) -> Sequence[SaliencyMap]:
        """All maps of the case.

        Raises:
            InputError: Where the encoder is large and the explainer would need too many passes.
            MedXAIError: What the explainer itself raises.
        """
        side, passes = case.result.encoding.frame.size_px, self.encoder_passes(case)
        if side >= LARGE_SIDE_PX and passes > self.most_passes:
            raise InputError(
                f"{self.key} needs {passes} passes of '{case.result.model.title}', whose images have {side} pixels a "
                f"side, and at most {self.most_passes} are run; use a small model (demo, litemedsam), or make this "
                "explainer with fewer passes."
            )
        return self.explainer.explain(case, control)
