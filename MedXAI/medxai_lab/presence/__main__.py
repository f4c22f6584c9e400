"""Measures the limits of models: python -m medxai_lab.presence --models litemedsam demo [--scenes 160]

writes medxai/presence_limits.json, and prints a table for Resources/docs/method.md.
"""

import argparse
import json
import os
from dataclasses import asdict

from medxai.engine import Engine
from medxai.presence import LIMITS_FILE, PresenceLimits
from medxai.request import ModelChoice

from .boxes import Kind, questions
from .measuring import Measured, is_above, limits_from, measured


def main() -> None:
    """The command; `--help` says what it takes."""
    parser = argparse.ArgumentParser(prog="python -m medxai_lab.presence", description=__doc__)
    parser.add_argument("--models", nargs="+", default=["litemedsam", "demo"], metavar="NAME")
    parser.add_argument("--scenes", type=int, default=160, help="made-up scenes (default: 160)")
    arguments = parser.parse_args()
    known = json.loads(LIMITS_FILE.read_text(encoding="utf-8"))
    for name in arguments.models:
        found = list(measured(questions(0, arguments.scenes - 1), ModelChoice(name, "cpu"), Engine()))
        model, boxes = found[0][0], [box for _, box in found]
        limits = limits_from(model, boxes)
        known[model.checksum_sha256] = asdict(limits)
        print(table(limits, boxes), flush=True)
        _write(known)


def _write(known: dict[str, object]) -> None:
    """Whole or not at all."""
    partial = LIMITS_FILE.with_suffix(".part")
    partial.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, LIMITS_FILE)


def table(limits: PresenceLimits, boxes: list[Measured]) -> str:
    """How many boxes of each kind exceed the limit."""
    lines = [
        f"{limits.title}: on slices that did not decide it {limits.false_alarms:.1%} of the boxes over nothing exceed the limit, "
        f"and {limits.passed:.1%} of the structures.",
        "",
        "| boxes over | boxes | above the limit |",
        "| --- | --- | --- |",
    ]
    for kind in Kind:
        above = [is_above(limits, box) for box in boxes if box.kind is kind]
        lines.append(f"| {kind} | {len(above)} | {sum(above) / max(len(above), 1):.1%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
