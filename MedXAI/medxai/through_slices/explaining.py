"""A volume explained by an engine: what `Engine.explain_volume` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..progress import RunControl
from ..request import ExplainRequest
from .answers import AskedEngine, EngineAnswers, shared_slices
from .request import VolumeRequest
from .several import OnOrganSlice, check_requests, with_shared_model
from .together import run_together
from .volume_result import OnSlice, VolumeResult
from .walk import Walk


def explain_volume(
    engine: AskedEngine,
    request: VolumeRequest,
    control: RunControl = RunControl(),
    so_far: VolumeResult | None = None,
    on_slice: OnSlice | None = None,
) -> VolumeResult:
    """Follows an organ through the slices of a volume.

    Args:
        engine: Segments and explains the slices.
        request: The first box and the range.
        control: Hears of whole slices, and stops the work.
        so_far: An earlier result to go on from.
        on_slice: Called after each slice.

    Raises:
        MedXAIError: What `Engine.explain_volume` raises.
    """
    request.check()
    asked = _Asked(engine, request, control, so_far)
    asked.walk.run(control, on_slice)
    return asked.result


def explain_volumes(
    engine: AskedEngine,
    requests: Sequence[VolumeRequest],
    control: RunControl = RunControl(),
    so_far: Sequence[VolumeResult | None] | None = None,
    on_slice: OnOrganSlice | None = None,
) -> tuple[VolumeResult, ...]:
    """Follows several organs through the slices of a volume together; each slice is encoded once.

    Args:
        engine: Segments and explains the slices.
        requests: One a box; from one slice, and alike but for box and range.
        control: Hears of whole slices, and stops the work.
        so_far: For each request an earlier result to go on from, or None.
        on_slice: Called after each slice of each organ.

    Raises:
        MedXAIError: What `Engine.explain_organ_volumes` raises.
    """
    check_requests(requests)
    for request in requests:
        request.check()
    old = so_far or [None] * len(requests)
    at = shared_slices(requests[0])
    asked = [_Asked(engine, request, control, before, at) for request, before in zip(requests, old, strict=True)]
    run_together([one.walk for one in asked], control, on_slice)
    return with_shared_model([one.result for one in asked])


class _Asked:
    """One way with what the engine answered on it."""

    def __init__(
        self,
        engine: AskedEngine,
        request: VolumeRequest,
        control: RunControl,
        so_far: VolumeResult | None,
        at: Callable[[int], ExplainRequest] | None = None,
    ):
        self._old = so_far if so_far is not None and _same_question(so_far.request, request) else None
        self._answers = EngineAnswers(engine, request, control, at)
        self.walk = Walk(request, self._answers, self._old)

    @property
    def result(self) -> VolumeResult:
        """What there is, with the model and the warnings of the first slice."""
        first, old = self._answers.first, self._old
        model = first.model if first else old.model if old else None
        warnings = old.warnings if old and old.warnings else first.warnings if first else ()
        return replace(self.walk.result, model=model, warnings=warnings)


def _same_question(old: VolumeRequest, new: VolumeRequest) -> bool:
    """Whether two requests differ in boxes and range only."""
    return old.on_slice.volume is new.on_slice.volume and old.question == new.question
