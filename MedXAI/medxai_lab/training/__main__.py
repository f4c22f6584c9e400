"""Trains the demo model: makes the scenes, trains, validates, writes the weights. Goes on where it stopped."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from .checkpoint import CHECKPOINT, export_weights
from .configuration import DEFAULT_FILE, read_configuration
from .loop import train


def main() -> None:
    """Runs the command: makes scenes, trains, and writes the weights."""
    parser = argparse.ArgumentParser(prog="python -m medxai_lab.training", description=__doc__)
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help="TOML (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("demo_model_training"),
        help="folder for checkpoint, log, curve and weights (default: %(default)s)",
    )
    parser.add_argument("--scenes", type=Path, help="folder for the made scenes (default: OUT/scenes)")
    parser.add_argument("--every", type=int, default=500, help="steps between validations")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads")
    parser.add_argument("--export-only", action="store_true", help="only write the weights")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    checkpoint = arguments.out / CHECKPOINT
    if not arguments.export_only:
        checkpoint = train(
            read_configuration(arguments.config),
            arguments.out,
            arguments.scenes or arguments.out / "scenes",
            lambda line: print(line, flush=True),
            arguments.every,
            arguments.threads,
        )
    weights = arguments.out / "medxai_demo.safetensors"
    size = export_weights(checkpoint, weights)
    print(f"{weights}: {size / 2**20:.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
