"""The cases that run inside Slicer, run here through the same `MedXAITest` on the stand-ins and the real MRML scene."""

from pathlib import Path

import pytest

pytest.importorskip("PySide6", reason="the panel's tests need PySide6-Essentials")
pytest.importorskip("slicer", reason="the panel's tests need slicer-core")


from stand_ins.panel_bench import panel_bench


def test_slicers_own_self_test_passes(tmp_path: Path) -> None:
    with panel_bench(tmp_path) as bench:
        bench.start()
        import MedXAI

        MedXAI.MedXAITest().runTest()


def test_a_failing_case_fails_the_self_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from MedXAILib.panel import self_test

    with panel_bench(tmp_path) as bench:
        bench.start()
        import MedXAI

        monkeypatch.setattr(self_test, "_INDEX", 5)
        monkeypatch.setattr(self_test, "_LIMIT_S", 5.0)
        monkeypatch.setattr(self_test, "world_from_ijk", lambda node: [[0.0] * 4])
        with pytest.raises(AssertionError, match="cases failed"):
            MedXAI.MedXAITest().runTest()
