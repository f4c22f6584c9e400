"""What a sanity check found, ready for a badge that can turn red."""

from dataclasses import dataclass

from ..maps import MapId


@dataclass(frozen=True)
class SanityVerdict:
    """One check of one map.

    Attributes:
        check: 'random weights', 'another box' or 'another patient'.
        map_id: The map.
        measured: The rank correlation (Spearman) of the map with the one that it must differ from.
        limit: The check is passed where `measured` lies below it.
        passed: Whether it is.
        sentence: The finding in plain words.
        course: For 'random weights' the correlation after every step from the top down, as (what had been randomised
            last,
            correlation).
    """

    check: str
    map_id: MapId
    measured: float
    limit: float
    passed: bool
    sentence: str
    course: tuple[tuple[str, float], ...] = ()
