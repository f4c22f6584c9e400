"""The real session with an encoder that a test can hold up, and its first result."""

import threading
from collections.abc import Callable
from dataclasses import replace

from medxai.progress import RunControl, Step
from medxai.results import SliceExplanation
from medxai.through_slices.request import VolumeRequest
from medxai.through_slices.volume_result import FollowedSlice, OnSlice, VolumeProgress, VolumeResult
from MedXAILib.session.controller import Controller
from MedXAILib.session.shared_engine import SharedEngine
from MedXAILib.session.snapshot import ExplanationKey, SceneSnapshot
from MedXAILib.session.tasks import Tasks
from support.panel import until


class SlowTasks(Tasks):
    """The real tasks whose encoder waits at every block, so that a test can act in the middle."""

    def __init__(self, engine: SharedEngine | None = None):
        super().__init__(engine)
        self.gate = threading.Event()
        self.gate.set()
        self.blocks_seen = 0
        self.holds_preview = False

    def explain(
        self,
        snapshot: SceneSnapshot,
        key: ExplanationKey,
        control: RunControl,
        on_preview: Callable[[SliceExplanation], None] | None = None,
    ) -> SliceExplanation:
        def gated(step: Step, done: int, total: int) -> None:
            if step is Step.ENCODING or (step is Step.PREVIEWING and self.holds_preview):
                self.blocks_seen = done
                self.gate.wait(20)
            control.on_progress(step, done, total)

        return super().explain(snapshot, key, replace(control, on_progress=gated), on_preview)

    def follow(
        self, request: VolumeRequest, so_far: VolumeResult | None, control: RunControl, on_slice: OnSlice
    ) -> VolumeResult:
        def gated(one: FollowedSlice, progress: VolumeProgress) -> None:
            on_slice(one, progress)
            self.gate.wait(20)

        return super().follow(request, so_far, control, gated)


def explained(controller: Controller) -> Controller:
    """After an Explain, with its result taken in."""
    controller.explain()
    until(controller, lambda: controller.state.result is not None and not controller.state.running)
    controller.tick()
    return controller
