"""What summary.md, the report and the terminal say in the same words: counts, and the tables of the contour check."""

from dataclasses import dataclass

from medxai.report.wording import signed

from .summary import CohortSummary, ContourLine, PairedTest

CONTOUR_HEADING = "Contour check"
_QUESTION = (
    "Which points of the model's outline are off? The area under the ROC curve over all points of a group, with 95 % intervals by drawing "
    "slices anew (patients first where there are several). The column 'tolerance less this' has the tolerance's area less this score's, over the same draws."
)
_NOTHING_TO_TELL = (
    "In every group either no point of the outlines is off by so much or all are, so there is nothing to tell apart."
)
#: Where nothing but the contour check was asked for.
NO_CONTOUR = "None could be made."
_KINDS = "What a reader is told, and how far such points are off:"


@dataclass(frozen=True)
class WordTable:
    """A table as text, with the sentence above it.

    Attributes:
        about: The sentence.
        columns: Their names.
        named: So many columns on the left say what a row is about; the others are numbers.
        rows: As many cells as there are columns; without a row the sentence stands alone.
    """

    about: str
    columns: tuple[str, ...]
    named: int
    rows: tuple[tuple[str, ...], ...]


def counted(count: int, name: str) -> str:
    """'1 case', '2 cases'."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def units_of(test: PairedTest) -> str:
    """'1 case', '8 patients'."""
    return counted(test.units, test.unit.removesuffix("s"))


def contour_tables(summary: CohortSummary) -> tuple[WordTable, ...]:
    """Every score of the contour check beside its baselines, and every kind of outline; none where it was not measured."""
    if not summary.contour_kinds:
        return ()
    scores = WordTable(
        _QUESTION if summary.contour else _NOTHING_TO_TELL,
        (
            "scans",
            "off by more than",
            "score",
            "AUROC",
            "tolerance less this",
            "off",
            "points",
            "boxes",
            "slices",
            "patients",
        ),
        3,
        tuple(map(_score, summary.contour)),
    )
    kinds = WordTable(
        _KINDS,
        ("scans", "kind", "share of the outlines", "off over 3 mm", "off over 5 mm", "median", "90 % within"),
        2,
        tuple(
            (
                one.group,
                one.kind,
                f"{one.share_of_length:.0%}",
                f"{one.over_3_mm:.0%}",
                f"{one.over_5_mm:.0%}",
                f"{one.median_mm:.1f} mm",
                f"{one.p90_mm:.1f} mm",
            )
            for one in summary.contour_kinds
        ),
    )
    return scores, kinds


def _score(one: ContourLine) -> tuple[str, ...]:
    auroc = "not known" if one.auroc is None else f"{one.auroc:.2f}"
    ahead = "" if one.score == "tolerance" or one.ahead is None else signed(one.ahead)
    if one.low is not None and one.high is not None:
        auroc += f" ({one.low:.2f} to {one.high:.2f})"
    if ahead and one.ahead_low is not None and one.ahead_high is not None:
        ahead += f" ({signed(one.ahead_low)} to {signed(one.ahead_high)})"
    return (
        one.group,
        f"{one.threshold_mm:g} mm",
        f"{one.score} ({one.role})",
        auroc,
        ahead,
        f"{one.off:.0%}",
        *map(str, (one.points, one.cases, one.slices, one.patients)),
    )
