"""A volume explained by an engine: what `Engine.explain_volume` does."""

from __future__ import annotations

from dataclasses import replace

from ..progress import RunControl
from .answers import AskedEngine, EngineAnswers
from .request import VolumeRequest
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
    old = so_far if so_far is not None and _same_question(so_far.request, request) else None
    answers = EngineAnswers(engine, request, control)
    done = Walk(request, answers, old).run(control, on_slice)
    first = answers.first
    model = first.model if first else old.model if old else None
    warnings = old.warnings if old and old.warnings else first.warnings if first else ()
    return replace(done, model=model, warnings=warnings)


def _same_question(old: VolumeRequest, new: VolumeRequest) -> bool:
    """Whether two requests differ in boxes and range only."""
    return old.on_slice.volume is new.on_slice.volume and old.question == new.question
