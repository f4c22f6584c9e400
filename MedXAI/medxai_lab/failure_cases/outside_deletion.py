"""Does a map find what matters outside the mask? The faithfulness figure of a slice with the outside hidden bit by bit."""

from collections.abc import Sequence

import numpy as np

from medxai.explainers.base import Case, Kind, SaliencyMap
from medxai.metrics.faithfulness import Faithfulness, image_faithfulness
from medxai.metrics.plan import FULL

_FIGURE = "image_deletion_outside_logit_less_random"


def gains_over_random_order(case: Case, maps: Sequence[np.ndarray]) -> tuple[float, ...]:
    """By how much the area under a map's curve of deletion outside the mask lies below that of a random order, as a report
    measures it: above 0 the map is better. maps: each (h, w) over the model's square."""
    faithfulness = image_faithfulness(case, FULL)
    return tuple(-_value(faithfulness, values) for values in maps)


def _value(faithfulness: Faithfulness, values: np.ndarray) -> float:
    rows = faithfulness.rows(Kind.METHOD, SaliencyMap("planted", "", "", values))
    return next(row.value for row in rows if row.metric == _FIGURE)
