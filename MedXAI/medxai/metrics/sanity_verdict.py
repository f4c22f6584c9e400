"""What a sanity check found, ready for a badge that can turn red."""

from dataclasses import dataclass

from ..maps import MapId


@dataclass(frozen=True)
class SanityVerdict:
    """One check of one map.

    check: 'random weights', 'another box' or 'another patient'. map_id: the map.
    measured: the rank correlation (Spearman) of the map with the one that it must differ from. limit: passed where
    measured lies below it. sentence: the finding in plain words. course: for 'random weights' the correlation after every
    step from the top down, as (what had been randomised last, correlation).
    """

    check: str
    map_id: MapId
    measured: float
    limit: float
    passed: bool
    sentence: str
    course: tuple[tuple[str, float], ...] = ()
