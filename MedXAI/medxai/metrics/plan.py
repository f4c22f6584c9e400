"""What is measured on a case, with every number that a metric leaves open."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import InputError
from ..maps import Role


class Measurement(StrEnum):
    """A family of metrics, faithfulness by its two spaces since they cost so differently.

    CONTOUR is of the contour check and not of maps; only a cohort measures it, since it needs references.
    """

    LOCALISATION = "localisation"
    COMPLEXITY = "complexity"
    COST = "cost"
    FAITHFULNESS_NECK = "faithfulness in the neck"
    FAITHFULNESS_IMAGE = "faithfulness in the image"
    STABILITY = "stability"
    SANITY = "sanity"
    CONTOUR = "contour"


@dataclass(frozen=True)
class EvaluationPlan:
    """What is measured, and with which numbers. The same plan gives the same metrics again, cost excepted.

    Attributes:
        measurements: The families to measure.
        seed: Of everything random.
        neck_steps: Points of a deletion or insertion curve after its start, by tokens of the embedding.
        image_steps: The same by patches of the image.
        order_seeds: Random orders that are averaged.
        infidelity_samples: Perturbations, 0 for none.
        trials: Perturbed repetitions for stability, of each kind.
        asked_again: Roles of explainers that stability and the next box's cost ask again; a comparison method may take
            minutes.
        sanity_roles: Roles whose maps must pass the sanity checks; baselines ignore the weights by design.

    Raises:
        InputError: Where nothing is measured, or a number is too small.
    """

    measurements: frozenset[Measurement]
    seed: int = 0
    neck_steps: int = 5
    image_steps: int = 8
    order_seeds: int = 3
    infidelity_samples: int = 32
    trials: int = 3
    asked_again: frozenset[Role] = frozenset({Role.METHOD, Role.BASELINE})
    sanity_roles: frozenset[Role] = frozenset({Role.METHOD})

    def __post_init__(self) -> None:
        if not self.measurements:
            raise InputError("The plan measures nothing; name at least one family, for example localisation.")
        if (
            min(self.neck_steps, self.image_steps) < 2
            or min(self.order_seeds, self.trials) < 1
            or self.infidelity_samples < 0
        ):
            raise InputError(
                "A curve needs at least 2 steps, and orders and trials at least 1 each; raise the plan's numbers."
            )


#: For a single case's report in the panel: some milliseconds a map, no further pass of the model.
QUICK = EvaluationPlan(frozenset({Measurement.LOCALISATION, Measurement.COMPLEXITY}))

FULL = EvaluationPlan(frozenset(Measurement))
