"""One backend on one model in its own process, so that memory and allocator are measured for it alone.

    python Testing/benchmarks/measure.py CHECKPOINT FOLDER WAY

reads steps, one a line (`subjects.STEPS`, 'load' first), and answers each with a line of JSON: its seconds, the most memory
that the process ever held, and whatever else the step found. `MeasuredProcess` is the other end.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "MedXAI")]

import subjects
import torch
from machine import peak_mb, seconds_of


class MeasuredProcess:
    """A process that does one way's steps whenever it is asked to.

    note: why the way is not to be had here; empty where it is. steps: what it can be asked for. loading: what loading the
    model took. folder: for compiled models and the embedding.
    """

    def __init__(self, checkpoint: Path, folder: Path, way: str):
        command = [sys.executable, __file__, str(checkpoint), str(folder), way]
        self._embedding = folder / f"{way}.pt"
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loading = self.do("load")
        self.note = str(self.loading["note"])
        self.steps = tuple(self.loading["steps"])

    def do(self, step: str) -> dict:
        """'seconds' and 'peak_mb' of a step. Raises RuntimeError where the process has ended."""
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The measuring process ended at the step '{step}'; its own message stands above.")
        return json.loads(answer)

    def embedding(self) -> torch.Tensor:
        """What the last encoding gave."""
        self.do(f"save {self._embedding}")
        return torch.load(self._embedding)

    def close(self) -> None:
        """Ends the process; closing again does nothing."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def answer_steps(checkpoint: Path, folder: Path, way: str) -> None:
    subject = None
    for line in sys.stdin:
        step, *rest = line.split(maxsplit=1)
        found: dict[str, object] = {}
        if step == "load":
            started = subjects.start(way, checkpoint, folder)
            subject = started.subject
            found = {"seconds": started.load_seconds, "note": started.note, "steps": getattr(subject, "steps", ())}
        elif step == "save":
            torch.save(subject.embedding, rest[0].strip())
        else:
            found["seconds"] = seconds_of(getattr(subject, step))
            found["cache_mb"] = subject.cache_mb
        print(json.dumps({**found, "peak_mb": peak_mb()}), flush=True)


if __name__ == "__main__":
    answer_steps(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
