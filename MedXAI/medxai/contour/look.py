"""How the three kinds of outline look, the same in pictures, on the page and in the scene, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

from .result import FOLLOWS_BOX_FROM, SOFT_FROM_MM_PER_LOGIT, ContourCheck, ContourKind


@dataclass(frozen=True)
class Look:
    """How one kind is drawn. Colour, width and dash all differ, so that it is read without seeing hues, and on paper.

    Attributes:
        title: In a legend.
        sentence: What it means.
        colour: '#rrggbb', light enough for a dark slice.
        width: In points on paper and pixels on a screen.
        dash: Lengths of line and gap in the same unit; empty for a whole line.
    """

    title: str
    sentence: str
    colour: str
    width: float
    dash: tuple[float, ...]

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The colour, each channel in [0, 1]."""
        red, green, blue = (int(self.colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
        return red, green, blue


LOOKS = {
    ContourKind.FIRM: Look(
        "firm",
        f"It moves less than {SOFT_FROM_MM_PER_LOGIT:g} mm where the model's logit changes by one, and stays when the box moves.",
        "#39d98a",
        1.4,
        (),
    ),
    ContourKind.SOFT: Look(
        "soft",
        f"It moves {SOFT_FROM_MM_PER_LOGIT:g} mm or more where the model's logit changes by one: check this stretch.",
        "#ffd166",
        2.6,
        (6.0, 3.0),
    ),
    ContourKind.FOLLOWS_BOX: Look(
        "follows your box",
        f"It goes at least {FOLLOWS_BOX_FROM:.0%} of the way with the box's edges: your box drew it, more than the image.",
        "#ff6fb5",
        4.0,
        (1.5, 2.5),
    ),
}


def kinds_sentence(check: ContourCheck, unit: str = "mm") -> str:
    """'70 % of the outline is firm, 20 % soft (it moves about 1.6 mm a logit), and 10 % follows your box.'

    unit: 'mm', or 'pixels' where nobody knows how large a pixel is.
    """
    if not len(check):
        return "There is no outline to check."
    share = {kind: f"{part:.0%}" for kind, part in check.share.items()}
    moves = check.median_tolerance(ContourKind.SOFT)
    soft = f"{share[ContourKind.SOFT]} soft" + (
        "" if moves is None else f" (it moves about {moves:.1f} {unit} a logit)"
    )
    if check.follows_box is None:
        return f"{share[ContourKind.FIRM]} of the outline is firm and {soft}; whether it follows the box was not looked at."
    return f"{share[ContourKind.FIRM]} of the outline is firm, {soft}, and {share[ContourKind.FOLLOWS_BOX]} follows your box."
