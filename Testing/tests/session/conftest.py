"""What the tests of the session share: the real worker and engine, and a scene of plain Python."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from MedXAILib.session.choices import MethodChoices
from MedXAILib.session.controller import Controller
from support.panel import PlainScene, until, untrained_weights
from support.session import SlowWorkshop


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(untrained_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture
def workshop(tmp_path: Path) -> SlowWorkshop:
    return SlowWorkshop(tmp_path / "models")


@pytest.fixture
def scene() -> PlainScene:
    return PlainScene()


@pytest.fixture
def controller(
    scene: PlainScene, workshop: SlowWorkshop, weights: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Controller]:
    monkeypatch.setattr(
        "MedXAILib.session.controller.FAST_SECONDS", 60.0
    )  # the demo model is fast also on a busy machine
    it = Controller(scene, workshop)
    it.choose_method(MethodChoices(model=weights, device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    yield it
    workshop.gate.set()
    assert it.close(20), "the worker did not stop"
