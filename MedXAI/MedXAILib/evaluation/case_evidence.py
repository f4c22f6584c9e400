"""Everything that is measured on one case: every explainer's maps, their figures, and what failed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import Cancelled, InputError, MedXAIError
from ..explainers.interface import Case, CaseExplainer, SaliencyMap
from .complexity import complexity_rows
from .cost import MeasuredMaps, cost_rows, measured
from .evaluation_plan import FULL, EvaluationPlan, Measurement
from .figure_row import FigureRow
from .localisation import localisation_rows
from .sanity_verdict import SanityVerdict
from .varied_case import with_jittered_box

Progress = Callable[[int, int], None]
"""Called with the parts done and the parts in all, a part being one measurement of one explainer."""


@dataclass(frozen=True)
class CaseEvidence:
    """What is known of one case.

    maps: all explainers' maps, in the order asked. rows: their figures. verdicts: of the sanity checks that could be made.
    failures: (explainer, reason), a reason being a sentence; an explainer that failed in one measurement keeps its others.
    """

    case_id: str
    maps: tuple[SaliencyMap, ...]
    rows: tuple[FigureRow, ...]
    verdicts: tuple[SanityVerdict, ...]
    failures: tuple[tuple[str, str], ...]


@dataclass
class _Found:
    """What has been gathered so far, and how far the work is."""

    progress: Progress
    is_cancelled: Callable[[], bool]
    parts: int
    done: int = 0
    rows: list[FigureRow] = field(default_factory=list)
    verdicts: list[SanityVerdict] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def attempt(self, explainer: str, part: Callable[[], None], about: str = "") -> None:
        """Does one part; whatever goes wrong in it is written down and the rest goes on, unless the user stopped."""
        if self.is_cancelled():
            raise Cancelled
        try:
            part()
        except Cancelled:
            raise
        except Exception as error:  # other people's libraries raise anything
            reason = str(error) if isinstance(error, MedXAIError) else f"{type(error).__name__}: {error}"
            self.failures.append((explainer, f"{about}: {reason}" if about else reason))
        self.done += 1
        self.progress(self.done, self.parts)


Measure = Callable[[CaseExplainer, tuple[SaliencyMap, ...]], tuple[Iterable[FigureRow], Iterable[SanityVerdict]]]


def evaluate_case(
    case: Case,
    explainers: Sequence[CaseExplainer],
    plan: EvaluationPlan = FULL,
    other_cases: Sequence[Case] = (),
    progress: Progress = lambda done, total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> CaseEvidence:
    """Asks every explainer for its maps of the case and measures them as the plan says.

    other_cases: for the sanity checks; of them, one with the same encoding (another organ on the slice) and one of
    another patient are used. Raises InputError where the reference mask does not fit the slice or two explainers have one
    name, Cancelled once `is_cancelled` says so, nothing for a failing explainer.
    """
    _check(case, explainers)
    measures = _measures(case, plan, other_cases)
    found = _Found(progress, is_cancelled, len(explainers) * (1 + len(measures)))
    asked: dict[str, MeasuredMaps] = {}

    def ask(explainer: CaseExplainer) -> None:
        answer = measured(explainer, case)
        _check_maps(answer.maps)
        asked[explainer.name] = answer
        if Measurement.COST in plan.measurements:
            found.rows.extend(cost_rows(case, explainer, answer, _next_box(case, explainer, plan)))

    for explainer in explainers:
        found.attempt(explainer.name, lambda explainer=explainer: ask(explainer))
    for about, measure in measures.items():
        for explainer in explainers:
            maps = asked[explainer.name].maps if explainer.name in asked else ()
            found.attempt(explainer.name, lambda e=explainer, m=maps, measure=measure: _gather(found, measure(e, m)), str(about))
    maps = tuple(saliency for answer in asked.values() for saliency in answer.maps)
    return CaseEvidence(case.case_id, maps, tuple(found.rows), tuple(found.verdicts), tuple(found.failures))


def _next_box(case: Case, explainer: CaseExplainer, plan: EvaluationPlan) -> tuple[Case, MeasuredMaps] | None:
    if explainer.kind not in plan.asked_again:
        return None
    other = with_jittered_box(case, np.random.default_rng(plan.seed))
    return other, measured(explainer, other)


def _gather(found: _Found, findings: tuple[Iterable[FigureRow], Iterable[SanityVerdict]]) -> None:
    rows, verdicts = findings
    found.rows.extend(rows)
    found.verdicts.extend(verdicts)


def _measures(case: Case, plan: EvaluationPlan, other_cases: Sequence[Case]) -> dict[Measurement, Measure]:
    """How each family of the plan is measured on one explainer's maps."""
    known: dict[Measurement, Measure] = {
        Measurement.LOCALISATION: lambda explainer, maps: ([row for m in maps for row in localisation_rows(case, explainer.kind, m)], ()),
        Measurement.COMPLEXITY: lambda explainer, maps: ([row for m in maps for row in complexity_rows(case, explainer.kind, m)], ()),
    }
    return {name: measure for name, measure in known.items() if name in plan.measurements}


def _check(case: Case, explainers: Sequence[CaseExplainer]) -> None:
    shape = case.result.prepared.image.shape
    if case.reference_mask is not None and case.reference_mask.shape != shape:
        raise InputError(f"The reference mask of '{case.case_id}' has the shape {case.reference_mask.shape}, its slice {shape}; take the mask of that slice.")
    names = [explainer.name for explainer in explainers]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"Two explainers are called {', '.join(sorted(twice))}; give each a name of its own.")


def _check_maps(maps: tuple[SaliencyMap, ...]) -> None:
    for saliency in maps:
        if saliency.values.ndim != 2 or not np.isfinite(saliency.values).all():
            raise InputError(f"'{saliency.explainer}' gave a map that is no (h, w) array of finite numbers; it is not measured.")
