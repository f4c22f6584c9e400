"""Which processor computes."""

from dataclasses import dataclass

import torch

from ..errors import InputError


@dataclass(frozen=True)
class Device:
    """The processor that was chosen.

    Attributes:
        device: Where the model runs.
        note: What to tell the user about the choice; empty where nothing.
    """

    device: torch.device
    note: str = ""


def choose_device(wish: str = "auto") -> Device:
    """The wished device.

    Args:
        wish: 'cpu', 'cuda', 'mps', or 'auto' for a graphics processor where a real computation works on it, else the
            CPU.

    Raises:
        InputError: For an unknown wish.
    """
    if wish not in ("auto", "cpu", "cuda", "mps"):
        raise InputError(f"There is no device '{wish}'; choose auto, cpu, cuda or mps.")
    candidates = {"auto": ("cuda", "mps"), "cpu": ()}.get(wish, (wish,))
    notes = []
    for name in candidates:
        if not _is_there(name):
            if wish != "auto":
                notes.append(f"This machine has no {name} device that PyTorch can use; the CPU computes instead.")
            continue
        reason = _failure_on(name)
        if reason is None:
            return Device(torch.device(name))
        notes.append(
            f"The {name} device is there but does not work with this PyTorch ({reason}); the CPU computes instead."
        )
    return Device(torch.device("cpu"), " ".join(notes))


def _is_there(name: str) -> bool:
    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


def _failure_on(name: str) -> str | None:
    """None where a small convolution really runs there: a new card passes `is_available` and fails on its first kernel."""
    try:
        image = torch.ones(1, 3, 32, 32, device=name)
        torch.nn.functional.conv2d(image, torch.ones(4, 3, 16, 16, device=name), stride=16).sum().item()
    except RuntimeError as error:
        return str(error).split("\n")[0][:120]
    return None
