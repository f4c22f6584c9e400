"""The figures that decide a planted case, on the slice's pixels."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from medxai.engine import SliceExplanation
from medxai.explainers.differentiable import image_of, segmenter_for
from medxai.explainers.scoring import MaskScore, mean_weights
from medxai.metrics.localisation import localisation_figures
from medxai.metrics.replaced_parts import blurred
from medxai.metrics.slice_region import grown_box


def auroc(values: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """How well values (rows, columns) tell one region from another, both (rows, columns) bool; 0.5 is chance."""
    labels = np.r_[np.ones(positive.sum()), np.zeros(negative.sum())]
    return float(roc_auc_score(labels, np.r_[values[positive], values[negative]]))


def difference_of_means(values: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    return float(values[one].mean() - values[other].mean())


def mass(values: np.ndarray, region: np.ndarray) -> float:
    """Σ of the positive part of values (rows, columns) over a region."""
    return float(np.maximum(values[region], 0).sum(dtype=np.float64))


def spread(values: np.ndarray) -> float:
    """From the 5th to the 95th percentile."""
    return float(np.subtract(*np.percentile(values, [95, 5])))


def rank_of_region(values: np.ndarray, region: np.ndarray, others: np.ndarray) -> float:
    """The share of the other pixels whose value lies below the region's mean; equal ones count half."""
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
    """The headline of the tables: AUROC of a map (h, w) in the grown box against the reference (rows, columns)."""
    return _localisation(result, values, reference)["auroc_grown_box"]


def energy_inside(result: SliceExplanation, values: np.ndarray, reference: np.ndarray) -> float:
    """The share of a map's mass on the slice that lies inside the reference."""
    return _localisation(result, values, reference)["energy_inside"]


def _localisation(result: SliceExplanation, values: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    return localisation_figures(result.on_slice(values), reference, result.prepared.image.inside, near_box(result))


def fall_with_outside_blurred(result: SliceExplanation) -> float:
    """How much of the mean logit inside the mask goes when all but the grown box is blurred: 0 nothing, 1 all, above 1 the
    mask turns into its opposite. Blurred as for the faithfulness figures. Raises InputError where the model segmented
    nothing. The model's pixels must be the slice's."""
    score = MaskScore(segmenter_for(result), mean_weights(result))
    image = image_of(result)
    kept = torch.from_numpy(near_box(result)).to(image.device)
    without = torch.where(kept, image, blurred(image[0].cpu(), result.encoding.frame.content_shape).to(image.device))
    with torch.no_grad():
        before, after = score(torch.cat([image, without])).tolist()
    return 1 - after / before
