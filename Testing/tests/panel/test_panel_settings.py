"""The model, its weights, and what belongs to the user and the computer instead of the scene."""

import http.server
import socketserver
import threading
import time
from pathlib import Path

import pytest

from medxai.models.registry import registered
from MedXAILib.session.state import Phase
from stand_ins.panel_bench import PanelBench
from support.panel import ball_volume, small_sam_weights, untrained_weights
from support.panel_scene import overlay


def test_the_demo_model_is_chosen_where_no_other_weights_are(bench: PanelBench) -> None:
    assert bench.state.method.model == "demo" and bench.parameters.model == ""
    assert "comes with MedXAI" in bench.ui.weightsLabel.text
    bench.choose("modelSelector", "medsam")
    assert bench.parameters.model == "medsam"
    assert "375 MB to download" in bench.ui.weightsLabel.text and bench.ui.downloadButton.visible
    assert "ten seconds" in bench.ui.expectationLabel.text


def test_a_checkpoint_file_of_the_users_own(bench: PanelBench, tmp_path: Path) -> None:
    weights = untrained_weights(tmp_path)
    bench.answer(str(weights))
    bench.click("fileButton")
    assert bench.state.method.model == str(weights) and "your own file" in bench.ui.weightsLabel.text
    bench.load(ball_volume())
    bench.settle()
    bench.click("addButton")
    bench.settle()
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result is not None)
    assert "not in the registry" in bench.ui.warningsLabel.text and bench.ui.warningsLabel.visible


def test_preferences_outlive_the_module(bench: PanelBench, tmp_path: Path) -> None:
    bench.choose("deviceSelector", "cpu")
    bench.ui.budgetSpin._real.setValue(1024)
    (tmp_path / "elsewhere").mkdir()
    bench.answer(str(tmp_path / "elsewhere"))
    bench.click("folderButton")
    bench.reload_module()
    bench.start()
    assert bench.state.method.device == "cpu" and bench.ui.budgetSpin.value == 1024
    assert (
        bench.ui.folderButton.text.endswith("elsewhere")
        and str(tmp_path / "elsewhere") in bench.ui.folderButton.toolTip
    )
    assert bench.engine.folder == tmp_path / "elsewhere"


@pytest.mark.parametrize("share", [1, 0.5])
def test_downloaded_weights_can_be_removed_and_half_of_them_are_not_ready(bench: PanelBench, share: float) -> None:
    folder = bench.engine.folder
    folder.mkdir(parents=True)
    with (folder / "medsam_vit_b.pth").open("wb") as file:
        file.truncate(round(share * registered("medsam").size_bytes))
    bench.controller.models.refresh()
    bench.choose("modelSelector", "medsam")
    assert ("in the model folder" in bench.ui.weightsLabel.text) == (share == 1)
    assert ("to download" in bench.ui.weightsLabel.text) == (share < 1)
    bench.click("removeButton")
    assert not (folder / "medsam_vit_b.pth").exists() and bench.ui.downloadButton.visible


def test_freeing_memory_is_said_and_harmless(explained: PanelBench) -> None:
    bench = explained
    assert bench.ui.memoryLabel.text != "Encoded slices hold 0 MB now."
    bench.click("freeButton")
    assert bench.ui.memoryLabel.text == "Encoded slices hold 0 MB now."
    bench.slide("layerSlider", 0)
    assert bench.state.phase is Phase.RESULT


class Weights(http.server.BaseHTTPRequestHandler):
    """Serves three megabytes slowly."""

    content = b"m" * 3_000_000

    def do_GET(self) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(self.content) - start))
        self.end_headers()
        for offset in range(start, len(self.content), 500_000):
            try:
                self.wfile.write(self.content[offset : offset + 500_000])
            except OSError:  # the user has cancelled
                return
            time.sleep(0.05)

    def log_message(self, *_arguments: object) -> None:
        """Nothing."""


