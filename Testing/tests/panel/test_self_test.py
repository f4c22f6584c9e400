"""The cases that run inside Slicer, run here through the same `MedXAITest` on the stand-ins and the real MRML scene."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the panel's tests need PySide6-Essentials")
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")


from stand_ins.panel_bench import panel_bench
from support.scans import ROOT

#: What a test inside Slicer leaves alone: it asks for a file, a folder or a question's answer, or needs the network.
ASKS_SOMEBODY = {"installButton", "fileButton", "folderButton", "downloadButton", "offerButton", "removeButton"}
USABLE = {"QPushButton", "QToolButton", "QCheckBox", "QComboBox", "QSlider", "QSpinBox", "qMRMLNodeComboBox"}


def test_slicers_own_self_test_passes(tmp_path: Path) -> None:
    with panel_bench(tmp_path) as bench:
        bench.start()
        import MedXAI

        MedXAI.MedXAITest().runTest()


def test_a_failing_case_fails_the_self_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from MedXAILib.panel import self_test
    from MedXAILib.panel.self_test_features import FeatureCases

    with panel_bench(tmp_path) as bench:
        bench.start()
        import MedXAI

        for name in dir(FeatureCases):  # one case says it; all of them take ten seconds
            if name.startswith("test_") and name != "test_logic_puts_the_maps_exactly_on_the_slice":
                monkeypatch.setattr(FeatureCases, name, None)
        monkeypatch.setattr(self_test, "_INDEX", 5)
        monkeypatch.setattr(self_test, "_LIMIT_S", 5.0)
        monkeypatch.setattr(self_test, "world_from_ijk", lambda node: [[0.0] * 4])
        with pytest.raises(AssertionError, match="1 of 1 cases failed"):
            MedXAI.MedXAITest().runTest()


def test_slicers_own_self_test_uses_everything_that_a_user_can() -> None:
    form = ElementTree.parse(ROOT / "MedXAI" / "Resources" / "UI" / "MedXAI.ui")
    usable = {widget.get("name") for widget in form.iter("widget") if widget.get("class") in USABLE}
    panel = ROOT / "MedXAI" / "MedXAILib" / "panel"
    cases = "".join(path.read_text(encoding="utf-8") for path in panel.glob("self_test*.py"))
    used = set(re.findall(r"\w+(?:Button|Check|Slider|Spin|Selector)\b", cases))
    from MedXAILib.panel.map_list import MAP_BUTTONS

    usable = {re.sub(r"^organ\d", "organ1", name) for name in usable}  # the rows of the list of boxes are alike
    assert usable - ASKS_SOMEBODY - set(MAP_BUTTONS.values()) <= used
