"""Time and peak memory of load, encode, first and next box per model and way, as a table in the documentation.

    python Testing/benchmarks/encoder_table.py [--models vit-b demo …] [--rounds 3]

writes Resources/benchmarks/encoder.md. Every way has a process of its own, so that its memory is its own; the processes
wait for each other and encode in turn, so that another program's load hits all. The best round counts, since load only
ever adds.
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
from MedXAILib.encoding.matrix_product import seconds_of  # noqa: E402

OUTPUT = ROOT / "Resources" / "benchmarks" / "encoder.md"


class Encoder:
    """A process that has loaded a model and encodes it one way, whenever it is asked to."""

    def __init__(self, checkpoint: Path, cache: Path, way: str):
        self._embedding = checkpoint.with_name(f"{way}.pt")
        command = [sys.executable, str(HERE / "measure.py"), "encoder", str(checkpoint), str(cache), way, str(self._embedding)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer = json.loads(self._process.stdout.readline())

    def seconds(self) -> float:
        self._process.stdin.write("encode\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def embedding(self) -> torch.Tensor:
        return torch.load(self._embedding)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def gigaflops() -> float:
    """This machine's own matrix product, float32, 4096 × 768 by 768 × 3072: no way can be faster."""
    x, weight, out = torch.rand(4096, 768), torch.rand(768, 3072), torch.empty(4096, 3072)
    best = min(seconds_of(lambda: torch.mm(x, weight, out=out)) for _ in range(5))
    return 2 * 4096 * 768 * 3072 / best / 1e9


def encode_rows(name: str, checkpoint: Path, cache: Path, rounds: int) -> tuple[list[str], list[str], list[float]]:
    """Table rows of one model's ways to encode, the notes of the ways that it has not, and the machine's speeds."""
    title = subjects.MODELS[name][0]
    encoders, notes = {}, []
    for way in subjects.WAYS:
        encoder = Encoder(checkpoint, cache, way)
        if "note" in encoder.answer:
            notes.append(f"{title}, {subjects.WAYS[way]}: {encoder.answer['note']}")
        else:
            encoders[way] = encoder
    taken: dict[str, list[float]] = {way: [] for way in encoders}
    speeds = [gigaflops()]
    for _ in range(rounds):
        for way, encoder in encoders.items():
            taken[way].append(encoder.seconds())
        speeds.append(gigaflops())
    plain, plain_mb = encoders[subjects.PLAIN].embedding(), encoders[subjects.PLAIN].answer["peak_mb"]
    rows = []
    for way, encoder in encoders.items():
        peak = encoder.answer["peak_mb"]
        ratio = min(taken[subjects.PLAIN]) / min(taken[way])
        error = float((encoder.embedding() - plain).norm() / plain.norm())
        rows.append(f"| {title} | {subjects.WAYS[way]} | {min(taken[way]):.2f} | {ratio:.2f} × | {peak:,.0f} | {peak / plain_mb:.2f} | {error:.0e} |")
        encoder.close()
    return rows, notes, speeds


def box_row(name: str, checkpoint: Path, rounds: int) -> str:
    command = [sys.executable, str(HERE / "measure.py"), "boxes", str(checkpoint), str(rounds)]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
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
            rows, missing, measured = encode_rows(name, checkpoint, Path(folder) / "compiled", rounds)
            encode += rows
            notes += missing
            speeds += measured
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
program took part of the machine. {rounds} rounds, each way in a process of its own, in turn; the best round counts.
Weights are random; images too.

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
