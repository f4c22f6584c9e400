"""Panel and console are one: the same engine, the same encodings, the same names for the same map."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import slicer

from medxai.scene.working_result import find_working
from stand_ins.panel_bench import PanelBench
from support.panel import OWN_KEYS
from support.scans import ROOT


def console_and_panel(bench: PanelBench) -> tuple:
    """What the console makes of the panel's volume and region, then what the panel makes of them."""
    import MedXAI

    parameters = bench.parameters
    first = MedXAI.MedXAILogic().explain(parameters.volume, parameters.region, parameters.view)
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None), bench.state.message
    bench.settle()
    return first, find_working(parameters.volume, parameters.region)


def test_what_the_console_encoded_the_panel_does_not_encode_again(ready: PanelBench) -> None:
    first, _ = console_and_panel(ready)
    assert first.explanation.encoding.is_new and not ready.state.result.encoding.is_new
    np.testing.assert_array_equal(first.explanation.segmentation.mask, ready.state.result.segmentation.mask)


def test_the_panels_free_button_frees_the_consoles_encodings(ready: PanelBench) -> None:
    import MedXAI

    console_and_panel(ready)
    assert MedXAI.MedXAILogic().engine.held_bytes > 0
    ready.click("freeButton")
    assert MedXAI.MedXAILogic().engine.held_bytes == 0


def test_a_map_has_one_identity_in_panel_and_console(ready: PanelBench) -> None:
    console, panel = console_and_panel(ready)
    for key in OWN_KEYS:
        (of_console,) = [node for map_id, node in console.overlays.items() if map_id.key == key]
        of_panel = panel.overlays[key]
        for name in ("MedXAI.Map", "MedXAI.Stage", "MedXAI.Layer"):
            assert of_console.GetAttribute(name) == of_panel.GetAttribute(name), (key, name)
        assert of_console.GetAttribute("MedXAI.Map").partition("@")[0] == key
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(of_console), slicer.util.arrayFromVolume(of_panel))


#: Runs in a fresh interpreter: the panel is built and shown, and its worker is held before it starts.
OPENING = """
import sys, threading
from pathlib import Path
sys.path[:0] = {paths!r}
from MedXAILib.session import tasks
gate, main = threading.Event(), threading.get_ident()
start = tasks.Tasks.start
tasks.Tasks.start = lambda self, control: (gate.wait(60), start(self, control))[1]
from stand_ins.panel_bench import panel_bench
with panel_bench(Path({folder!r})) as bench:
    bench.pump(limit_s=0.3)
    assert "torch" not in sys.modules, "opening the panel imported PyTorch on the main thread"
    assert bench.ui.modelSelector.count > 3 and bench.engine.store.folder.name == "models"
    gate.set()
    bench.start()
    assert "torch" in sys.modules
    print("opened")
"""


def test_opening_the_panel_imports_no_pytorch_on_the_main_thread(tmp_path: Path) -> None:
    code = OPENING.format(paths=[str(ROOT / "Testing"), str(ROOT / "MedXAI")], folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "opened" in done.stdout, done.stderr
