"""What the tests of the session share: the real worker and engine, and a scene of plain Python."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from MedXAILib.session.shared_engine import SharedEngine
from MedXAILib.session.worker import Worker
from support.panel import PlainScene, until, untrained_weights
from support.session import SlowTasks


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(untrained_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def tasks(tmp_path: Path) -> SlowTasks:
    return SlowTasks(SharedEngine(tmp_path / "models"))


@pytest.fixture
def scene() -> PlainScene:
    return PlainScene()


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def controller(
    scene: PlainScene, tasks: SlowTasks, worker: Worker, weights: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Controller]:
    monkeypatch.setattr("MedXAILib.session.pace.FAST_SECONDS", 60.0)  # the demo model is fast also on a busy machine
    it = Controller(scene, tasks, worker)
    it.choose_method(MethodChoices(model=weights, device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    yield it
    tasks.gate.set()
    assert it.close(20), "the worker did not stop"
