"""What the contour check costs beside the next box on a slice: python Testing/benchmarks/contour_cost.py [--rounds N]

In each round the next box, the tolerance alone, and the whole check with its eight moved boxes follow each other in one
process, so that another program's load hits all; the ratios are taken within a round. Writes Resources/benchmarks/contour_check.md.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "MedXAI")]

from medxai.contour.check import check_tolerance
from medxai.engine import Engine
from medxai.request import ExplainRequest, ModelChoice
from medxai.slice.box import box_of_mask
from medxai.volume.phantom import ORGAN_LABELS, make_phantom

MODELS = ("litemedsam", "demo")


def seconds_of(run, *arguments) -> tuple[float, object]:
    start = time.perf_counter()
    done = run(*arguments)
    return time.perf_counter() - start, done


def rounds_of(model: str, rounds: int) -> list[tuple[float, float, float]]:
    """Seconds of the next box, the tolerance alone, and the whole check."""
    phantom, engine = make_phantom(), Engine()
    index = phantom.slice_with_most("liver")
    x0, y0, x1, y1 = box_of_mask(phantom.organs[index] == ORGAN_LABELS["liver"]).xyxy
    request = ExplainRequest.of_slice(phantom.volume, "axial", index, model=ModelChoice(model))
    engine.explain(request, [(x0, y0, x1, y1)])
    found = []
    for n in range(rounds + 1):
        next_box, (result,) = seconds_of(engine.explain, request, [(x0 - n % 5, y0, x1, y1)])
        image, frame = result.prepared.image, result.encoding.frame
        tolerance, _ = seconds_of(check_tolerance, image, frame, result.segmentation.logits)
        whole, _ = seconds_of(engine.check_contour, request, result)
        found.append((next_box, tolerance, whole))
    return found[1:]  # the first one warms up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    lines = []
    for model in MODELS:
        rows = rounds_of(model, rounds)
        one, tolerance, whole = (median(row[n] for row in rows) for n in range(3))
        of_tolerance, of_whole = (median(row[n] / row[0] for row in rows) for n in (1, 2))
        lines.append(
            f"| {model} | {1000 * one:.0f} ms | {1000 * tolerance:.1f} ms | {of_tolerance:.2f} | {1000 * whole:.0f} ms | {of_whole:.2f} |"
        )
    text = f"""# What the contour check costs

The liver of the phantom, {torch.get_num_threads()} threads, PyTorch {torch.__version__}; medians of {rounds} rounds, ratios paired within a
round. The tolerance comes with every result, so the next box has it already. Made by `python Testing/benchmarks/contour_cost.py`.

| model | next box, with its maps | tolerance alone | of the next box | with eight moved boxes | of the next box |
| --- | ---: | ---: | ---: | ---: | ---: |
{chr(10).join(lines)}

The aim was 0.2 of the next box for the tolerance, and 1 for the whole check. What each of the eight boxes has for itself is
computed only near the boxes; [what was tried](../docs/contour_check.md), and what it costs in accuracy.
"""
    (ROOT / "Resources" / "benchmarks" / "contour_check.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
