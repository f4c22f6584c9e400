"""Waiting for the worker ends when it has something to show, and not before its limit where it has nothing."""

import time
from collections.abc import Iterator

import pytest

from medxai.progress import Step
from MedXAILib.session.worker import TaskFinished, Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    it = Worker()
    yield it
    it.close(10)


def seconds_of(worker: Worker, limit_s: float) -> float:
    start = time.monotonic()
    worker.wait(limit_s)
    return time.monotonic() - start


def test_it_ends_with_the_task(worker: Worker) -> None:
    worker.submit(lambda context: 7)
    assert seconds_of(worker, 30.0) < 25
    assert worker.poll() == [TaskFinished(1, 7)]
    assert seconds_of(worker, 0.05) >= 0.05, "an old event ended the next wait"


def test_it_ends_with_what_is_handed_over(worker: Worker) -> None:
    worker.submit(lambda context: (context.hand_over("a preview"), time.sleep(0.5)))
    worker.wait(30.0)
    assert [event.value for event in worker.poll()] == ["a preview"]


def test_progress_does_not_end_it(worker: Worker) -> None:
    def run(context) -> None:
        for done in range(3):
            context.control.at(Step.ENCODING).report(done, 3)
        time.sleep(0.3)

    worker.submit(run)
    assert seconds_of(worker, 0.1) >= 0.1
