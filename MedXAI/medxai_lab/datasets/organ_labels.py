"""What the labels of a data set mean, where its layout does not fix it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from medxai.errors import InputError

_EXAMPLE = 'for example {"5": "liver"}, or {"ct_*": {"5": "liver"}, "mr_*": {"4": "liver"}} where volumes differ'


@dataclass(frozen=True)
class OrganLabels:
    """What labels mean, volume by volume.

    Attributes:
        by_pattern: a pattern for volumes' names ('*' for all), and what their labels mean; the first that fits counts.
    """

    by_pattern: tuple[tuple[str, Mapping[int, str]], ...] = field(default=(), hash=False)

    def of(self, name: str) -> Mapping[int, str]:
        """What the labels of a volume mean, by its name.

        Raises:
            InputError: Where no pattern fits the volume.
        """
        for pattern, organs in self.by_pattern:
            if fnmatchcase(name, pattern):
                return organs
        raise InputError(
            f"Nothing says what the labels of '{name}' mean; give --organ LABEL=NAME, or a labels.json with them, {_EXAMPLE}."
        )


NO_LABELS = OrganLabels()


def parse_organs(texts: list[str]) -> OrganLabels:
    """Reads texts LABEL=NAME, which hold for all volumes.

    Raises:
        InputError: Where a text is something else.
    """
    organs = {}
    for text in texts:
        label, equals, name = text.partition("=")
        if not equals or not name or not label.isdecimal() or int(label) == 0:
            raise InputError(f"'{text}' names no organ; give LABEL=NAME, for example 5=liver.")
        organs[int(label)] = name
    return OrganLabels((("*", organs),)) if organs else NO_LABELS


def read_labels(path: Path) -> OrganLabels:
    """Reads a JSON file: label to name; or patterns to those; or nnU-Net's dataset.json, in its old and its new form.

    Raises:
        InputError: Where it is none of these.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read as JSON; give {_EXAMPLE}.") from error
    if isinstance(content, dict) and isinstance(content.get("labels"), dict):
        content = content["labels"]
    if not isinstance(content, dict) or not content:
        raise InputError(f"'{path}' says nothing about labels; give {_EXAMPLE}.")
    if all(isinstance(value, dict) for value in content.values()):
        return OrganLabels(tuple((pattern, _organs(value, path)) for pattern, value in content.items()))
    return OrganLabels((("*", _organs(content, path)),))


def _organs(content: Mapping[str, object], path: Path) -> Mapping[int, str]:
    """Reads label → name or name → label; the background, 0, is left out."""
    try:
        pairs = [
            (int(key), str(value)) if str(key).isdecimal() else (int(value), str(key)) for key, value in content.items()
        ]
    except (TypeError, ValueError) as error:
        raise InputError(f"'{path}' does not say labels as whole numbers; give {_EXAMPLE}.") from error
    return {label: name for label, name in pairs if label != 0}
