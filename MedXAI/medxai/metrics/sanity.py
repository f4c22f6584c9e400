"""Would the map be the same whatever the model, the box or the patient? Then it explains nothing.

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

#: The rank correlation that a change may leave at most. It is what noise of 10 HU leaves, under which the mask stays: on the
#: real CT and MR 0.90 to 1.00 in nearly all maps of the demo model (0.87 at the least). A map that changes no more than
#: that under other weights, another box or another patient does not hang on them. It is a floor and no praise: with random weights most of the demo model's
#: maps fall below 0.5, but those of a large liver in the early layers only to 0.81 to 0.87, for any encoder tells bright
#: tissue from dark.
LIMITS = {RANDOM_WEIGHTS: 0.9, ANOTHER_BOX: 0.9, ANOTHER_PATIENT: 0.9}

_WHAT = {
    RANDOM_WEIGHTS: "after all weights were randomised",
    ANOTHER_BOX: "for another organ's box on this slice",
    ANOTHER_PATIENT: "for another patient's slice under the same box",
}


@dataclass(frozen=True)
class SanityChange:
    """A changed case. check: see `LIMITS`. step: what was randomised last, else ''."""

    check: str
    step: str
    case: Case


def changes_of(
    case: Case, other_cases: Sequence[Case], seed: int, control: RunControl = RunControl()
) -> Iterable[SanityChange]:
    """The changed cases one after another; of the cascade each is only good until the next one is asked for.

    Raises Cancelled between two of them.
    """
    other_organ = next(
        (other for other in other_cases if _same_slice(case, other) and other.result.box != case.result.box), None
    )
    if other_organ is not None:
        yield SanityChange(ANOTHER_BOX, "", other_organ)
    stranger = next((other for other in other_cases if other.patient != case.patient), None)
    if stranger is not None:
        yield SanityChange(ANOTHER_PATIENT, "", on_the_image_of(case, stranger))
    for step, model in cascade(case.model, seed):
        control.raise_if_cancelled()
        yield SanityChange(RANDOM_WEIGHTS, step, with_model(case, model))


def sanity_findings(
    case: Case, asked: Sequence[tuple[Explainer, tuple[SaliencyMap, ...]]], changes: Iterable[SanityChange]
) -> tuple[tuple[MetricRow, ...], tuple[SanityVerdict, ...], tuple[tuple[str, str], ...]]:
    """Rows, verdicts and failures (explainer, reason) of explainers with their maps of the case.

    Rows: 'rank_correlation_random_<part>' after each step, 'rank_correlation_another_box' and '…_another_patient'.
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
        figures = {f"rank_correlation_{_metric(check, step)}": value for step, value in course}
        rows += metric_rows(case, maps[m].map_id, explainer.role, FAMILY, figures)
        verdicts.append(verdict_of(check, maps[m], tuple(course)))
    return tuple(rows), tuple(verdicts), tuple((asked[e][0].key, reason) for e, reason in failures.items())


def verdict_of(check: str, saliency: SaliencyMap, course: tuple[tuple[str, float], ...]) -> SanityVerdict:
    """The verdict on the course's last correlation."""
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
