"""How well a mask check does, as Markdown: coverage, and how it ranks masks beside other scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from medxai.limits import LIMITS_STATEMENT
from medxai.mask_check import MaskCheckTable

from .fitting import risk_coverage
from .measuring import Measured

#: What might rank masks, by the name of its column.
SCORES = {
    "decidedness": "decidedness (the check)",
    "margin": "mean of \\|2 p − 1\\| inside the mask",
    "iou_estimate": "the decoder's IoU head",
    "pairwise_dice": "pairwise Dice of eight moved boxes",
}
_DRAWS = 300


def summary(table: MaskCheckTable, rows: Sequence[Measured]) -> str:
    """The page of one model.

    Args:
        table: Of the model.
        rows: What it was made from and tried on.
    """
    return "\n".join(
        [
            f"# Mask check: {table.title}",
            "",
            f"**{LIMITS_STATEMENT}**",
            "",
            f"Intervals of Dice from {table.boxes} compact made-up structures that stand out from their surroundings, {table.promised:.0%} "
            "promised. Made by `python -m medxai_lab.mask_check`; scans had no part in them.",
            "",
            "| tried on | patients | boxes | Dice in the interval | below it | mean width |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *(
                f"| {one.on} | {one.patients or ''} | {one.boxes} | {one.covered:.1%} | {one.below:.1%} | {one.width:.2f} |"
                for one in table.trials
            ),
            "",
            "| decidedness | interval of Dice |",
            "| --- | --- |",
            *_bins(table),
            "",
            "Which masks are worse? The area under the risk–coverage curve (mean 1 − Dice of the masks that are kept; lower is better), with "
            "what the check has less than the other (95 % intervals by drawing scenes or slices anew). Boxes with moved boxes only.",
            "",
            "| boxes | score | area | the check less this |",
            "| --- | --- | ---: | --- |",
            *_ranking(rows),
            "",
        ]
    )


def _bins(table: MaskCheckTable) -> Iterator[str]:
    yield f"| below {table.starts[0]:.3f} | none: one structure in a hundred |"
    edges = [*table.starts, 1.0]
    for low, high, lower, upper in zip(edges, edges[1:], table.lower, table.upper, strict=False):
        yield f"| {low:.3f} to {high:.3f} | {lower:.2f} to {upper:.2f} |"


def _ranking(rows: Sequence[Measured]) -> Iterator[str]:
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source and not np.isnan(row.pairwise_dice)]
        yield f"| {source}: {len(own)}, mean 1 − Dice {1 - np.mean([row.dice for row in own]):.3f} | | | |"
        values = {name: np.array([getattr(row, name) for row in own]) for name in (*SCORES, "dice")}
        draws = _draws(np.array([row.group for row in own]))
        for name, title in SCORES.items():
            whole = risk_coverage(values[name], values["dice"])
            yield f"| | {title} | {whole:.4f} | {'' if name == 'decidedness' else _difference(values, name, draws)} |"


def _difference(values: dict[str, np.ndarray], name: str, draws: Sequence[np.ndarray]) -> str:
    def of(draw: np.ndarray | slice) -> float:
        own, other = (risk_coverage(values[score][draw], values["dice"][draw]) for score in ("decidedness", name))
        return own - other

    low, high = np.quantile([of(draw) for draw in draws], (0.025, 0.975))
    return f"{of(slice(None)):+.4f} ({low:+.4f} to {high:+.4f})".replace("-", "−")


def _draws(groups: np.ndarray) -> list[np.ndarray]:
    """Indexes of rows, whole groups drawn anew with replacement."""
    rng, names = np.random.default_rng(0), np.unique(groups)
    own = {name: np.flatnonzero(groups == name) for name in names}
    return [np.concatenate([own[name] for name in rng.choice(names, len(names))]) for _ in range(_DRAWS)]
