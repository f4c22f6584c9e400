"""The metrics that decide a failure case, on the slice's pixels."""

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from medxai.explainers.base import Case
from medxai.explainers.differentiable import image_of, segmenter_for
from medxai.explainers.scoring import MaskScore, mean_weights
from medxai.maps import MapId, Role
from medxai.metrics.faithfulness import Faithfulness, image_faithfulness
from medxai.metrics.localisation import localisation_metrics
from medxai.metrics.plan import FULL
from medxai.metrics.replaced_parts import blurred
from medxai.results import SaliencyMap, SliceExplanation
from medxai.slice.box import grown_box

_DELETION = "image_deletion_outside_logit_less_random"


def auroc(values: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """How well values tell one region from another: the area under the ROC curve, 0.5 is chance.

    Args:
        values: (rows, columns).
        positive: (rows, columns) bool, where values should be higher.
        negative: (rows, columns) bool.
    """
    labels = np.r_[np.ones(positive.sum()), np.zeros(negative.sum())]
    return float(roc_auc_score(labels, np.r_[values[positive], values[negative]]))


def difference_of_means(values: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """The mean of values in one region less that in another.

    Args:
        values: (rows, columns).
        one: (rows, columns) bool.
        other: (rows, columns) bool.
    """
    return float(values[one].mean() - values[other].mean())


def mass(values: np.ndarray, region: np.ndarray) -> float:
    """The sum of the positive part of values over a region.

    Args:
        values: (rows, columns).
        region: (rows, columns) bool.
    """
    return float(np.maximum(values[region], 0).sum(dtype=np.float64))


def spread(values: np.ndarray) -> float:
    """From the 5th to the 95th percentile."""
    return float(np.subtract(*np.percentile(values, [95, 5])))


def rank_of_region(values: np.ndarray, region: np.ndarray, others: np.ndarray) -> float:
    """The share of the other pixels whose value lies below the region's mean; equal ones count half.

    Args:
        values: (rows, columns).
        region: (rows, columns) bool.
        others: (rows, columns) bool, the other pixels.
    """
    level, rest = values[region].mean(), values[others]
    return float((rest < level).mean() + 0.5 * (rest == level).mean())


def near_box(result: SliceExplanation) -> np.ndarray:
    """(rows, columns) bool: the box grown by 25 %."""
    shape = result.prepared.image.shape
    return grown_box(result.box.box, shape).mask(shape)


def in_box(result: SliceExplanation) -> np.ndarray:
    """(rows, columns) bool: the box."""
    return result.box.box.mask(result.prepared.image.shape)


def auroc_near(result: SliceExplanation, values: np.ndarray, reference: np.ndarray) -> float:
    """The headline of the tables: AUROC in the grown box against the reference.

    Args:
        result: With the box.
        values: (h, w) on the model's square.
        reference: (rows, columns) bool.
    """
    return _localisation(result, values, reference)["auroc_grown_box"]


def energy_inside(result: SliceExplanation, values: np.ndarray, reference: np.ndarray) -> float:
    """The share of a map's mass on the slice that lies inside the reference.

    Args:
        result: Brings the map to the slice.
        values: (h, w) on the model's square.
        reference: (rows, columns) bool.
    """
    return _localisation(result, values, reference)["energy_inside"]


def _localisation(result: SliceExplanation, values: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    return localisation_metrics(result.on_slice(values), reference, result.prepared.image.inside, near_box(result))


def fall_with_outside_blurred(case: Case) -> float:
    """How much of the mean logit inside the mask goes when all but the grown box is blurred.

    It is blurred as for the faithfulness metrics.

    Args:
        case: of a model whose pixels are the slice's.

    Returns:
        0 for nothing, 1 for all; above 1 the mask turns into its opposite.

    Raises:
        InputError: Where the model segmented nothing.
    """
    result = case.result
    score = MaskScore(segmenter_for(case), mean_weights(result))
    image = image_of(case)
    kept = torch.from_numpy(near_box(result)).to(image.device)
    without = torch.where(kept, image, blurred(image[0].cpu(), result.encoding.frame.content_shape).to(image.device))
    with torch.no_grad():
        before, after = score(torch.cat([image, without])).tolist()
    return 1 - after / before


def gains_over_random_order(case: Case, maps: Sequence[np.ndarray]) -> tuple[float, ...]:
    """Does a map find what matters outside the mask?

    Args:
        case: on which it is asked.
        maps: each (h, w) over the model's square.

    Returns:
        By how much the area under each map's curve of deletion outside the mask lies below that of a random order, as a
        report measures it: above 0 the map is better.
    """
    faithfulness = image_faithfulness(case, FULL)
    return tuple(-_value(faithfulness, values) for values in maps)


def _value(faithfulness: Faithfulness, values: np.ndarray) -> float:
    rows = faithfulness.rows(Role.METHOD, SaliencyMap(MapId("failure case"), values))
    return next(row.value for row in rows if row.metric == _DELETION)
