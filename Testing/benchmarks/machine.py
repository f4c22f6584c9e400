"""What the machine itself can do, and what a process took of it."""

import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

_ROWS, _INNER, _COLUMNS = 4096, 768, 3072


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def gigaflops() -> float:
    """This machine's own matrix product in float32, 4096 × 768 by 768 × 3072, the best of five: no way can be faster."""
    x, weight, out = torch.rand(_ROWS, _INNER), torch.rand(_INNER, _COLUMNS), torch.empty(_ROWS, _COLUMNS)
    best = min(seconds_of(lambda: torch.mm(x, weight, out=out)) for _ in range(5))
    return 2 * _ROWS * _INNER * _COLUMNS / best / 1e9


def peak_mb() -> float:
    """The most memory this process ever held; on Linux not from `getrusage`, which counts the parent's at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def processor() -> str:
    """The processor's name, threads and the instructions that decide which ways pay."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    present = [name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if capabilities.get(name)]
    name = capabilities.get("cpu_name") or platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} threads, instructions: {', '.join(present) or platform.machine()}"
