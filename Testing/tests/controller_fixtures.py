"""What the tests of the controller share: the real worker and pipeline, with an encoder that a test can hold up."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from panel_support import PlainScene, untrained_weights, until

from MedXAILib.controller import Controller, MethodChoices, Step, Workshop


class SlowWorkshop(Workshop):
    """The real workshop whose encoder waits at every block, so that a test can act in the middle."""

    def __init__(self, *arguments: object):
        super().__init__(*arguments)
        self.gate = threading.Event()
        self.gate.set()
        self.blocks_seen = 0
        self.holds_preview = False

    def explain(self, sight, situation, report, is_cancelled, preview=None):
        def gated(step: Step, done: int, total: int) -> None:
            if step is Step.ENCODING or (step is Step.PREVIEWING and self.holds_preview):
                self.blocks_seen = done
                self.gate.wait(20)
            report(step, done, total)

        return super().explain(sight, situation, gated, is_cancelled, preview)


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
    monkeypatch.setattr("MedXAILib.controller.session.FAST_SECONDS", 60.0)  # the demo model is fast also on a busy machine
    it = Controller(scene, workshop)
    it.choose_method(MethodChoices(model=weights, device="cpu"))
    it.start()
    until(it, lambda: it.state.started)
    yield it
    workshop.gate.set()
    assert it.close(20), "the worker did not stop"


def explained(controller: Controller) -> Controller:
    controller.explain()
    until(controller, lambda: controller.state.result is not None and not controller.state.running)
    controller.tick()
    return controller
