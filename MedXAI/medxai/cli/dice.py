"""`medxai dice`: box-prompted Dice per organ on a volume with a reference mask."""

import argparse

from ..errors import InputError
from ..limits import LIMITS_STATEMENT
from ..metrics.box_dice import table
from ..metrics.volume_dice import volume_dice
from ..model_input.grey import Window
from ..models.device import choose_device
from ..models.loading import load_model
from ..volume.reading import read_volume


def run(arguments: argparse.Namespace) -> None:
    """Prints the table: the model's Dice beside what the filled box and the filled ellipse alone reach."""
    organs = dict(_organ(text) for text in arguments.organ)
    volume, reference = read_volume(arguments.volume, arguments.modality), read_volume(arguments.reference, "picture")
    model = load_model(arguments.model, device=choose_device(arguments.device).device)
    window = Window(*arguments.window) if arguments.window else None
    rows = volume_dice(
        model, volume, reference, organs, arguments.plane, window, arguments.smallest, arguments.jitter, arguments.seed
    )
    print(
        f"{model.title} on {volume.name}, {arguments.plane} slices with more than {arguments.smallest} voxels of the organ,"
    )
    print(f"boxes from the reference mask with up to {arguments.jitter:.0%} jitter, mean Dice:\n")
    print(table(rows))
    print(f"\nBoxes drawn around a reference are better than a reader's. {LIMITS_STATEMENT}")


def _organ(text: str) -> tuple[int, str]:
    label, _, name = text.partition("=")
    try:
        return int(label), name or label
    except ValueError as error:
        raise InputError(f"'{text}' names no organ; give LABEL=NAME, for example 5=liver.") from error
