"""Does a map change with the model, the box and the patient? One that stays the same explains nothing.

Each check asks the explainer again after a change that must change the map, and takes Spearman's rank correlation with the
first map: after the weights were randomised from the top down (Adebayo et al., NeurIPS 2018), for another organ's box on
the same slice, and for another patient's slice under the same box.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Cancelled, InputError
from ..explainers.base import Case, Explainer
from ..progress import RunControl
from ..results import SaliencyMap
from .map_change import rank_correlation
from .metric_row import MetricRow, metric_rows
from .sanity_verdict import SanityVerdict
from .varied_case import on_the_image_of, with_model
from .weight_randomisation import cascade

FAMILY = "sanity"

RANDOM_WEIGHTS, ANOTHER_BOX, ANOTHER_PATIENT = "random weights", "another box", "another patient"

#: The highest rank correlation that passes a check. Noise of 10 HU, under which the mask stays, leaves this much: on the
#: real CT and MR 0.90 to 1.00 in nearly all maps of the demo model (0.87 at the least). A map that changes no more than
#: that under other weights, another box or another patient does not depend on them. To pass is the least that a map must
#: do: with random weights most of the demo model's maps fall below 0.5. Those of a large liver in the early layers fall
#: only to 0.81 to 0.87, because any encoder tells bright tissue from dark.
LIMITS = {RANDOM_WEIGHTS: 0.9, ANOTHER_BOX: 0.9, ANOTHER_PATIENT: 0.9}

_WHAT = {
    RANDOM_WEIGHTS: "after all weights were randomised",
    ANOTHER_BOX: "for another organ's box on this slice",
    ANOTHER_PATIENT: "for another patient's slice under the same box",
}


@dataclass(frozen=True)
class SanityChange:
    """A changed case.

    Attributes:
        check: One of `LIMITS`.
        step: What was randomised last; '' for the other checks.
        case: The case, answered anew.
    """

    check: str
    step: str
    case: Case


def changes_of(
    case: Case, other_cases: Sequence[Case], seed: int, control: RunControl = RunControl()
) -> Iterable[SanityChange]:
    """The changed cases one after another.

    Args:
        case: What is checked.
        other_cases: One on the same slice with another box, and one of another patient, are used where they are there.
        seed: Of the random weights.
        control: Stops the work.

    Yields:
        Changes; one with random weights is valid only until the next one is asked for.

    Raises:
        Cancelled: Between two of them.
    """
    other_organ = next(
        (other for other in other_cases if _same_slice(case, other) and other.result.box != case.result.box), None
    )
    if other_organ is not None:
        yield SanityChange(ANOTHER_BOX, "", other_organ)
    other_patient = next((other for other in other_cases if other.patient != case.patient), None)
    if other_patient is not None:
        yield SanityChange(ANOTHER_PATIENT, "", on_the_image_of(case, other_patient))
    for step, model in cascade(case.model, seed):
        control.raise_if_cancelled()
        yield SanityChange(RANDOM_WEIGHTS, step, with_model(case, model))


def sanity_findings(
    case: Case, asked: Sequence[tuple[Explainer, tuple[SaliencyMap, ...]]], changes: Iterable[SanityChange]
) -> tuple[tuple[MetricRow, ...], tuple[SanityVerdict, ...], tuple[tuple[str, str], ...]]:
    """Asks explainers again on changed cases.

    Rows are called 'rank_correlation_random_<part>' after each step, 'rank_correlation_another_box' and
    '…_another_patient'.

    Args:
        case: What is checked.
        asked: Explainers with their maps of the case.
        changes: What `changes_of` gives.

    Returns:
        Rows, verdicts, and failures as (explainer, reason).

    Raises:
        Cancelled: Once the control of the changes says so.
    """
    courses: dict[tuple[int, int, str], list[tuple[str, float]]] = {}
    failures: dict[int, str] = {}
    for change in changes:
        for e, (explainer, maps) in enumerate(asked):
            if e in failures:
                continue
            try:
                again = tuple(explainer.explain(change.case))
                if len(again) != len(maps):
                    raise InputError(
                        f"'{explainer.key}' gave {len(again)} maps instead of {len(maps)} when it was asked again."
                    )
            except Cancelled:
                raise
            except Exception as error:  # other people's libraries raise anything
                failures[e] = f"sanity, {_WHAT[change.check]}: {error}"
                continue
            for m, (before, after) in enumerate(zip(maps, again, strict=True)):
                courses.setdefault((e, m, change.check), []).append(
                    (change.step, _correlation(case, before, change.case, after))
                )
    rows: list[MetricRow] = []
    verdicts: list[SanityVerdict] = []
    for (e, m, check), course in sorted(
        courses.items(), key=lambda item: (item[0][0], item[0][1], list(LIMITS).index(item[0][2]))
    ):
        if e in failures:
            continue
        explainer, maps = asked[e]
        metrics = {f"rank_correlation_{_metric(check, step)}": value for step, value in course}
        rows += metric_rows(case, maps[m].map_id, explainer.role, FAMILY, metrics)
        verdicts.append(verdict_of(check, maps[m], tuple(course)))
    return tuple(rows), tuple(verdicts), tuple((asked[e][0].key, reason) for e, reason in failures.items())


def verdict_of(check: str, saliency: SaliencyMap, course: tuple[tuple[str, float], ...]) -> SanityVerdict:
    """The verdict on the last correlation of a check.

    Args:
        check: One of `LIMITS`.
        saliency: The map that was checked.
        course: (what was changed last, Spearman's ρ) after every step.
    """
    measured, limit = course[-1][1], LIMITS[check]
    passed = measured < limit
    name = str(saliency.map_id)
    change = "changes" if passed else "hardly changes"
    sentence = f"The map of {name} {change} {_WHAT[check]}: rank correlation {measured:.2f}, where below {limit:.2f} is asked for."
    steps = course if check == RANDOM_WEIGHTS else ()
    return SanityVerdict(check, saliency.map_id, measured, limit, passed, sentence, steps)


def _metric(check: str, step: str) -> str:
    return f"random_{step}".replace(" ", "_") if step else check.replace(" ", "_")


def _same_slice(case: Case, other: Case) -> bool:
    return case.patient == other.patient and np.array_equal(
        case.result.prepared.model_input.tensor_chw, other.result.prepared.model_input.tensor_chw
    )


def _correlation(case: Case, before: SaliencyMap, changed: Case, after: SaliencyMap) -> float:
    """On the cells of the model's square that both slices cover."""
    if before.values.shape != after.values.shape:
        raise InputError(f"'{before.map_id.explainer}' gave a map of another shape when it was asked again.")
    frames = case.result.encoding.frame, changed.result.encoding.frame
    covered = np.minimum(*(frame.content_coverage(before.values.shape) for frame in frames)) > 0
    return rank_correlation(before.values[covered], after.values[covered])
