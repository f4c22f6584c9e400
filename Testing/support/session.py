"""The real session with an encoder that a test can hold up, and its first result."""

import threading

from MedXAILib.session.controller import Controller
from MedXAILib.session.state import Step
from MedXAILib.session.workshop import Workshop
from support.panel import until


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


def explained(controller: Controller) -> Controller:
    controller.explain()
    until(controller, lambda: controller.state.result is not None and not controller.state.running)
    controller.tick()
    return controller
