"""Which way a metric is better. One that is neither better high nor low has no direction, and no learned gain."""

from enum import IntEnum


class Direction(IntEnum):
    """The sign that makes a metric better upwards."""

    HIGHER_IS_BETTER = 1
    LOWER_IS_BETTER = -1


def direction_of(family: str, metric: str) -> Direction | None:
    """The direction of a metric, None where it has none.

    Localisation and faithfulness have one. Stability, complexity and cost have none: a Gaussian drawn into the box is
    perfectly stable, can be as compact as one likes, and costs nothing. So it is no fault to be less so than a
    baseline.

    Args:
        family: As in `MetricRow`.
        metric: As in `MetricRow`.
    """
    if family == "localisation":
        return Direction.HIGHER_IS_BETTER
    if family == "faithfulness":
        low = "deletion" in metric or "infidelity" in metric
        return Direction.LOWER_IS_BETTER if low else Direction.HIGHER_IS_BETTER
    return None
