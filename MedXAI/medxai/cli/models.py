"""`medxai models`."""

import argparse
import sys

from ..models.download import Verification, download, verify
from ..models.registry import checkpoints, registered
from ..models.store import ModelStore
from ..progress import RunControl, Step


def run_list(_arguments: argparse.Namespace) -> None:
    """Prints every registered model and whether its weights are on this machine."""
    store = ModelStore()
    for entry in checkpoints():
        path = store.path_of(entry)
        size = (
            f"{path.stat().st_size / 1e6:.0f} MB"
            if path.is_file()
            else f"{entry.size_bytes / 1e6:.0f} MB"
            if entry.size_bytes
            else "size unknown"
        )
        here = "comes with MedXAI" if entry.bundled else "ready"
        state = here if store.has(entry) else "damaged" if path.is_file() else "to download"
        print(f"{entry.name:<12} {state:<18} {size:>12}  {entry.title}; {entry.licence}; {entry.page}")
    print(f"Model folder: {store.folder}")


def run_download(arguments: argparse.Namespace) -> None:
    """Fetches a checkpoint and says what it was checked against."""
    entry, store = registered(arguments.name), ModelStore()
    _say(download(entry, store, RunControl(show_bytes)))


def run_verify(arguments: argparse.Namespace) -> None:
    """Checks a checkpoint on this machine."""
    _say(verify(registered(arguments.name), ModelStore()))


def _say(result: Verification) -> None:
    print(f"{result.path}\nSHA-256 {result.sha256}\nchecked against: {result.checked_against}")
    if result.source:
        print(f"fetched from: {result.source}")


def show_bytes(_step: Step, done: int, total: int) -> None:
    """The progress of a download, in one line of the terminal."""
    if sys.stderr.isatty():
        share = f" of {total / 1e6:.0f}" if total else ""
        print(f"\r{done / 1e6:.0f}{share} MB", end="", file=sys.stderr, flush=True)
