"""`medxai demo` with a checkpoint file, from reading the volume to the report and the scene: seconds and peak memory.

    python Testing/benchmarks/whole_command.py CHECKPOINT

prints them as JSON. What `medxai explain` does with a file of its own is the same from the volume on.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "MedXAI")]

from machine import peak_mb, seconds_of


def measured(checkpoint: Path) -> dict[str, float]:
    """'seconds' and 'peak_mb' of the whole command in a process of its own."""
    return json.loads(
        subprocess.run(
            [sys.executable, __file__, str(checkpoint)], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    )


def run_here(checkpoint: Path) -> None:
    from medxai.cli.main import main

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        status = []
        seconds = seconds_of(
            lambda: status.append(main(["demo", "--model", str(checkpoint), "--output", str(Path(folder) / "result")]))
        )
    if status != [0]:
        sys.exit("The command failed; its own message stands above.")
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    run_here(Path(sys.argv[1]))
