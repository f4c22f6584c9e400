"""The files that an earlier run left in a folder for organs of its own, which a new run replaces as a whole."""

from __future__ import annotations

import csv
from pathlib import Path

from ..limits import LIMITS_STATEMENT
from ..organs_on_slice import file_part_of_name

ORGANS_TABLE = "organs.csv"
#: What stands before an organ's name in the names of its files; maps have their own names after 'saliency_'.
_BEFORE = frozenset({"contour", "contour_tolerance", "explanation", "panels", "slices", "through_slices"})
_MAP = "saliency_"
#: A spreadsheet that a user made of such a table, for example, is the user's.
_ENDINGS = frozenset({".csv", ".json", ".nrrd", ".png"})


def files_of_earlier_organs(folder: Path) -> list[Path]:
    """The table of organs of an earlier run, and the files of those organs; nothing where there is no such table.

    Only what the table names is looked for, so that other files of the user's are never taken for them.

    Args:
        folder: Of the results.
    """
    table = folder / ORGANS_TABLE
    try:
        first, *lines = table.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    if first != f"# {LIMITS_STATEMENT}":
        return []
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    endings = [f"_{file_part_of_name(row['organ'])}" for row in rows if row.get("organ")]
    found = [
        path
        for path in folder.iterdir()
        if path.suffix in _ENDINGS and path.is_file() and any(_is_of(path.stem, ending) for ending in endings)
    ]
    return [table, *found]


def _is_of(stem: str, ending: str) -> bool:
    before = stem.removesuffix(ending)
    return before != stem and (before in _BEFORE or before.startswith(_MAP))
