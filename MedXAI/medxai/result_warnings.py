"""What a user should know about a result, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .display_range import is_informative
from .maps import STAGES
from .results import Explanation, PreparedSlice

if TYPE_CHECKING:
    from .slice.box import ClippedBox

#: A box over more of the image than this leaves the centred features little contrast (1 − its share).
LARGE_BOX_SHARE = 0.6


def warnings_of(
    prepared: PreparedSlice, clipped: ClippedBox, explanation: Explanation, notes: Iterable[str]
) -> tuple[str, ...]:
    """Sentences on a result: what was assumed and changed, and what limits the maps.

    Args:
        prepared: The slice.
        clipped: The box on it.
        explanation: Mask and maps.
        notes: What volume, device, model and encoder had to say; empty ones are left out.
    """
    return (
        *(note for note in notes if note),
        *_on_the_box(prepared, clipped),
        *_on_the_maps(explanation),
    )


def _on_the_box(prepared: PreparedSlice, clipped: ClippedBox) -> list[str]:
    said = []
    if clipped.was_clipped:
        said.append("The box reached over the edge of the slice and was cut there.")
    share = clipped.box.area_px / prepared.grey.size
    if share > LARGE_BOX_SHARE:
        said.append(f"The box covers {share:.0%} of the slice; so large a box leaves the maps little contrast.")
    in_box = prepared.grey[clipped.box.mask(prepared.grey.shape)]
    if in_box.min() == in_box.max():
        said.append(
            "All pixels of the box have one value in this window, so there is nothing to see in it and the maps show hardly more than "
            "where it lies; draw another box, or choose another window."
        )
    return said


def _on_the_maps(explanation: Explanation) -> list[str]:
    said = []
    if not explanation.segmentation.mask.any():
        said.append("The model segmented nothing in this box; the maps show what it compared, not an organ.")
    for stage in STAGES:
        if not is_informative(maps.stages[stage] for maps in explanation.layers):
            said.append(
                f"Stage {stage} is uninformative here (its values hardly differ, or none is positive) and is shown empty."
            )
    repaired = {layer: count for layer, count in explanation.repaired_tokens.items() if count}
    if repaired:
        said.append(
            "Artefact tokens were replaced by their neighbours: "
            + ", ".join(f"{n} in {layer}" for layer, n in repaired.items())
            + "."
        )
    return said
