"""Which processor a model runs on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def usable_device(choice: str) -> "tuple[torch.device, str]":
    """The device of a choice (auto, cpu, cuda, mps), and why it is another one than was asked for (else empty).

    A device counts only after one real kernel has run on it: an installed build may lack kernels for a new card.
    """
    import torch

    if choice == "cpu":
        return torch.device("cpu"), ""
    for name in ("cuda", "mps") if choice == "auto" else (choice,):
        if not _is_present(name):
            continue
        try:
            torch.nn.functional.conv2d(torch.ones(1, 1, 8, 8, device=name), torch.ones(1, 1, 3, 3, device=name)).sum().item()
            return torch.device(name), ""
        except (RuntimeError, NotImplementedError) as error:
            return torch.device("cpu"), f"The device '{name}' does not work with the installed PyTorch ({_first_line(error)}), so the CPU is used."
    return torch.device("cpu"), "" if choice == "auto" else f"There is no device '{choice}' on this machine, so the CPU is used."


def _is_present(name: str) -> bool:
    import torch

    return torch.cuda.is_available() if name == "cuda" else name == "mps" and torch.backends.mps.is_available()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
