"""Load, encode, first box, next box and many boxes, for every model and backend, through pytest-benchmark.

    pytest -n 0 Testing/benchmarks [-k "vit-b and exact"] [--benchmark-json FILE]

Not part of the tests: it takes minutes. Ways of one model and step are one group, so that they stand beside plain
segment-anything. Peak memory, the machine's own matrix product (GFLOP/s) and the error of the embedding are in `extra_info`.
The table in the documentation comes from the same processes: `encoder_table.py`, in turn instead of one after the other.
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "MedXAI")]

import subjects
import whole_command
from machine import gigaflops
from measure import MeasuredProcess

ROUNDS = {"encode": 2, "first": 2, "next": 20, "together": 3}


@pytest.fixture(scope="module", params=["vit-b", "litemedsam", "demo"])
def checkpoint(request, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp(request.param) / "random.pth"
    subjects.save_random(request.param, path)
    return path


@pytest.fixture(scope="module")
def plain_embedding(checkpoint) -> torch.Tensor:
    with closing(MeasuredProcess(checkpoint, checkpoint.parent, subjects.PLAIN)) as process:
        process.do("encode")
        return process.embedding()


@pytest.fixture(scope="module", params=list(subjects.WAYS))
def process(request, checkpoint) -> Iterator[MeasuredProcess]:
    with closing(MeasuredProcess(checkpoint, checkpoint.parent, request.param)) as started:
        if started.note:
            pytest.skip(started.note)
        yield started


@pytest.mark.parametrize("step", ["load", *subjects.STEPS])
def test_time_and_peak_memory(step, process, checkpoint, plain_embedding, benchmark):
    if step not in ("load", *process.steps):
        pytest.skip("This way only encodes.")
    benchmark.group = f"{checkpoint.parent.name.rstrip('0123456789')}: {step}"
    if step == "load":
        last = process.loading  # of the process that has just started; its time is taken once more, here
        benchmark.pedantic(subjects.load, (checkpoint,), rounds=1)
    else:
        answers: list[dict] = []
        benchmark.pedantic(lambda: answers.append(process.do(step)), rounds=ROUNDS[step], warmup_rounds=1)
        last = answers[-1]
    benchmark.extra_info.update(peak_mb=last["peak_mb"], machine_gigaflops=gigaflops())
    if step == "encode":
        found = process.embedding()
        benchmark.extra_info["error"] = float((found - plain_embedding).norm() / plain_embedding.norm())


def test_the_whole_command_fits_a_laptop_of_8_gb(checkpoint, benchmark):
    found: list[dict[str, float]] = []
    benchmark.pedantic(lambda: found.append(whole_command.measured(checkpoint)), rounds=1)
    benchmark.extra_info.update(peak_mb=found[0]["peak_mb"])
    assert found[0]["peak_mb"] < 2500
