"""A baseline that knows the grey values and the box, and no model: what is as bright as the box is on average."""

from dataclasses import dataclass

import numpy as np

from ..maps import MapInfo, Role
from ..progress import RunControl
from ..results import SaliencyMap
from .base import Case, Explainer
from .registry import register
from .three_stage.spatial import coverage_of

_EPSILON = 1e-6
PIXELS, TOKENS = "pixels", "tokens"


@register
@dataclass(frozen=True)
class IntensitySimilarity(Explainer):
    """exp(−½ ((grey − μ) / σ)²) with μ and σ the mean and standard deviation of the grey values in the box.

    The grey values are the model input's own. Two maps: on the model's pixels, and the same averaged on the embedding's
    grid, so that a comparison with the encoder's maps does not compare resolutions.
    """

    key = "intensity"
    title = "as bright as the box"
    sentence = "How near a pixel's grey value is to the mean in the box; no model has a part in it."
    role = Role.BASELINE
    order = 2

    @classmethod
    def map_infos(cls) -> tuple[MapInfo, ...]:
        return tuple(
            MapInfo(cls.key, part, f"{cls.title} ({part})", cls.sentence, cls.role) for part in (PIXELS, TOKENS)
        )

    def explain(self, case: Case, control: RunControl = RunControl()) -> tuple[SaliencyMap, ...]:
        result = case.result
        grey = result.prepared.model_input.tensor_chw[0].astype(np.float64)  # channels differ by scale and offset only
        frame = result.encoding.frame
        in_box = coverage_of(result.segmentation.box, frame, grey.shape)
        mean = np.average(grey, weights=in_box)
        deviation = np.sqrt(np.average((grey - mean) ** 2, weights=in_box))
        on_image = frame.content_coverage(grey.shape)
        pixels = np.exp(-0.5 * ((grey - mean) / max(deviation, _EPSILON)) ** 2) * (on_image > 0)
        tokens = _averaged(pixels, on_image, result.encoding.grid)
        return (self.saliency(pixels, map_key=PIXELS), self.saliency(tokens, map_key=TOKENS))


def _averaged(values: np.ndarray, weight: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The weighted mean of each token's pixels; 0 where none has weight. The model's side is a multiple of the grid's."""
    rows, columns = (n // cells for n, cells in zip(values.shape, grid, strict=True))

    def total(array: np.ndarray) -> np.ndarray:
        return array.reshape(grid[0], rows, grid[1], columns).sum((1, 3))

    covered = total(weight)
    return np.where(covered > 0, total(values * weight) / np.maximum(covered, _EPSILON), 0)
