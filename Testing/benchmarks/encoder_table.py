"""Time and peak memory of load, encode, first and next box per model and backend, as a table in the documentation.

    python Testing/benchmarks/encoder_table.py [--models vit-b demo …] [--rounds 3]

writes Resources/benchmarks/encoder.md. Every way has a process of its own, so that its memory is its own; the processes
wait for each other and take turns, so that another program's load hits all. The best round counts, since load only ever
adds. The same measurements one by one: `pytest -n 0 Testing/benchmarks`.
"""

import argparse
import os
import platform
import sys
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "MedXAI")]

import subjects
import torch
import whole_command
from machine import gigaflops, processor
from measure import MeasuredProcess

OUTPUT = ROOT / "Resources" / "benchmarks" / "encoder.md"
#: Next boxes a round: one takes milliseconds, so the best of a few is needed.
_NEXT_BOXES = 10


@dataclass
class Measured:
    """One way on one model: seconds of every round by step, and the most memory held up to the step's end."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    cache_mb: float = 0.0
    error: float = 0.0

    def add(self, step: str, answer: dict) -> None:
        self.seconds.setdefault(step, []).append(answer["seconds"])
        self.peak_mb.setdefault(step, answer["peak_mb"])  # the first time: later ones follow other steps
        self.cache_mb = answer.get("cache_mb", self.cache_mb)

    def best(self, step: str) -> float:
        return min(self.seconds[step])


@dataclass(frozen=True)
class ModelMeasured:
    """ways: what could be measured. notes: the ways that could not, with their reason. gigaflops: between the rounds.

    command: seconds and peak memory of the whole `medxai demo`, the exact way; empty where it was not asked for.
    """

    ways: dict[str, Measured]
    notes: list[str]
    gigaflops: list[float]
    command: dict[str, float]


def measure_model(name: str, rounds: int, with_command: bool) -> ModelMeasured:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_processes:
        checkpoint = subjects.checkpoint_of(name, Path(folder))
        processes, notes = {}, []
        for way, title in subjects.WAYS.items():
            process = open_processes.enter_context(closing(MeasuredProcess(checkpoint, Path(folder), way)))
            if process.note:
                notes.append(f"{subjects.MODELS[name][0]}, {title}: {process.note}")
            else:
                processes[way] = process
        measured = {way: Measured() for way in processes}
        for way, process in processes.items():
            measured[way].add("load", process.loading)
            measured[way].peak_mb["encode"] = process.do("encode")["peak_mb"]  # warms up too
        speeds = [gigaflops()]
        for _ in range(rounds):
            for step, times in (("encode", 1), ("first", 1), ("next", _NEXT_BOXES), ("together", 1)):
                for _ in range(times):
                    for way, process in processes.items():
                        if step in process.steps:
                            measured[way].add(step, process.do(step))
            speeds.append(gigaflops())
        plain = processes[subjects.PLAIN].embedding()
        for way, process in processes.items():
            measured[way].error = float((process.embedding() - plain).norm() / plain.norm())
            process.close()
        command = whole_command.measured(checkpoint) if with_command else {}
        return ModelMeasured(measured, notes, speeds, command)


def encode_row(title: str, way: str, found: Measured, plain: Measured) -> str:
    seconds, peak = found.best("encode"), found.peak_mb["encode"]
    return (
        f"| {title} | {subjects.WAYS[way]} | {seconds:.2f} | {plain.best('encode') / seconds:.2f} × "
        f"| {peak:,.0f} | {peak / plain.peak_mb['encode']:.2f} | {found.error:.0e} |"
    )


def box_row(title: str, way: str, found: Measured) -> str:
    following, together = found.best("next"), found.best("together")
    return (
        f"| {title} | {subjects.WAYS[way]} | {found.best('load'):.2f} | {found.best('first'):.2f} | {following * 1000:.0f} "
        f"| {together:.2f} | {together / following:.1f} × | {found.peak_mb['first']:,.0f} | {found.peak_mb['together']:,.0f} "
        f"| {found.cache_mb:.1f} |"
    )


def table(models: list[str], rounds: int, with_command: bool) -> str:
    encode, boxes, commands, notes, speeds = [], [], [], [], []
    load = [os.getloadavg()[0]]
    for name in models:
        found, title = measure_model(name, rounds, with_command), subjects.MODELS[name][0]
        encode += [encode_row(title, way, measured, found.ways[subjects.PLAIN]) for way, measured in found.ways.items()]
        boxes += [box_row(title, way, measured) for way, measured in found.ways.items() if "next" in measured.seconds]
        if found.command:
            commands.append(f"| {title} | {found.command['seconds']:.1f} | {found.command['peak_mb']:,.0f} |")
        notes += found.notes
        speeds += found.gigaflops
        load.append(os.getloadavg()[0])
    return TEXT.format(
        date=date.today().isoformat(),
        processor=processor(),
        torch=torch.__version__,
        python=platform.python_version(),
        slowest=min(speeds),
        fastest=max(speeds),
        rounds=rounds,
        load=", ".join(f"{one:.1f}" for one in load),
        encode="\n".join(encode),
        boxes="\n".join(boxes),
        commands="\n".join(commands) or "| not measured | | |",
        count=subjects.BOXES,
        notes="\n".join(f"- {note}" for note in notes) or "- none",
    )


TEXT = """# What encoding and explaining cost

Made by `python Testing/benchmarks/encoder_table.py` on {date}; run it to have your own machine's numbers.

Machine: {processor}; torch {torch}, Python {python}. Its own matrix product (float32, 4096 × 768 by 768 × 3072), which
no way can beat, ran at {slowest:.0f} to {fastest:.0f} GFLOP/s between the rounds: where these two differ much, another
program took part of the machine. {rounds} rounds, each way in a process of its own, in turn; the best round counts.
Load average of the machine before the first model and after each: {load} (the measured way alone makes 2 of it). LiteMedSAM and the demo model have their own weights, ViT
random ones; the slice is the built-in phantom's.
What random weights segment is noise in hundreds of pieces, whose outline takes long to trace: that is most of ViT's next box, and
not what a trained model's box costs.

## Encoding one slice

The model's own code is the encoder's forward without layers; the other ways give the default layers too. Peak memory
is that of a whole process that loads the model and encodes one slice. Error: of the embedding, relative to the first row.

| model | way | seconds | faster | peak MB | share of memory | error |
| --- | --- | --- | --- | --- | --- | --- |
{encode}

Not measured here:

{notes}

## Explaining boxes on one slice

The model's own code gives masks only; the backends give masks, all maps and their metrics. First box: with encoding. Next
box: on the same slice. Peak memory is that of the whole process up to then.

| model | way | load s | first box s | next box ms | {count} boxes together s | of one next box | peak MB, one box | peak MB, {count} boxes | slice in cache MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{boxes}

## The whole command

`medxai demo --model FILE`, exact encoder: loading, reading, encoding, explaining, report, pictures and scene, one process.

| model | seconds | peak MB |
| --- | --- | --- |
{commands}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=list(subjects.MODELS), default=["vit-b", "litemedsam", "demo"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument(
        "--no-command", action="store_true", help="leave out the whole command, which needs all packages"
    )
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(table(arguments.models, arguments.rounds, not arguments.no_command), encoding="utf-8")
    print(arguments.output)


if __name__ == "__main__":
    main()
