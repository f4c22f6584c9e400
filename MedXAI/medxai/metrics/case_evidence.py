"""Everything that is measured on one case: every explainer's maps, their metrics, and what failed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np

from ..errors import Cancelled, InputError, MedXAIError
from ..explainers.base import Case, Explainer
from ..maps import Role
from ..progress import RunControl, Step
from ..results import SaliencyMap
from .complexity import complexity_rows
from .cost import MeasuredMaps, cost_rows, measured
from .faithfulness import image_faithfulness, neck_faithfulness
from .localisation import localisation_rows
from .metric_row import MetricRow
from .plan import FULL, EvaluationPlan, Measurement
from .sanity import changes_of, sanity_findings
from .sanity_verdict import SanityVerdict
from .stability import stability_rows, trials_of
from .varied_case import with_jittered_box


@dataclass(frozen=True)
class CaseEvidence:
    """What is known of one case.

    Attributes:
        case_id: As in `Case`.
        maps: All explainers' maps, in the order asked.
        rows: Their metrics.
        verdicts: Of the sanity checks that could be made.
        failures: (explainer, reason), the reason in one sentence; an explainer that failed in one measurement keeps its
            others.
    """

    case_id: str
    maps: tuple[SaliencyMap, ...]
    rows: tuple[MetricRow, ...]
    verdicts: tuple[SanityVerdict, ...]
    failures: tuple[tuple[str, str], ...]


@dataclass
class _Found:
    """What has been gathered so far, and how far the work is."""

    control: RunControl
    parts: int
    done: int = 0
    rows: list[MetricRow] = field(default_factory=list)
    verdicts: list[SanityVerdict] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def attempt(self, explainer: str, part: Callable[[], None], about: str = "") -> None:
        """Does one part; whatever goes wrong in it is written down and the rest goes on, unless the user stopped."""
        self.control.raise_if_cancelled()
        try:
            part()
        except Cancelled:
            raise
        except Exception as error:  # other people's libraries raise anything
            reason = str(error) if isinstance(error, MedXAIError) else f"{type(error).__name__}: {error}"
            self.failures.append((explainer, f"{about}: {reason}" if about else reason))
        self.done += 1
        self.control.report(self.done, self.parts)

    def add_sanity(
        self,
        case: Case,
        checked: Sequence[tuple[Explainer, tuple[SaliencyMap, ...]]],
        other_cases: Sequence[Case],
        seed: int,
    ) -> None:
        """The checks of all explainers together: the models with randomised weights are made once."""
        if not checked:
            return
        rows, verdicts, failures = sanity_findings(case, checked, changes_of(case, other_cases, seed, self.control))
        self.rows += rows
        self.verdicts += verdicts
        self.failures += failures


Measure = Callable[[Explainer, tuple[SaliencyMap, ...]], Iterable[MetricRow]]


def evaluate_case(
    case: Case,
    explainers: Sequence[Explainer],
    plan: EvaluationPlan = FULL,
    other_cases: Sequence[Case] = (),
    control: RunControl = RunControl(),
) -> CaseEvidence:
    """Asks every explainer for its maps of the case and measures them as the plan says.

    An explainer that fails raises nothing: its failure stands in the evidence.

    Args:
        case: What is measured.
        explainers: Whose maps, each key once.
        plan: Which metrics, with their numbers.
        other_cases: For the sanity checks; one on the same slice (another organ) and one of another patient are used.
        control: Hears of the progress, and stops the work.

    Raises:
        InputError: Where the reference mask does not fit the slice, or two explainers have one key.
        Cancelled: Once the control says so.
    """
    _check(case, explainers)
    measures = _measures(case, plan, control)
    found = _Found(
        control.at(Step.MEASURING), len(explainers) * (1 + len(measures)) + (Measurement.SANITY in plan.measurements)
    )
    asked: dict[str, MeasuredMaps] = {}

    def ask(explainer: Explainer) -> None:
        answer = measured(explainer, case, control.at(Step.COMPARING))
        _check_maps(answer.maps)
        asked[explainer.key] = answer
        if Measurement.COST in plan.measurements:
            found.rows.extend(cost_rows(case, explainer, answer, _next_box(case, explainer, plan)))

    def apply(measure: Measure, explainer: Explainer) -> None:
        if explainer.key in asked and explainer.role is not Role.DECOMPOSITION:
            found.rows.extend(measure(explainer, asked[explainer.key].maps))

    for explainer in explainers:
        found.attempt(explainer.key, partial(ask, explainer))
    for about, measure in measures.items():
        for explainer in explainers:
            found.attempt(explainer.key, partial(apply, measure, explainer), str(about))
    if Measurement.SANITY in plan.measurements:
        checked = [(e, asked[e.key].maps) for e in explainers if e.role in plan.sanity_roles and e.key in asked]
        found.attempt(
            ", ".join(e.key for e, _ in checked),
            lambda: found.add_sanity(case, checked, other_cases, plan.seed),
            "sanity",
        )
    maps = tuple(saliency for answer in asked.values() for saliency in answer.maps)
    return CaseEvidence(case.case_id, maps, tuple(found.rows), tuple(found.verdicts), tuple(found.failures))


def _measures(case: Case, plan: EvaluationPlan, control: RunControl) -> dict[Measurement, Measure]:
    """How each family of the plan is measured on one explainer's maps; what a case's maps share is made when first needed."""
    neck = cache(lambda: neck_faithfulness(case, plan, control))
    image = cache(lambda: image_faithfulness(case, plan, control))
    trials = cache(lambda: trials_of(case, plan.trials, plan.seed))

    def stability(explainer: Explainer, maps: tuple[SaliencyMap, ...]) -> Iterable[MetricRow]:
        return stability_rows(case, explainer, maps, trials()) if explainer.role in plan.asked_again else ()

    known: dict[Measurement, Measure] = {
        Measurement.LOCALISATION: lambda explainer, maps: [
            row for m in maps for row in localisation_rows(case, explainer.role, m)
        ],
        Measurement.COMPLEXITY: lambda explainer, maps: [
            row for m in maps for row in complexity_rows(case, explainer.role, m)
        ],
        Measurement.FAITHFULNESS_NECK: lambda explainer, maps: [
            row for m in maps for row in neck().rows(explainer.role, m)
        ],
        Measurement.FAITHFULNESS_IMAGE: lambda explainer, maps: [
            row for m in maps for row in image().rows(explainer.role, m)
        ],
        Measurement.STABILITY: stability,
    }
    return {name: measure for name, measure in known.items() if name in plan.measurements}


def _next_box(case: Case, explainer: Explainer, plan: EvaluationPlan) -> tuple[Case, MeasuredMaps] | None:
    if explainer.role not in plan.asked_again:
        return None
    other = with_jittered_box(case, np.random.default_rng(plan.seed))
    return other, measured(explainer, other)


def _check(case: Case, explainers: Sequence[Explainer]) -> None:
    shape = case.result.prepared.image.shape
    if case.reference_mask is not None and case.reference_mask.shape != shape:
        raise InputError(
            f"The reference mask of '{case.case_id}' has the shape {case.reference_mask.shape}, its slice {shape}; take the mask of that slice."
        )
    names = [explainer.key for explainer in explainers]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"Two explainers are called {', '.join(sorted(twice))}; give each a name of its own.")


def _check_maps(maps: tuple[SaliencyMap, ...]) -> None:
    for saliency in maps:
        if saliency.values.ndim != 2 or not np.isfinite(saliency.values).all():
            raise InputError(
                f"'{saliency.map_id.explainer}' gave a map that is no (h, w) array of finite numbers; it is not measured."
            )
