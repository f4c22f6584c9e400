"""`medxai`: explain a slice, run the demonstration, evaluate a data set, manage models."""

import argparse
import importlib
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import __version__
from ..encoding.backends.registry import choices
from ..errors import Cancelled, MedXAIError
from ..limits import LIMITS_STATEMENT
from ..maps import OWN_MAP_KEYS
from ..model_input.grey import WINDOW_PRESETS
from ..volume.phantom import ORGAN_LABELS
from .evaluate import DEFAULT_EXPLAINERS, LAYOUT_NAMES


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status: 0 done, 2 could not be done (the reason on stderr), 130 cancelled."""
    _print_every_letter()
    parsed = _parser().parse_args(arguments)
    try:
        parsed.run(parsed)
    except KeyboardInterrupt:
        print("medxai: cancelled; nothing was changed.", file=sys.stderr)
        return 130
    except Cancelled as error:
        print(f"medxai: {error}", file=sys.stderr)
        return 130
    except MedXAIError as error:
        print(f"medxai: {_one_line(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away (… | head); the files are written by then
        sys.stdout = None
        return 0
    except MemoryError:
        print(
            "medxai: there is not enough memory; close other programs or choose a smaller model (demo, litemedsam).",
            file=sys.stderr,
        )
        return 2
    return 0


def _one_line(error: MedXAIError) -> str:
    """The sentence without the line breaks and control characters that a file's name or header may have put into it."""
    return "".join(letter if letter.isprintable() or "\ud800" <= letter <= "\udfff" else " " for letter in str(error))


