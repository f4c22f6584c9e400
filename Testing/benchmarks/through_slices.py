"""3-D Dice of organs followed through the slices from one box, where the way ended, and what it costs beside encoding.

    .venv/bin/python Testing/benchmarks/through_slices.py [--model litemedsam] [--time]

The box is the reference's own, on the slice where the organ is largest. One row an organ; --time adds, on the CT's liver,
the time of the whole way over the time of the encoder alone, both in this run.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "MedXAI"), str(Path(__file__).resolve().parents[1])]

from medxai.engine import Engine
from medxai.metrics.box_dice import dice
from medxai.request import ExplainRequest, ModelChoice
from medxai.slice.box import box_of_mask
from medxai.through_slices.request import VolumeRequest
from medxai.volume.phantom import ORGAN_LABELS, make_phantom
from medxai.volume.volume import Volume
from support.scans import RealScan

_CT = {"liver": 5, "spleen": 1, "right kidney": 2, "left kidney": 3, "aorta": 52, "stomach": 6, "gallbladder": 4}
_MR = {"liver": 5, "spleen": 1, "right kidney": 2, "left kidney": 3, "aorta": 23, "stomach": 6, "gallbladder": 4}


def follow(engine: Engine, model: str, scan: tuple[str, Volume], name: str, organ: np.ndarray) -> None:
    """Prints an organ's row."""
    title, volume = scan
    start = int(organ.sum(axis=(1, 2)).argmax())
    on_slice = ExplainRequest.of_slice(volume, "axial", start, model=ModelChoice(model))
    result = engine.explain_volume(VolumeRequest(on_slice, box_of_mask(organ[start])))
    there = np.flatnonzero(organ.any(axis=(1, 2)))
    kept = result.accepted
    stops = ", ".join(str(stop.index) for stop in result.alarms) or "none"
    print(
        f"| {title} | {name} | {dice(result.mask, organ):.3f} | {there[0]} to {there[-1]} | "
        f"{kept[0].index} to {kept[-1].index} | {stops} |",
        flush=True,
    )


def print_cost(model: str, scan: RealScan) -> None:
    """Prints how much longer the whole way takes than the encoder's passes, measured slice by slice in one run."""
    liver = scan.organs == scan.labels["liver"]
    start = int(liver.sum(axis=(1, 2)).argmax())
    engine, encoding_s = Engine(), []
    on_slice = ExplainRequest.of_slice(scan.volume, "axial", start, model=ModelChoice(model))
    engine.load(ModelChoice(model))
    ask = engine.case

    def listening(*arguments, **options):
        case = ask(*arguments, **options)
        encoding_s.append(case.result.encoding.seconds)
        return case

    engine.case = listening
    begin = time.perf_counter()
    result = engine.explain_volume(VolumeRequest(on_slice, box_of_mask(liver[start])))
    seconds = time.perf_counter() - begin
    held = engine.held_bytes / (1 << 20)
    print(
        f"\n{len(result.slices)} slices in {seconds:.1f} s, {sum(encoding_s):.1f} s of them in the encoder: "
        f"{seconds / sum(encoding_s):.3f} times the encoding; {held:.0f} MiB of encodings held."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="litemedsam")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--phantom", action="store_true", help="the built-in phantom, too")
    arguments = parser.parse_args()
    scans = [RealScan("ct_abdomen", _CT), RealScan("mr_abdomen", _MR)]
    if arguments.time:
        print_cost(arguments.model, scans[0])
        return
    print("| scan | organ | 3-D Dice | organ's slices | mask's slices | alarms on slices |")
    print("| --- | --- | ---: | --- | --- | --- |")
    for title, scan in zip(("CT", "MR"), scans, strict=True):
        engine = Engine(budget_bytes=1 << 30)
        for name, label in scan.labels.items():
            follow(engine, arguments.model, (title, scan.volume), name, scan.organs == label)
    if arguments.phantom:
        phantom, engine = make_phantom(), Engine(budget_bytes=1 << 30)
        for name, label in ORGAN_LABELS.items():
            follow(engine, arguments.model, ("phantom", phantom.volume), name, phantom.organs == label)


if __name__ == "__main__":
    main()
