"""The cases, their expectations and what was found, as Markdown tables."""

from collections.abc import Iterator, Sequence

from medxai.limits import LIMITS_STATEMENT

from .earlier import EARLIER
from .verdict import Measured, PlantedVerdict


def tables(verdicts: Sequence[PlantedVerdict]) -> str:
    """All cases, each with its picture beside it (CASE.png, blanks as underscores)."""
    lines = [
        "# Planted cases: expected and found",
        "",
        LIMITS_STATEMENT,
        "",
        "Written by `python -m medxai_lab.failure_cases`; what it means is in [Where the explainer fails](../docs/where_it_fails.md).",
        "Beforehand: what `expected.py` said, before anything was run, of whether the demand on an honest map is met. First: what was",
        "found with the design's definitions, which the expectations are about. Now: what is found with today's.",
        "",
        *_summary(verdicts),
    ]
    for verdict in verdicts:
        lines += ["", *_case(verdict)]
    return "\n".join(lines) + "\n"


def picture_name(case: str) -> str:
    return f"{case.replace(' ', '_')}.png"


def _summary(verdicts: Sequence[PlantedVerdict]) -> Iterator[str]:
    yield "| case | demands | met first | met now | as expected first | as expected now |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for verdict in verdicts:
        demands = [one.demand for one in verdict.measured]
        first = [demand.relation.holds(EARLIER[verdict.case, demand.figure], demand.threshold) for demand in demands]
        foreseen = sum(met is demand.expected_met for met, demand in zip(first, demands, strict=True))
        taken = [one for one in verdict.measured if one.met is not None]
        met, expected = sum(one.met for one in taken), sum(one.as_expected for one in taken)
        yield f"| {verdict.expectation.title} | {len(demands)} | {sum(first)} | {met} | {foreseen} | {expected} |"


def _case(verdict: PlantedVerdict) -> Iterator[str]:
    told = verdict.expectation
    yield from (
        f"## {told.title}",
        "",
        f"*{told.question}*",
        "",
        f"**Planted.** {told.planted}",
        "",
        f"**An honest map.** {told.honest_map}",
        "",
    )
    yield from (f"![{told.title}]({picture_name(told.case)})", "")
    yield "| map | what MedXAI's definitions should give |"
    yield "| --- | --- |"
    yield from (f"| {name} | {text} |" for name, text in told.definitions)
    yield from (
        "",
        "| figure | demand | beforehand | first | now | met now | because |",
        "| --- | --- | --- | ---: | ---: | --- | --- |",
    )
    for one in verdict.measured:
        yield _row(verdict.case, one)
    if verdict.aside:
        told = "; ".join(f"{figure}: {value:.2f}" for figure, value in verdict.aside.items())
        yield from ("", f"Looked at afterwards, and judged by nothing: {told}.")


def _row(case: str, one: Measured) -> str:
    demand = one.demand
    found = "not measured" if one.value is None else f"{round(one.value, 2) + 0.0:.2f}"
    met = "" if one.met is None else "yes" if one.met else "**no**"
    because = (
        demand.because
        if one.as_expected
        else f"expected: {demand.because}. **Found:** {one.recorded or 'not explained yet.'}"
    )
    expected = ("met" if demand.expected_met else "not met") + ("" if one.as_expected else " **(wrong)**")
    asked = f"{demand.says}: {demand.relation} {demand.threshold:g}"
    cells = (demand.figure, asked, expected, f"{EARLIER[case, demand.figure]:.2f}", found, met, because)
    return f"| {' | '.join(cells)} |"
