"""What encoding and explaining cost on a graphics processor, beside the same machine's CPU.

    python Testing/benchmarks/device_table.py [--models vit-b litemedsam demo] [--rounds 5] [--output FILE]

Needs a device that PyTorch can use (CUDA or MPS), and of packages only PyTorch, NumPy, SciPy and scikit-image.
"""

import argparse
import os
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "MedXAI")]

import subjects
import torch
from machine import processor, seconds_of

from medxai.encoding.backends.registry import choose_backend
from medxai.encoding.encoding import encode
from medxai.engine import DEFAULT_BUDGET_BYTES, Engine
from medxai.models.device import choose_device
from medxai.models.store import ModelStore
from medxai.request import ExplainRequest, ModelChoice

OUTPUT = ROOT / "Resources" / "benchmarks" / "devices.md"
#: Next boxes a round: one takes milliseconds.
_NEXT_BOXES = 10
_WAYS = ("exact", "fast")

TEXT = """# On a graphics processor

Made by `python Testing/benchmarks/device_table.py` on {date}; run it to have your own machine's numbers.

Machine: {device}; {processor}, {cores} cores; torch {torch}. {rounds} rounds, all ways in turn; the best round counts. LiteMedSAM and
the demo model have their own weights, ViT random ones; the slice is the built-in phantom's. Encoding: with the default layers' features.
First box: encoding, segmentation, all maps, metrics and contour check, as the engine gives them. Next box: the same on the
same slice. Error: of the embedding, relative to the CPU's exact one. Memory: what PyTorch had taken on the device at most.

| model | device | encoder | encode ms | first box ms | next box ms | {count} boxes together ms | error | device MB |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
{rows}

Not measured:

{notes}
"""


class Subject:
    """One model on one device with one backend."""

    def __init__(self, checkpoint: Path, device: str, way: str, folder: Path):
        self.engine = Engine(ModelStore(folder))
        choice = ModelChoice(checkpoint, device, way)
        self._model = self.engine.load(choice)
        self._backend = choose_backend(way, self._model.sam.image_encoder, self._model.device, folder)
        self.note = self._backend.note
        self.name = self._backend.name
        volume, image, self._boxes = subjects.slice_and_boxes()
        self._request = ExplainRequest(volume, image, choice)
        self._input, _ = subjects.input_and_boxes(self._model)
        self._turn = 0
        self.embedding = torch.empty(0)

    def encode(self) -> None:
        encoding = encode(self._model, self._input, backend=self._backend)
        self.embedding = encoding.embedding.cpu()  # waits for the device

    def first(self) -> None:
        self.engine.set_budget(0)  # drops what is encoded
        self.engine.set_budget(DEFAULT_BUDGET_BYTES)
        self.engine.explain(self._request, self._boxes[:1])

    def next(self) -> None:
        self._turn = self._turn % (subjects.BOXES - 1) + 1
        self.engine.explain(self._request, self._boxes[self._turn : self._turn + 1])

    def together(self) -> None:
        self.engine.explain(self._request, self._boxes)


def rows_of(name: str, device: str, rounds: int, folder: Path) -> tuple[list[str], list[str]]:
    """A model's lines of the table, and what could not be measured."""
    checkpoint, title = subjects.checkpoint_of(name, folder), subjects.MODELS[name][0]
    made, notes = {}, []
    for where in ("cpu", device):
        for way in _WAYS:
            subject = Subject(checkpoint, where, way, folder)
            if subject.note:
                notes.append(f"- {title}, {where}, {way}: {subject.note}")
            else:
                made[where, way] = subject
    steps = [("encode", 1), ("first", 1), ("next", _NEXT_BOXES), ("together", 1)]
    best = {key: dict.fromkeys(dict(steps), float("inf")) for key in made}
    memory: dict[tuple[str, str], float] = {}
    for number in range(rounds + 1):  # the first only warms up
        for key, subject in made.items():
            if key[0] == "cuda":
                torch.cuda.reset_peak_memory_stats()
            for step, times in steps:
                for _ in range(times):
                    seconds = seconds_of(getattr(subject, step))
                    if number:
                        best[key][step] = min(best[key][step], seconds)
            if key[0] == "cuda":
                memory[key] = torch.cuda.max_memory_allocated() / 1e6
    exact = made["cpu", "exact"].embedding
    rows = []
    for key, subject in made.items():
        milliseconds = " | ".join(f"{best[key][step] * 1000:.1f}" for step, _ in steps)
        error = float((subject.embedding - exact).norm() / exact.norm())
        device_mb = f"{memory[key]:.0f}" if key in memory else ""
        rows.append(f"| {title} | {key[0]} | {subject.name} | {milliseconds} | {error:.0e} | {device_mb} |")
    return rows, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="+", choices=list(subjects.MODELS), default=["vit-b", "litemedsam", "demo"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    device = choose_device("auto").device
    if device.type == "cpu":
        sys.exit("There is no graphics processor that PyTorch can use; nothing to measure.")
    rows, notes = [], []
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            more, said = rows_of(name, device.type, arguments.rounds, Path(folder))
            rows += more
            notes += said
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(
        TEXT.format(
            date=date.today().isoformat(),
            device=torch.cuda.get_device_name() if device.type == "cuda" else device.type,
            processor=processor(),
            cores=os.cpu_count(),
            torch=torch.__version__,
            rounds=arguments.rounds,
            count=subjects.BOXES,
            rows="\n".join(rows),
            notes="\n".join(notes) or "- none",
        ),
        encoding="utf-8",
    )
    print(arguments.output)


if __name__ == "__main__":
    main()
