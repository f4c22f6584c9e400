"""Draws the planted cases of the contour check: python -m medxai_lab.contour_cases OUTPUT.png [--model NAME]

One column a case: the slice with its box, and the outline in its kinds. Resources/contour holds both models' pictures.
"""

import argparse
from pathlib import Path

from medxai.request import ModelChoice

from .picture import draw


def main() -> None:
    """The command; `--help` says what it takes."""
    parser = argparse.ArgumentParser(prog="python -m medxai_lab.contour_cases", description=__doc__)
    parser.add_argument("output", type=Path, metavar="OUTPUT.png")
    parser.add_argument("--model", default="litemedsam", help="a name from 'medxai models list' (default: litemedsam)")
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    draw(arguments.output, ModelChoice(arguments.model))


if __name__ == "__main__":
    main()
