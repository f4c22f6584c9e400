"""What the tests of the panel in use share: the open panel, and the panel after its first explanation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

from medxai.scene.views import look_at
from medxai.slice.slice_image import slice_of
from stand_ins.panel_bench import PanelBench, panel_bench
from support.panel import ball_volume
from support.panel_scene import BOX


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelBench]:
    monkeypatch.setattr("MedXAILib.session.pace.FAST_SECONDS", 60.0)  # the demo model is fast also on a busy machine
    with panel_bench(tmp_path) as it:
        it.start()
        yield it


@pytest.fixture
def ready(bench: PanelBench) -> PanelBench:
    """A ball with a drawn box, before the first Explain."""
    volume = ball_volume()
    node = bench.load(volume)
    look_at(bench.red, node, slice_of(volume, "axial", 6))
    bench.settle()
    bench.draw(slice_of(volume, "axial", 6), BOX)
    bench.settle()
    return bench


@pytest.fixture
def explained(ready: PanelBench) -> PanelBench:
    """After the first Explain on a ball."""
    bench = ready
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    return bench
