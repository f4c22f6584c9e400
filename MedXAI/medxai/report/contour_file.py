"""contour.csv: the outline of the mask, one point a line, and what the contour check says of each."""

import csv
from pathlib import Path

from ..contour.how_tested import how_tested
from ..contour.result import BOX_EDGES
from ..limits import LIMITS_STATEMENT
from ..results import SliceExplanation

#: r, a, s: the place in the patient (right, anterior, superior) in millimetres. follows_box: the sum over the box's edges,
#: which stand behind it one by one, in mm the outline moves for each mm of the edge. outline: a mask may have several.
COLUMNS = (
    "r",
    "a",
    "s",
    "tolerance_mm_per_logit",
    "follows_box",
    *(f"follows_{edge}" for edge in BOX_EDGES),
    "kind",
    "outline",
)


def write_contour(path: Path, result: SliceExplanation) -> None:
    """Writes the points in the outlines' order; the first two lines are comments with the limits and how it was tested.

    What was not looked at (the box) is left empty.
    """
    check = result.contour
    total = check.follows_box_total
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {LIMITS_STATEMENT}\n# {how_tested(result.model)}\n")
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n, place in enumerate(check.points_ras_mm):
            follows: list[str] = [""] * (1 + len(BOX_EDGES))
            if total is not None and check.follows_box is not None:
                follows = [f"{value:.4g}" for value in (total[n], *check.follows_box[n])]
            writer.writerow(
                (
                    *(f"{value:.3f}" for value in place),
                    f"{check.tolerance_mm_per_logit[n]:.4g}",
                    *follows,
                    check.kind[n],
                    check.outline[n],
                )
            )
