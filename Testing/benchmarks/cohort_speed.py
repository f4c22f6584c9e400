"""How much of one worker's time two workers take for a cohort, as processes of this machine and as a Dask cluster.

    python Testing/benchmarks/cohort_speed.py [--rounds N]

The scans are made up in FLARE22's layout; the demo model, MedXAI's maps and all baselines. Times are those of the whole command,
starting and loading included, each way in turn in every round. Writes Resources/benchmarks/cohort_speed.md, with the load
that other programs put on the machine meanwhile: two workers cannot show their gain on cores that are taken.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedXAI"), str(ROOT / "Testing" / "tests")]

from support.data_sets import write_flare22

#: The number of scans, of six or seven cases each, and what the command is asked for besides: many light cases, few heavy ones.
COHORTS = {
    "localisation only": (50, ("--families", "localisation")),
    "localisation and faithfulness in the neck": (2, ("--families", "localisation", "faithfulness in the neck")),
}
#: As the README says to start a cluster: without the profile that Dask takes of every worker a hundred times a second, and
#: with fewer looks at the machine. Where workers have as many cores as there are, these took 5 to 15 % of their time.
CLUSTER = {"distributed.worker.profile.enabled": False, "distributed.admin.system-monitor.interval": "10s"}
WAYS = {"1 process": ("--workers", "1"), "2 processes": ("--workers", "2"), "2 Dask workers": None}


def seconds_for(way: str, dataset: Path, asked: Sequence[str]) -> float:
    """Of the whole command in a process of its own. A cluster is there already: it serves many cohorts."""
    import dask
    from distributed import LocalCluster

    with dask.config.set(CLUSTER):
        cluster = (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            if WAYS[way] is None
            else nullcontext()
        )
    with cluster, tempfile.TemporaryDirectory() as output:
        more = WAYS[way] or ("--scheduler", cluster.scheduler_address)
        command = [
            sys.executable,
            "-m",
            "medxai.cli.main",
            "evaluate",
            str(dataset),
            "--layout",
            "flare22",
            "--output",
            output,
        ]
        command += ["--explainers", "medxai", "baselines", *asked, *more]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start


def busy_cores(seconds: float = 5.0) -> float:
    """How many cores other programs keep busy now."""
    return psutil.cpu_percent(seconds) / 100 * psutil.cpu_count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    os.environ |= {"PYTHONPATH": str(ROOT / "MedXAI"), "OMP_NUM_THREADS": "1"}
    tables = []
    for cohort, (scans, asked) in COHORTS.items():
        busy, times = [], {way: [] for way in WAYS}
        with tempfile.TemporaryDirectory() as folder:
            write_flare22(Path(folder), scans)
            for _ in range(rounds):
                for way in WAYS:
                    busy.append(busy_cores())
                    times[way].append(seconds_for(way, Path(folder), asked))
                    print(f"{cohort}, {way}: {times[way][-1]:.1f} s, {busy[-1]:.1f} cores busy before", flush=True)
        tables.append(table(f"{scans} scans: {cohort}", times, busy))
    text = "\n".join([HEAD.format(rounds=rounds, cores=psutil.cpu_count()), *tables])
    print(text)
    (ROOT / "Resources" / "benchmarks" / "cohort_speed.md").write_text(text)


HEAD = """# A cohort by one worker and by two

Small scans in FLARE22's layout, demo model, MedXAI's maps and all baselines; {rounds} rounds, {cores} cores, scheduler and workers
on the same machine, the cluster started as the README says. Times of the whole command, starting and loading included. Made by `Testing/benchmarks/cohort_speed.py`.
"""


def table(title: str, times: dict[str, list[float]], busy: list[float]) -> str:
    """The share is the median over rounds of the ratio within a round: a machine's speed drifts from round to round."""
    one = times["1 process"]
    lines = [
        f"## {title}",
        "",
        f"Other programs kept {min(busy):.1f} to {max(busy):.1f} cores busy just before the runs.",
        "",
        "| way | seconds, median (fastest to slowest) | share of one process's time, median (lowest to highest) |",
        "| --- | ---: | ---: |",
    ]
    for way, found in times.items():
        shares = [mine / its for mine, its in zip(found, one, strict=False)]
        seconds = f"{median(found):.1f} ({min(found):.1f} to {max(found):.1f})"
        lines.append(f"| {way} | {seconds} | {median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}) |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
