"""Time and peak memory of load, encode, first and next box per model and way, as a table in the documentation.

    python Testing/benchmarks/encoder_table.py [--models vit-b demo …] [--rounds 3]

writes Resources/benchmarks/encoder.md. Every way is timed in turn with plain segment-anything in one process, so that
another program's load hits both; the best round counts, since load only ever adds.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "MedXAI")]

import subjects  # noqa: E402 (needs the path above)
import torch  # noqa: E402

OUTPUT = ROOT / "Resources" / "benchmarks" / "encoder.md"


def measured(*arguments: object) -> dict:
    """The JSON of one measurement, made in a process of its own."""
    command = [sys.executable, str(HERE / "measure.py"), *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def encode_rows(name: str, checkpoint: Path, cache: Path, rounds: int) -> tuple[list[str], list[str], dict]:
    """Table rows of one model's ways to encode, the notes of the ways that it has not, and the raw times."""
    found = measured("times", checkpoint, cache, rounds)
    seconds = found["seconds"]
    plain_memory = None
    rows = []
    for way, taken in seconds.items():
        memory = measured("memory", checkpoint, cache, way)
        plain_memory = plain_memory or memory["peak_mb"]
        ratio = min(seconds[subjects.PLAIN]) / min(taken)
        rows.append(
            f"| {subjects.MODELS[name][0]} | {subjects.WAYS[way]} | {min(taken):.2f} | {ratio:.2f} × "
            f"| {memory['peak_mb']:,.0f} | {memory['peak_mb'] / plain_memory:.2f} | {found['errors'][way]:.0e} |"
        )
    return rows, [f"{subjects.MODELS[name][0]}, {subjects.WAYS[way]}: {note}" for way, note in found["notes"].items()], found


def box_row(name: str, checkpoint: Path, rounds: int) -> str:
    found = measured("boxes", checkpoint, rounds)
    following, together = min(found["next"]), min(found["together"])
    return (
        f"| {subjects.MODELS[name][0]} | {found['load']:.2f} | {min(found['first']):.2f} | {following * 1000:.0f} "
        f"| {together:.2f} | {together / following:.1f} × | {found['one_box_mb']:,.0f} | {found['peak_mb']:,.0f} | {found['cache_mb']:.1f} |"
    )


def processor() -> str:
    """The processor's name, cores and the instructions that decide which ways pay."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    present = [name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if capabilities.get(name)]
    name = capabilities.get("cpu_name") or platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads, instructions: {', '.join(present) or platform.machine()}"


def table(models: list[str], rounds: int) -> str:
    encode, boxes, notes, speeds = [], [], [], []
    for name in models:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = Path(folder) / "random.pth"
            subjects.save_random(name, checkpoint)
            rows, missing, found = encode_rows(name, checkpoint, Path(folder) / "compiled", rounds)
            encode += rows
            notes += missing
            speeds += found["gigaflops"]
            boxes.append(box_row(name, checkpoint, rounds))
    return TEXT.format(
        date=date.today().isoformat(),
        processor=processor(),
        torch=torch.__version__,
        python=platform.python_version(),
        slowest=min(speeds),
        fastest=max(speeds),
        rounds=rounds,
        encode="\n".join(encode),
        boxes="\n".join(boxes),
        count=subjects.BOXES,
        notes="\n".join(f"- {note}" for note in notes) or "- none",
    )


TEXT = """# What encoding and explaining cost

Made by `python Testing/benchmarks/encoder_table.py` on {date}; run it to have your own machine's numbers.

Machine: {processor}; torch {torch}, Python {python}. Its own matrix product (float32, 4096 × 768 by 768 × 3072), which
no way can beat, ran at {slowest:.0f} to {fastest:.0f} GFLOP/s between the rounds: where these two differ much, another
program took part of the machine. {rounds} rounds, all ways in turn in one process; the best round counts. Weights are
random; images too.

## Encoding one slice

`segment-anything` is the encoder's own forward without layers; the other ways give the default layers too. Peak memory
is that of a whole process that loads the model and encodes one slice. Error: of the embedding, relative to the first row.

| model | way | seconds | faster | peak MB | share of memory | error |
| --- | --- | --- | --- | --- | --- | --- |
{encode}

Not measured here:

{notes}

## Explaining boxes on one slice

With the exact encoder: segmentation, all maps and figures. First box: with encoding. Next box: on the same slice.

| model | load s | first box s | next box ms | {count} boxes together s | of one next box | peak MB, one box | peak MB, {count} boxes | slice in cache MB |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{boxes}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=list(subjects.MODELS), default=["vit-b", "litemedsam", "demo"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(table(arguments.models, arguments.rounds), encoding="utf-8")
    print(arguments.output)


if __name__ == "__main__":
    main()
