"""Measures a model's boxes and finds the limit that most boxes over nothing stay below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medxai.engine import Engine
from medxai.presence import PresenceLimits, measures
from medxai.request import ExplainRequest, ModelChoice
from medxai.results import ModelIdentity

from .boxes import Kind, Question

#: The share of boxes over nothing that stay below the limit; a little more than the 95 % that are promised.
_BELOW = 0.955


@dataclass(frozen=True)
class Measured:
    """One box: what it is over, on which scene, and its measures."""

    kind: Kind
    scene: int
    measures: np.ndarray


def measured(
    asked: Iterator[Question], choice: ModelChoice, engine: Engine
) -> Iterator[tuple[ModelIdentity, Measured]]:
    """Asks a model about every box."""
    for question in asked:
        request = ExplainRequest.of_slice(question.volume, "axial", 0, model=choice)
        boxes = [tuple(box.xyxy) for _, box in question.boxes]
        for (kind, _), result in zip(question.boxes, engine.explain(request, boxes), strict=True):
            yield result.model, Measured(kind, question.scene, measures(result))


def limits_from(model: ModelIdentity, boxes: Sequence[Measured]) -> PresenceLimits:
    """The limit that most boxes over nothing stay below, and its rates: scenes of even number judged by the odd ones, and back."""
    halves = [[box for box in boxes if box.scene % 2 == half] for half in (0, 1)]
    first, second = (_limits(model, half) for half in halves)
    above = [
        (box.kind, is_above(limits, box)) for limits, half in ((second, halves[0]), (first, halves[1])) for box in half
    ]
    return replace(
        _limits(model, boxes),
        false_alarms=float(np.mean([high for kind, high in above if kind is not Kind.STRUCTURE])),
        passed=float(np.mean([high for kind, high in above if kind is Kind.STRUCTURE])),
    )


def is_above(limits: PresenceLimits, box: Measured) -> bool:
    """Whether a box is told from boxes over nothing."""
    return float(limits.score(box.measures)) > limits.limit


def _limits(model: ModelIdentity, boxes: Sequence[Measured]) -> PresenceLimits:
    nothing = np.array([box.measures for box in boxes if box.kind is not Kind.STRUCTURE])
    centre, scale = nothing.mean(0).tolist(), nothing.std(0).tolist()
    found = PresenceLimits(model.title, model.preparation, centre, scale, 0.0, 0.0, 0.0)
    return replace(found, limit=float(np.quantile(found.score(nothing), _BELOW)))
