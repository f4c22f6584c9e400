"""Names in the order of the numbers in them: 2 before 10."""

import re
from pathlib import Path


def natural_key(path: Path) -> tuple:
    """For `sorted`: text and numbers of a file's name in turn."""
    parts = re.split(r"(\d+)", path.name)
    return tuple(int(part) if n % 2 else part for n, part in enumerate(parts))