def test_a_download_shows_its_progress_can_be_cancelled_and_goes_on(
    bench: PanelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    from medxai.models import registry
    from medxai.models.families.sam import MedSam

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Weights) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        entry = dataclasses.replace(
            registry.registered("medsam"),
            sources=(f"http://127.0.0.1:{server.server_address[1]}/w",),
            size_bytes=3_000_000,
            md5=None,
            sha256=None,
        )
        monkeypatch.setattr(MedSam, "checkpoints", (entry,))
        bench.controller.models.refresh()
        bench.choose("modelSelector", "medsam")
        bench.click("downloadButton")
        assert bench.pump(lambda: "MB" in bench.ui.statusLabel.text and bench.ui.progressBar.visible), (
            bench.ui.statusLabel.text
        )
        bench.click("cancelButton")
        assert "Cancelled" in bench.ui.statusLabel.text and not bench.ui.progressBar.visible
        bench.settle()
        bench.click("downloadButton")
        assert bench.pump(lambda: not bench.state.running), bench.state
        assert "in the model folder" in bench.ui.weightsLabel.text, bench.state.message
        server.shutdown()
    assert (bench.engine.folder / "medsam_vit_b.pth").read_bytes() == Weights.content


def test_a_lowered_memory_budget_acts_at_once(explained: PanelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = explained
    assert bench.engine.held_bytes > 0
    bench.ui.budgetSpin._real.setMinimum(0)  # the form's least, 64 MB, holds dozens of the demo model's slices
    bench.ui.budgetSpin._real.setValue(0)
    assert bench.engine.held_bytes == 0
    assert bench.ui.memoryLabel.text == "Encoded slices hold 0 MB now."
    bench.ui.budgetSpin._real.setValue(64)
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT and bench.state.result.encoding.is_new)
    assert bench.engine.held_bytes > 0


def test_the_encoders_choice_is_explained_kept_and_computes(explained: PanelBench, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    bench = explained
    assert bench.state.method.encoder == "exact" and bench.state.result.encoding.backend == "exact"
    bench.answer(str(small_sam_weights(tmp_path)))
    bench.click("fileButton")
    bench.choose("encoderSelector", "openvino")
    assert "Outline and maps as with Exact" in bench.ui.encoderLabel.text
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result.encoding.backend == "openvino"), bench.state
    assert any((tmp_path / "models" / "compiled").iterdir()), "the compiled model is not kept"
    bench.settle()
    assert overlay(bench).GetAttribute("MedXAI.Encoder") == "openvino"
    bench.click("explainButton")
    assert bench.pump(lambda: not bench.state.running) and not bench.state.result.encoding.is_new
    bench.choose("encoderSelector", "exact")
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.result.encoding.backend == "exact"), (
        "an encoding of one way stood in for another"
    )
    bench.choose("encoderSelector", "fast")
    bench.reload_module()
    bench.start()
    assert bench.state.method.encoder == "fast" and bench.ui.encoderSelector._real.currentData() == "fast"


def test_a_wish_that_cannot_be_met_is_said_as_a_warning(explained: PanelBench) -> None:
    bench = explained
    bench.click("liveCheck")
    bench.choose("encoderSelector", "fast")
    bench.settle()
    assert "older than the way the encoder is computed" in bench.ui.statusLabel.text
    bench.click("explainButton")
    assert bench.pump(lambda: bench.state.phase is Phase.RESULT), bench.state
    assert "this model is encoded exactly" in bench.ui.warningsLabel.text and bench.ui.warningsLabel.visible


def test_every_encoder_of_the_library_is_offered() -> None:
    from medxai.encoding.backends.registry import choices
    from MedXAILib.session.choices import ENCODERS

    assert choices() == ENCODERS


def test_looking_ahead_is_on_unless_switched_off_and_stays_so(
    explained: PanelBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    monkeypatch.setattr("MedXAILib.session.look_ahead.IDLE_SECONDS", 0.0)
    bench = explained
    qt.QSettings().remove("MedXAI/LookAhead")
    bench.reload_module()
    bench.start()
    assert bench.ui.aheadCheck.checked and bench.state.look_ahead, "it is not on by default"
    bench.click("explainButton")
    assert bench.pump(lambda: "Preparing the slices around" in bench.ui.statusLabel.text), bench.ui.statusLabel.text
    assert bench.ui.explainButton.enabled and not bench.ui.cancelButton.enabled and not bench.ui.progressBar.visible
    bench.settle()
    assert bench.ui.statusLabel.text == "✔ Explained."
    bench.leave_module()
    assert not bench.state.look_ahead, "it goes on although another module is open"
    bench.return_to_module()
    bench.click("aheadCheck")
    bench.reload_module()
    bench.start()
    assert not bench.ui.aheadCheck.checked and not bench.state.look_ahead