def _print_every_letter() -> None:
    """A console that lacks a letter (a Chinese name with code page 1252) shows its number instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _imported_later(module: str, function: str = "run") -> Callable[[argparse.Namespace], None]:
    """What a command runs. Imported when it is run: with PyTorch and matplotlib `medxai --help` would take seconds.

    Args:
        module: In this package.
        function: Of that module; it takes the parsed arguments.
    """

    def run(arguments: argparse.Namespace) -> None:
        getattr(importlib.import_module(f".{module}", __package__), function)(arguments)

    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="medxai", description="Shows why a MedSAM segmentation came out as it did.", epilog=LIMITS_STATEMENT
    )
    parser.add_argument("--version", action="version", version=f"medxai {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_explain(commands)
    _add_demo(commands)
    _add_dice(commands)
    _add_evaluate(commands)
    _add_models(commands)
    return parser


def _add_explain(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "explain", help="segment and explain the organ in a box on one slice", epilog=LIMITS_STATEMENT
    )
    command.add_argument(
        "input",
        type=Path,
        metavar="INPUT",
        help="NIfTI, NRRD, MHA, a picture, a DICOM file, or a folder with DICOM files",
    )
    _add_stacks(command)
    command.add_argument(
        "--slice", type=int, metavar="K", help="voxel index of the slice (not needed for a volume of one slice)"
    )
    command.add_argument(
        "--box",
        type=float,
        nargs=4,
        action="append",
        required=True,
        metavar=("A0", "B0", "A1", "B1"),
        help="first and last voxel of the box, inclusive, along the plane's two axes (axial: i j, coronal: i k, sagittal: j k); "
        "may be repeated for several organs on the slice",
    )
    command.add_argument(
        "--plane", choices=("axial", "coronal", "sagittal"), default="axial", help="constant k, j or i (default: axial)"
    )
    _add_grey_values(command)
    command.add_argument("--window-preset", choices=tuple(WINDOW_PRESETS), help="a usual CT window by name")
    command.add_argument(
        "--enhance-input", action="store_true", help="let the model, too, see the contrast-enhanced slice"
    )
    _add_reference(command)
    command.add_argument(
        "--organ",
        action="append",
        metavar="NAME",
        help="what the box is around (liver, 'right kidney', …): the segment's name, colour and code in DICOM and Slicer files; "
        "with several boxes one for each, in their order",
    )
    command.add_argument(
        "--dicom",
        type=Path,
        metavar="DIR",
        help="also write mask, maps and figures as DICOM objects beside the images (needs a DICOM input and the package highdicom)",
    )
    _add_through_slices(command)
    _add_model_options(command)
    command.set_defaults(run=_imported_later("explain"))


def _add_reference(command: argparse.ArgumentParser) -> None:
    """A mask that the maps are compared with, too."""
    command.add_argument(
        "--reference",
        type=Path,
        metavar="FILE",
        help="labels on the volume's own grid: the report then compares the maps with this mask, too, beside the model's own",
    )
    command.add_argument(
        "--reference-label",
        type=int,
        action="append",
        metavar="N",
        help="the organ's label in it (not needed where the slice has one only); with several boxes one for each, in their order "
        "(not needed where each box holds one label)",
    )


def _add_through_slices(command: argparse.ArgumentParser) -> None:
    """Whether the organ is followed from the slice through the volume, and how far."""
    command.add_argument(
        "--through",
        action="store_true",
        help="follow the organ from the box through the slices, in both directions, as far as it goes; a run that was broken off goes on",
    )
    command.add_argument(
        "--slices",
        type=int,
        nargs=2,
        metavar=("FIRST", "LAST"),
        help="the same, but only through these slices, inclusive",
    )
    command.add_argument(
        "--maps",
        nargs="+",
        choices=sorted(OWN_MAP_KEYS),
        metavar="MAP",
        help=f"with --through or --slices, the maps that are written as volumes: {', '.join(sorted(OWN_MAP_KEYS))} (default: stage3)",
    )


def _add_demo(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "demo", help="explain an organ of the built-in sample, an abdominal phantom", epilog=LIMITS_STATEMENT
    )
    command.add_argument("--organ", choices=tuple(ORGAN_LABELS), default="liver")
    _add_model_options(command, output=Path("medxai-demo"))
    command.set_defaults(run=_imported_later("demonstrate"))


def _add_model_options(command: argparse.ArgumentParser, output: Path | None = None) -> None:
    _add_model(command)
    command.add_argument("--preset", choices=("paper", "contour"), default="paper", help="spatial weighting of stage 3")
    command.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="for example 'block 2' 'block 11' neck (default: blocks with global attention, neck)",
    )
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    command.add_argument(
        "--encoder",
        choices=choices(),
        default="exact",
        help="exact (default); fast: rounded numbers where the processor gains by it; openvino: Intel's runtime where installed",
    )
    command.add_argument(
        "--evidence",
        choices=("quick", "full"),
        default="quick",
        help="for report.html: quick (default): metrics beside the baselines that need no model; full: every baseline, installed method and "
        "check: minutes with a small model",
    )
    command.add_argument(
        "--explainers",
        nargs="+",
        default=(),
        metavar="NAME",
        help="other explainers for report.html beside MedXAI, by name or group (baselines, comparisons, all)",
    )
    command.add_argument(
        "--box-or-image",
        action="store_true",
        help="how much of the mask is due to the image and how much to the box, compared with other slices and other boxes",
    )
    command.add_argument(
        "--output", type=_folder, required=output is None, default=output, metavar="DIR", help="folder for the results"
    )


def _folder(text: str) -> Path:
    """A folder's name; an empty one, as an unset variable of a shell gives it, would be the folder one is in."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a folder, or write '.' for the one you are in")
    return Path(text)


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model",
        metavar="NAME|FILE",
        help="a name from 'medxai models list', or a checkpoint file (default: the best whose weights are on this machine)",
    )
    command.add_argument(
        "--preparation",
        choices=("default", "official"),
        default="default",
        help="official: the model's input and boxes byte for byte as its authors make them; default: what gives the better masks",
    )


def _add_grey_values(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--modality", choices=("CT", "MR", "picture", "other"), help="default: from the file, else by its values"
    )
    command.add_argument(
        "--window",
        type=float,
        nargs=2,
        metavar=("L", "W"),
        help="level and width (default: CT 40 400; MR by percentiles)",
    )


def _add_stacks(command: argparse.ArgumentParser) -> None:
    """Which of the scans in a DICOM folder is meant."""
    command.add_argument(
        "--series",
        metavar="N",
        help="which series of a DICOM folder: its number as listed where there are several, or its UID",
    )
    command.add_argument(
        "--stack",
        type=int,
        metavar="N",
        help="which stack of slices of the series (echo, phase, orientation), as listed where there are several",
    )


def _add_boxes(command: argparse.ArgumentParser) -> None:
    """How boxes are drawn around a reference mask."""
    command.add_argument(
        "--jitter", type=float, default=0.05, help="share of the box by which each side may be off (default: 0.05)"
    )
    command.add_argument("--seed", type=int, default=0)


def _add_outward_jitter(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--jitter-outwards",
        type=float,
        metavar="SHARE",
        help="the same outwards, where readers' boxes are rather too large: 0.08 with --jitter 0.05 (default: as --jitter)",
    )


