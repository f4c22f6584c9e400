"""Makes the tables of the mask check.

python -m medxai_lab.mask_check OUTPUT --models litemedsam demo [--scans DATA --labels LABELS.json] [--scenes 400]

writes medxai/mask_check_tables/SHA256.json for each model, and OUTPUT/MODEL.csv (a row a box) with OUTPUT/MODEL.md (how well
the check does). The scans have no part in the tables: they are only tried on. --from-rows takes OUTPUT/MODEL.csv as it is.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from medxai.engine import Engine
from medxai.mask_check import TABLES_FOLDER
from medxai.request import ModelChoice

from ..datasets.nifti_pairs import nifti_pairs
from ..datasets.organ_labels import NO_LABELS, read_labels
from .boxes import made_up, of_scans
from .fitting import table_from
from .measuring import Measured, measured, read_rows, write_rows
from .summary import summary


def main() -> None:
    """The command; `--help` says what it takes."""
    parser = argparse.ArgumentParser(prog="python -m medxai_lab.mask_check", description=__doc__)
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("--models", nargs="+", default=["litemedsam", "demo"], metavar="NAME")
    parser.add_argument("--backend", default="exact", help="how the image encoder is computed (default: exact)")
    parser.add_argument("--scenes", type=int, default=400, help="made-up scenes (default: 400)")
    parser.add_argument("--scans", type=Path, help="NAME.nii.gz with NAME_organs.nii.gz, to try the tables on")
    parser.add_argument("--labels", type=Path, help="what the scans' labels mean, as `medxai evaluate` takes it")
    parser.add_argument("--from-rows", action="store_true", help="take OUTPUT/MODEL.csv instead of asking the models")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    engine = Engine()
    for name in arguments.models:
        choice = ModelChoice(name, "cpu", arguments.backend)
        path = arguments.output / f"{name}.csv"
        if not arguments.from_rows:
            write_rows(path, _rows(arguments, choice, engine))
        rows = read_rows(path)
        model = engine.load(choice)
        table = table_from(model.title, model.convention.preparation, rows)
        _write(TABLES_FOLDER / f"{model.checksum_sha256}.json", json.dumps(asdict(table), indent=2) + "\n")
        _write(arguments.output / f"{name}.md", summary(table, rows))


def _rows(arguments: argparse.Namespace, choice: ModelChoice, engine: Engine) -> list[Measured]:
    """Of the scans first, if there are any: they are quick to fail."""
    labels = read_labels(arguments.labels) if arguments.labels else NO_LABELS
    scans = of_scans(nifti_pairs(arguments.scans, labels)) if arguments.scans else ()
    return [*measured(scans, choice, engine), *measured(made_up(range(arguments.scenes)), choice, engine)]


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


if __name__ == "__main__":
    main()
