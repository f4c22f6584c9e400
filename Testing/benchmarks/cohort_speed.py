"""How much of one worker's time two workers take for a cohort, as processes of this machine and as a Dask cluster.

    python Testing/benchmarks/cohort_speed.py [--scans N] [--rounds N] [--families FAMILY ...]

The cohort is made up in FLARE22's layout; the demo model, MedXAI's maps and all nulls. Times are those of the whole command, starting and loading included, each way in turn in every round. Writes Resources/benchmarks/cohort_speed.md,
with the load that other programs put on the machine meanwhile: two workers cannot show their gain on cores that are taken.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedXAI"), str(ROOT / "Testing" / "tests")]

from cohort_support import write_flare22  # noqa: E402

WAYS = {"1 process": ("--workers", "1"), "2 processes": ("--workers", "2"), "2 Dask workers": None}


def seconds_for(way: str, dataset: Path, families: list[str]) -> float:
    """Of the whole command in a process of its own. A cluster is there already: it serves many cohorts."""
    from distributed import LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) if WAYS[way] is None else nullcontext()
    with cluster, tempfile.TemporaryDirectory() as output:
        more = WAYS[way] or ("--scheduler", cluster.scheduler_address)
        command = [sys.executable, "-m", "MedXAILib.cli.main", "evaluate", str(dataset), "--layout", "flare22", "--output", output]
        command += ["--explainers", "medxai", "nulls", "--families", *families, *more]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start


def busy_cores(seconds: float = 5.0) -> float:
    """How many cores other programs keep busy now."""
    return psutil.cpu_percent(seconds) / 100 * psutil.cpu_count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--families", nargs="+", default=["localisation"])
    arguments = parser.parse_args()
    os.environ |= {"PYTHONPATH": str(ROOT / "MedXAI"), "OMP_NUM_THREADS": "1"}
    busy, times = [], {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        write_flare22(Path(folder), arguments.scans)
        for _ in range(arguments.rounds):
            for way in WAYS:
                busy.append(busy_cores())
                times[way].append(seconds_for(way, Path(folder), arguments.families))
                print(f"{way}: {times[way][-1]:.1f} s, {busy[-1]:.1f} cores busy before", flush=True)
    text = report(times, busy, arguments.scans, arguments.families)
    print(text)
    (ROOT / "Resources" / "benchmarks" / "cohort_speed.md").write_text(text)


def report(times: dict[str, list[float]], busy: list[float], scans: int, families: list[str]) -> str:
    one = median(times["1 process"])
    lines = [
        "# A cohort by one worker and by two",
        "",
        f"{scans} small scans in FLARE22's layout, demo model, MedXAI's maps and all nulls, {', '.join(families)}; {len(times['1 process'])} rounds, "
        f"{psutil.cpu_count()} cores. Other programs kept {min(busy):.1f} to {max(busy):.1f} cores busy just before the runs. "
        "Made by `Testing/benchmarks/cohort_speed.py`.",
        "",
        "| way | seconds, median (fastest to slowest) | share of one process's time |",
        "| --- | ---: | ---: |",
        *(f"| {way} | {median(found):.1f} ({min(found):.1f} to {max(found):.1f}) | {median(found) / one:.2f} |" for way, found in times.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