def _add_dice(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "dice", help="box-prompted Dice per organ on a volume with a reference mask", epilog=LIMITS_STATEMENT
    )
    command.add_argument("volume", type=Path, metavar="VOLUME")
    command.add_argument("reference", type=Path, metavar="REFERENCE", help="labels on the volume's own grid")
    _add_stacks(command)
    command.add_argument(
        "--organ", action="append", required=True, metavar="LABEL=NAME", help="for example 5=liver; may be repeated"
    )
    _add_model(command)
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    _add_grey_values(command)
    command.add_argument("--plane", choices=("axial", "coronal", "sagittal"), default="axial")
    command.add_argument(
        "--smallest", type=int, default=100, metavar="N", help="voxels that a slice must exceed (default: 100)"
    )
    _add_boxes(command)
    command.set_defaults(run=_imported_later("dice"))


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "evaluate",
        help="all metrics of all explainers over a data set with reference masks",
        epilog=LIMITS_STATEMENT,
        description="Boxes are drawn around the reference masks. Broken off, the same command goes on where it was.",
    )
    command.add_argument("dataset", type=Path, metavar="DATASET", help="folder of the data set")
    command.add_argument(
        "--layout",
        choices=LAYOUT_NAMES,
        required=True,
        help="how it was published; nifti-pairs: NAME.nii.gz with NAME_organs.nii.gz or NAME_seg.nii.gz, or imagesTr with labelsTr",
    )
    _add_model(command)
    command.add_argument(
        "--explainers",
        nargs="+",
        default=DEFAULT_EXPLAINERS,
        metavar="NAME",
        help="names, or the groups baselines, comparisons and all (default: medxai baselines grad-cam)",
    )
    command.add_argument(
        "--output",
        type=_folder,
        required=True,
        metavar="DIR",
        help="folder for the results; that of an earlier run is gone on with",
    )
    command.add_argument(
        "--organs", nargs="+", metavar="ORGAN", help="only these organs (default: all that are labelled)"
    )
    command.add_argument(
        "--organ", action="append", metavar="LABEL=NAME", help="what a label means, for nifti-pairs; may be repeated"
    )
    command.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="the same from a JSON file: {LABEL: NAME, …}, or {PATTERN: {LABEL: NAME, …}, …} by volumes' names; "
        "without it, labels.json or dataset.json in DATASET",
    )
    command.add_argument(
        "--slices-per-organ", type=int, default=3, metavar="N", help="small, middling and large ones (default: 3)"
    )
    command.add_argument(
        "--smallest",
        type=int,
        default=100,
        metavar="N",
        help="voxels of the organ that a slice must exceed (default: 100)",
    )
    _add_boxes(command)
    _add_outward_jitter(command)
    _add_measurements(command)
    _add_workers(command)
    command.set_defaults(run=_imported_later("evaluate"))


def _add_measurements(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--plan",
        choices=("quick", "full"),
        default="quick",
        help="quick: localisation and complexity; full: all families",
    )
    command.add_argument(
        "--families",
        nargs="+",
        metavar="FAMILY",
        help="these instead of the plan's, for example localisation faithfulness; contour: the contour check against its baselines",
    )
    command.add_argument("--preset", choices=("paper", "contour"), default="paper", help="spatial weighting of stage 3")
    command.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="for example 'block 2' neck (default: blocks with global attention, neck)",
    )


def _add_workers(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine (default: one for each core)"
    )
    command.add_argument(
        "--threads",
        type=int,
        default=1,
        metavar="N",
        help="of each worker; with others, metrics may differ in last digits (default: 1)",
    )
    command.add_argument(
        "--device",
        choices=("cpu", "cuda", "mps"),
        default="cpu",
        help="where the model computes; elsewhere, metrics may differ in last digits (default: cpu)",
    )
    command.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="use the workers of this Dask cluster instead, for example tcp://host:8786",
    )


def _add_models(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("models", help="list, download or verify checkpoints")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="what there is, and what is on this machine").set_defaults(
        run=_imported_later("models", "run_list")
    )
    for name, run, text in (
        ("download", "run_download", "fetch a checkpoint into the model folder"),
        ("verify", "run_verify", "compare a checkpoint with its published checksum"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("name", metavar="NAME")
        action.set_defaults(run=_imported_later("models", run))


if __name__ == "__main__":
    sys.exit(main())
