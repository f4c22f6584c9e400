"""How much a map changes where the model's answer hardly does.

The slice gets noise, or the box is drawn a little differently.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..explainers.base import Case, Explainer
from ..results import SaliencyMap
from .box_dice import dice
from .map_change import on_content, rank_correlation, relative_change
from .metric_row import MetricRow, metric_rows
from .varied_case import with_jittered_box, with_noise

FAMILY = "stability"

#: A trial counts where the Dice of the mask and the first mask is at least this; where the mask changed, the map should too.
LEAST_DICE = 0.95


@dataclass(frozen=True)
class Trials:
    """Varied cases of one kind whose mask stayed.

    Attributes:
        kind: 'noise' or 'jitter'.
        cases: The varied cases, segmented anew.
    """

    kind: str
    cases: tuple[Case, ...]


def trials_of(case: Case, trials: int, seed: int) -> tuple[Trials, ...]:
    """Noisy slices and jittered boxes, without those whose mask moved; computed once for all explainers.

    Args:
        case: What is varied.
        trials: How many of each kind.
        seed: Of the noise and the moves.
    """
    return (
        _trials(case, "noise", with_noise, trials, seed),
        _trials(case, "jitter", with_jittered_box, trials, seed + 1),
    )


def _trials(
    case: Case, kind: str, varied: Callable[[Case, np.random.Generator], Case], trials: int, seed: int
) -> Trials:
    rng = np.random.default_rng(seed)
    found = [varied(case, rng) for _ in range(trials)]
    mask = case.result.segmentation.mask
    stayed = (other for other in found if dice(other.result.segmentation.mask, mask) >= LEAST_DICE)
    return Trials(kind, tuple(stayed) if mask.any() else ())


def stability_rows(
    case: Case, explainer: Explainer, maps: tuple[SaliencyMap, ...], trials: tuple[Trials, ...]
) -> tuple[MetricRow, ...]:
    """How much each map changes in each kind of trial.

    rank_change = 1 − Spearman's ρ and relative_change = ‖S′ − S‖ / ‖S‖, their means over the trials; sensitivity_max =
    the largest relative_change (captum's sensitivity_max on these trials; Yeh et al., NeurIPS 2019); trials = how many
    counted.

    Args:
        case: The case as it was.
        explainer: Is asked again.
        maps: Its maps of the case.
        trials: What `trials_of` gives.

    Raises:
        InputError: Where the explainer gives other maps than before.
        Exception: What the explainer raises.
    """
    rows: list[MetricRow] = []
    for kind in trials:
        again = [tuple(explainer.explain(varied)) for varied in kind.cases]
        for answer in again:
            if [(m.map_id, m.values.shape) for m in answer] != [(m.map_id, m.values.shape) for m in maps]:
                raise InputError(
                    f"'{explainer.key}' gave other maps when it was asked again; its stability cannot be measured."
                )
        for index, saliency in enumerate(maps):
            metrics = _metrics(case, saliency, [answer[index] for answer in again])
            rows += metric_rows(
                case,
                saliency.map_id,
                explainer.role,
                FAMILY,
                {f"{kind.kind}_{name}": value for name, value in metrics.items()},
            )
    return tuple(rows)


def _metrics(case: Case, saliency: SaliencyMap, again: list[SaliencyMap]) -> dict[str, float | None]:
    if not again:
        return {}
    frame = case.result.encoding.frame
    before = on_content(saliency.values, frame)
    after = [on_content(other.values, frame) for other in again]
    by_size = [change for other in after if (change := relative_change(before, other)) is not None]
    metrics: dict[str, float | None] = {
        "rank_change": float(np.mean([1 - rank_correlation(before, other) for other in after])),
        "trials": float(len(after)),
    }
    if len(by_size) == len(after):
        metrics |= {"relative_change": float(np.mean(by_size)), "sensitivity_max": max(by_size)}
    return metrics
