"""`medxai dice`: box-prompted Dice per organ on a volume with a reference mask."""

import argparse
import sys

from ..engine import Engine
from ..errors import InputError
from ..limits import LIMITS_STATEMENT
from ..metrics.box_dice import BoxRules, table
from ..metrics.volume_dice import DiceRequest, volume_dice
from ..model_input.grey import Window
from ..request import ModelChoice
from ..volume.labelled_volume import labelled
from ..volume.reading import read_volume


def run(arguments: argparse.Namespace) -> None:
    """Prints the table: the model's Dice beside what the filled box and the filled ellipse alone reach."""
    organs = dict(_organ(text) for text in arguments.organ)
    volume = read_volume(arguments.volume, arguments.modality, arguments.series, arguments.stack)
    reference = read_volume(arguments.reference, "picture")
    engine, choice = Engine(), ModelChoice(arguments.model, arguments.device, preparation=arguments.preparation)
    rules = BoxRules(arguments.smallest, arguments.jitter, arguments.seed)
    for note in volume.notes:
        print(f"note: {note}", file=sys.stderr)
    window = Window(*arguments.window) if arguments.window else None
    request = DiceRequest(labelled(volume, reference), organs, choice, arguments.plane, window, rules)
    rows = volume_dice(request, engine)
    print(
        f"{engine.load(choice).title} on {volume.name}, {arguments.plane} slices with more than {rules.smallest_px} voxels"
    )
    preparation = engine.load(choice).convention.preparation
    print(
        f"of the organ, {preparation} preparation, boxes from the reference mask with up to {rules.jitter:.0%} jitter, mean Dice:\n"
    )
    print(table(rows))
    print(f"\nBoxes drawn around a reference are better than a reader's. {LIMITS_STATEMENT}")


def _organ(text: str) -> tuple[int, str]:
    label, _, name = text.partition("=")
    try:
        return int(label), name or label
    except ValueError as error:
        raise InputError(f"'{text}' names no organ; give LABEL=NAME, for example 5=liver.") from error
