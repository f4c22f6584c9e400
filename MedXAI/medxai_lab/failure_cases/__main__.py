"""Runs the failure cases on the demo model and writes a picture of each and the page of tables."""

import argparse
import sys
from pathlib import Path

from medxai.errors import MedXAIError
from medxai.models.loading import load_model
from medxai.report.folder import whole_or_nothing

from .all_cases import CASES, verdict_of
from .page import picture_name, tables, write_picture


def main() -> int:
    """Runs the command.

    Returns:
        The exit status: 0 where everything came out as expected or recorded, 2 where not, 1 where it could not be done.
    """
    parser = argparse.ArgumentParser(prog="python -m medxai_lab.failure_cases", description=__doc__)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("failure_cases"),
        help="folder of the pictures and cases.md (default: %(default)s)",
    )
    arguments = parser.parse_args()
    try:
        return _write(arguments.out)
    except MedXAIError as error:
        print(error, file=sys.stderr)
        return 1


def _write(folder: Path) -> int:
    """0 where everything came out as expected or as recorded, else 2."""
    model, verdicts = load_model("demo"), []
    with whole_or_nothing(folder) as scratch:
        for case in CASES:
            verdict, run = verdict_of(case, model)
            write_picture(case.expectation, run, scratch / picture_name(verdict.case))
            verdicts.append(verdict)
            print(f"{verdict.case}: {verdict.sentence}", flush=True)
        (scratch / "cases.md").write_text(tables(verdicts), encoding="utf-8")
    unknown = [verdict.case for verdict in verdicts if not verdict.as_known]
    if unknown:
        print(f"Neither expected nor recorded: {', '.join(unknown)}.", file=sys.stderr)
    return 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
