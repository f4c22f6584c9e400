"""What the tests of the panel in use share: the open panel, and the panel after its first explanation."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip(
    "PySide6.QtWidgets",
    reason="the panel's tests need PySide6-Essentials and the system libraries of Qt (libEGL)",
    exc_type=ImportError,
)
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")

from medxai.engine import Engine
from medxai.models.registry import registered
from medxai.models.store import ModelStore
from medxai.request import ExplainRequest, ModelChoice
from medxai.results import SliceExplanation
from medxai.scene.views import look_at
from medxai.slice.box import box_of_mask
from medxai.slice.slice_image import slice_of
from stand_ins.panel_bench import PanelBench, panel_bench
from support.panel import ball_volume
from support.panel_scene import BOX
from support.scans import RealScan


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


@pytest.fixture(scope="session")
def lite_liver(ct: RealScan) -> SliceExplanation:
    """LiteMedSAM's explanation of the liver of the real CT, where the scan and the weights are here."""
    if not ModelStore().has(registered("litemedsam")):
        pytest.skip("needs the weights of LiteMedSAM: medxai models download litemedsam")
    index = int(np.argmax((ct.organs == ct.labels["liver"]).sum(axis=(1, 2))))
    request = ExplainRequest(ct.volume, slice_of(ct.volume, "axial", index), ModelChoice("litemedsam"))
    box = box_of_mask(ct.mask("liver", index))
    corners = (box.first_column, box.first_row, box.last_column, box.last_row)
    return Engine().explain(request, [corners])[0]
