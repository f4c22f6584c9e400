"""What the tests of the panel in use share: the open panel, and the panel after its first explanation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)", exc_type=ImportError)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

import slicer
from panel_support import ball_volume
from stand_ins.panel_bench import PanelBench, panel_bench

from MedXAILib.controller import MapKind
from MedXAILib.imaging import PixelBox, slice_of
from MedXAILib.scene.views import look_at
from MedXAILib.scene.working_result import find_working

BOX = PixelBox(20, 18, 44, 42)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PanelBench]:
    monkeypatch.setattr("MedXAILib.controller.session.FAST_SECONDS", 60.0)  # the demo model is fast also on a busy machine
    with panel_bench(tmp_path) as it:
        it.start()
        yield it


@pytest.fixture
def explained(bench: PanelBench) -> PanelBench:
    """After the first Explain on a ball."""
    volume = ball_volume()
    node = bench.load(volume)
    look_at(bench.red, node, slice_of(volume, "axial", 6))
    bench.settle()
    bench.draw(slice_of(volume, "axial", 6), BOX)
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state
    bench.settle()
    return bench


def overlay(bench: PanelBench, kind: MapKind | None = None) -> "slicer.vtkMRMLScalarVolumeNode":
    """The node that holds a map of the chosen volume and region; default: the map that is shown."""
    found = find_working(bench.parameters.volume, bench.parameters.region)
    return found.overlays[kind or bench.state.view.kind]
