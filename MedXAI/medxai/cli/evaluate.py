"""`medxai evaluate`: all metrics of all cases of a data set. MedXAI's lab does it; it is found by its entry point."""

import argparse
from importlib.metadata import entry_points

from ..errors import InputError

#: The group of entry points that commands outside of this package are found in.
COMMANDS = "medxai.commands"

#: By name, for the parser: the lab itself may be missing.
LAYOUT_NAMES = ("flare22", "chaos-ct", "chaos-mr", "nifti-pairs")

#: 'medxai' alone has no learned gain; the baselines and the paper's comparison go with it.
DEFAULT_EXPLAINERS = ("medxai", "baselines", "grad-cam")

_INSTALL = "install it with: pip install 'medxai[lab]'"


def run(arguments: argparse.Namespace) -> None:
    """Hands the options to the lab.

    Args:
        arguments: as `main` parses them.

    Raises:
        InputError: Where the lab, or a package that it needs, is not installed; and what the lab itself raises.
    """
    entry = next(iter(entry_points(group=COMMANDS, name="evaluate")), None)
    if entry is None:
        raise InputError(f"'medxai evaluate' needs MedXAI's lab, which is not installed here; {_INSTALL}")
    try:
        command = entry.load()
    except ImportError as error:
        raise InputError(
            f"'medxai evaluate' needs MedXAI's lab, and {error.name or error} is missing; {_INSTALL}"
        ) from error
    command(arguments)
