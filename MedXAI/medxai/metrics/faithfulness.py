"""Does the model's answer depend on what the map marks? Deletion and insertion curves, and captum's infidelity.

Deletion hides cells in the order of the map, the highest first, and insertion shows them on a hidden slice (Petsiuk et
al., "RISE", BMVC 2018). A curve is normalised so that the whole slice scores 1 and the hidden one 0, and the area under
it is the metric: low is good for deletion, high for insertion. Hiding the box alone does most of the damage. So every
area is also given less the area of a random order, and less that of the order of distance to the box. 'outside' hides
only cells that the model's own mask does not touch.
"""

import numpy as np

from ..explainers.base import Case
from ..maps import Role
from ..progress import RunControl
from ..results import SaliencyMap
from .infidelity import Infidelity
from .metric_row import MetricRow, metric_rows
from .plan import EvaluationPlan
from .removal_order import highest_first, nearest_first, step_counts
from .replaced_parts import HiddenParts, HiddenPatches, HiddenTokens

FAMILY = "faithfulness"
SCORES = ("logit", "dice")
CURVES = ("deletion", "insertion", "deletion_outside")

#: Where hiding the whole slice costs less than this, there is no metric: a curve would be noise divided by almost zero.
SMALLEST_FALL = {"logit": 0.5, "dice": 0.05}


class Faithfulness:
    """The metrics of one case's maps in one space; what does not depend on the map is computed once.

    Args:
        parts: The case's slice in cells that can be hidden.
        steps: Points of a curve after its start.
        order_seeds: How many random orders are averaged.
        seed: Of the random orders.
        infidelity_samples: Perturbations for infidelity; 0 for none.
    """

    def __init__(self, parts: HiddenParts, steps: int, order_seeds: int, seed: int, infidelity_samples: int = 0):
        self._parts, self._steps, self._seed = parts, steps, seed
        self._measurable = parts.has_mask
        if not self._measurable:
            return
        whole, hidden = parts.scores(np.stack([np.ones(parts.count, bool), np.zeros(parts.count, bool)]))
        self._hidden, self._fall = hidden, whole - hidden
        self._measured = {
            name: bool(fall >= SMALLEST_FALL[name]) for name, fall in zip(SCORES, self._fall, strict=True)
        }
        self._measurable = any(self._measured.values())
        if not self._measurable:
            return
        self._without_outside = parts.scores(~parts.outside_mask[None])[0] if parts.outside_mask.any() else None
        rng = np.random.default_rng(seed)
        self._random = np.mean([self.areas(rng.permutation(parts.count)) for _ in range(order_seeds)], axis=0)
        result = parts.case.result
        self._distance = self.areas(nearest_first(parts.centres_px(), result.segmentation.box, result.encoding.frame))
        self._infidelity = Infidelity(parts, infidelity_samples, seed) if infidelity_samples else None

    def rows(self, role: Role, saliency: SaliencyMap) -> tuple[MetricRow, ...]:
        """The metrics of one map; none where hiding the slice hardly changes the model's answer."""
        if not self._measurable:
            return ()
        values = self._parts.on_cells(saliency.values)
        areas = self.areas(highest_first(values, np.random.default_rng(self._seed)))
        metrics = {}
        for c, curve in enumerate(CURVES):
            for s, score in enumerate(SCORES):
                if not self._measured[score]:
                    continue
                name = f"{self._parts.name}_{curve}_{score}"
                metrics[name] = areas[c, s]
                metrics[f"{name}_less_random"] = areas[c, s] - self._random[c, s]
                metrics[f"{name}_less_distance"] = areas[c, s] - self._distance[c, s]
        if self._infidelity is not None and self._measured["logit"]:
            metrics[f"{self._parts.name}_infidelity"] = self._infidelity.of(values)
        return metric_rows(self._parts.case, saliency.map_id, role, FAMILY, metrics)

    def areas(self, order: np.ndarray) -> np.ndarray:
        """The areas under the normalised curves of one order (trapezoids).

        Args:
            order: (n,) indexes of the cells, the first to be hidden or shown first.

        Returns:
            (3, 2), `CURVES` by `SCORES`; NaN where there is none.
        """
        n = self._parts.count
        outside = order[self._parts.outside_mask[order]]
        counts, counts_outside = step_counts(n, self._steps)[1:-1], step_counts(len(outside), self._steps)[1:-1]
        hidden = [_among(order[:count], n) for count in counts]
        deleted = [~state for state in hidden]
        deleted_outside = [~_among(outside[:count], n) for count in counts_outside] if len(outside) else []
        scores = self._normalised(self._parts.scores(np.stack(deleted + hidden + deleted_outside)))
        k = len(counts)
        start, end = np.ones((1, 2)), np.zeros((1, 2))
        x = np.concatenate([[0], counts, [n]]) / n
        areas = [_area(x, start, scores[:k], end), _area(x, end, scores[k : 2 * k], start)]
        if self._without_outside is not None:
            x = np.concatenate([[0], counts_outside, [len(outside)]]) / len(outside)
            areas.append(_area(x, start, scores[2 * k :], self._normalised(self._without_outside[None])))
        else:
            areas.append(np.full(2, np.nan))
        return np.stack(areas)

    def _normalised(self, scores: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):  # a score that is not measured is not read
            return (scores - self._hidden) / self._fall


def neck_faithfulness(case: Case, plan: EvaluationPlan, control: RunControl = RunControl()) -> Faithfulness:
    """Faithfulness by tokens of the embedding: only the decoder runs again.

    Args:
        case: What is measured.
        plan: Steps, orders and seed.
        control: Stops the work.

    Raises:
        Cancelled: Once the control says so.
    """
    return Faithfulness(
        HiddenTokens(case, control), plan.neck_steps, plan.order_seeds, plan.seed, plan.infidelity_samples
    )


def image_faithfulness(case: Case, plan: EvaluationPlan, control: RunControl = RunControl()) -> Faithfulness:
    """Faithfulness by patches of the image: one pass of the encoder for each point of a curve.

    Args:
        case: What is measured.
        plan: Steps, orders and seed.
        control: Stops the work.

    Raises:
        Cancelled: Once the control says so.
    """
    return Faithfulness(HiddenPatches(case, control), plan.image_steps, plan.order_seeds, plan.seed)


def _among(cells: np.ndarray, n: int) -> np.ndarray:
    chosen = np.zeros(n, bool)
    chosen[cells] = True
    return chosen


def _area(x: np.ndarray, start: np.ndarray, between: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.trapezoid(np.concatenate([start, between, end]), x, axis=0)
