"""A training's log as a table (CSV), and its curve as a picture."""

from __future__ import annotations

import csv
import os
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

LOG = "log.csv"
CURVE = "curve.png"


@dataclass(frozen=True)
class LogRow:
    """One validation: what was trained since the last one, and how good the averaged weights are.

    Attributes:
        step: after which it was taken.
        size: pixels a side of the slices.
        seconds: of training so far.
        loss: mean of the whole loss since the last row.
        dice_loss: mean of its Dice part.
        validation: mean Dice of the averaged weights on held-out slices.
        box: mean Dice of the filled boxes.
        ellipse: mean Dice of the ellipses in the boxes.
        lr: learning rate of the last step.
    """

    step: int
    size: int
    seconds: int
    loss: float
    dice_loss: float
    validation: float
    box: float
    ellipse: float
    lr: float


def append_row(path: Path, row: LogRow) -> None:
    """Adds a line to the log, which is begun with the columns' names."""
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow([one.name for one in fields(LogRow)])
        writer.writerow(astuple(row))


def draw_curve(log: Path, picture: Path) -> None:
    """Draws a training's log as a PNG, written whole."""
    with open(log, newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = [row["step"] for row in rows]
    for name, style in (("validation", "-o"), ("box", ":"), ("ellipse", "--")):
        axes.plot(steps, [row[name] for row in rows], style, ms=3, label=f"{name} Dice, held-out slices")
    axes.plot(steps, [row["dice_loss"] for row in rows], color="0.6", label="Dice loss, training")
    for before, after in pairwise(rows):
        if before["size"] != after["size"]:
            axes.axvline(before["step"], color="0.8", lw=1)
            axes.text(before["step"], 0.02, f" {after['size']:.0f} px", color="0.5")
    axes.set(xlabel="step", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    temporary = picture.with_suffix(".tmp.png")
    figure.savefig(temporary, dpi=110)
    os.replace(temporary, picture)
