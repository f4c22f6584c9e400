"""How much is measured for a case's report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..explainers import registry
from ..explainers.base import Case, Explainer
from ..maps import MEDXAI, MapId, Role
from ..metrics.case_evidence import CaseEvidence, evaluate_case
from ..metrics.plan import FULL, QUICK
from ..progress import RunControl
from ..results import ReferenceMask, SaliencyMap

#: Baselines that need no pass of any model.
_CHEAP_BASELINES = ("intensity", "centre-gaussian", "box-plateau", "box", "uniform")


@dataclass(frozen=True)
class _AlreadyMade(Explainer):
    """Another explainer's maps that were made before, as in the panel."""

    key: str  # type: ignore[misc]
    maps: tuple[SaliencyMap, ...]
    role: Role  # type: ignore[misc]

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        return self.maps


def quick_evidence(
    case: Case,
    comparisons: Mapping[MapId, np.ndarray] | None = None,
    explainers: Sequence[str] = (),
    control: RunControl = RunControl(),
) -> CaseEvidence:
    """MedXAI's maps, the baselines that need no pass of a model, and the explainers that were asked for besides.

    Args:
        case: What is measured.
        comparisons: Maps of other explainers that were made already, (h, w) by identity.
        explainers: Keys or groups of explainers to run as well.
        control: Hears of the progress.
    """
    made: dict[str, list[SaliencyMap]] = {}
    for map_id, values in (comparisons or {}).items():
        is_signed = bool(registry.map_info(map_id.key).sign)
        made.setdefault(map_id.explainer, []).append(SaliencyMap(map_id, values, is_signed))
    asked = registry.make((MEDXAI, *_CHEAP_BASELINES, *explainers))
    roles = {key: cls.role for key, cls in registry.explainers().items()}
    kept = tuple(
        _AlreadyMade(key, tuple(maps), roles.get(key, Role.COMPARISON))
        for key, maps in made.items()
        if key not in {one.key for one in asked}
    )
    return evaluate_case(case, (*asked, *kept), QUICK, control=control)


def full_evidence(case: Case, other_cases: Sequence[Case] = (), control: RunControl = RunControl()) -> CaseEvidence:
    """Every baseline, every installed comparison method and every measurement: minutes with a small model.

    Args:
        case: What is measured.
        other_cases: Another organ on the slice, another patient, for the sanity checks.
        control: Hears of the progress, and stops the work.
    """
    installed = [key for key in registry.groups()[registry.ALL] if not registry.why_not()[key]]
    return evaluate_case(case, registry.make(installed), FULL, other_cases, control)


def named(case: Case, reference: ReferenceMask | None = None) -> Case:
    """The case with a name of its slice and box, for a case that belongs to no cohort.

    Args:
        case: Its name becomes 'volume plane index box' and the box's first column, first row, last column and last row, in pixels.
        reference: What its mask is compared with; None for nothing.
    """
    image, box = case.result.prepared.image, case.box.box
    corners = f"{box.first_column} {box.first_row} {box.last_column} {box.last_row}"
    case_id = f"{image.volume_name} {image.plane} {image.index} box {corners}"
    mask = None if reference is None else reference.mask
    return replace(case, case_id=case_id, patient=image.volume_name, reference_mask=mask)
