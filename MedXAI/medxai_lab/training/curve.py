"""The training curve as a picture."""

from __future__ import annotations

import csv
import os
from pathlib import Path


def draw_curve(log: Path, picture: Path) -> None:
    """Draw a training's log (CSV) as a PNG, written whole. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with open(log, newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    steps = [row["step"] for row in rows]
    for name, style in (("validation", "-o"), ("box", ":"), ("ellipse", "--")):
        axes.plot(steps, [row[name] for row in rows], style, ms=3, label=f"{name} Dice, held-out slices")
    axes.plot(steps, [row["dice_loss"] for row in rows], color="0.6", label="Dice loss, training")
    for before, after in zip(rows, rows[1:]):
        if before["size"] != after["size"]:
            axes.axvline(before["step"], color="0.8", lw=1)
            axes.text(before["step"], 0.02, f" {after['size']:.0f} px", color="0.5")
    axes.set(xlabel="step", ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    temporary = picture.with_suffix(".tmp.png")
    figure.savefig(temporary, dpi=110)
    os.replace(temporary, picture)
