"""Maps whose values below 0 mean the opposite: colours that diverge from 0, whatever was chosen for the others."""

from pathlib import Path

import slicer

from medxai.maps import STAGE3
from medxai.scene.headless import load_scene_bundle, save_scene_bundle
from medxai.scene.views import composite_of
from stand_ins.panel_bench import PanelBench
from support.panel_scene import overlay


def opacity_at(node: "slicer.vtkMRMLScalarVolumeNode", value: float) -> float:
    """Of the colour that a node's table has for a raw value."""
    display, colour = node.GetDisplayNode(), [0.0] * 4
    table = display.GetColorNode()
    share = (value - display.GetWindowLevelMin()) / (display.GetWindowLevelMax() - display.GetWindowLevelMin())
    table.GetColor(round(share * (table.GetNumberOfColors() - 1)), colour)
    return colour[3]


def test_a_part_of_the_ledger_is_seen_below_and_above_0(explained: PanelBench, tmp_path: Path) -> None:
    bench, ui = explained, explained.ui
    bench.choose("comparisonSelector", "ledger/mask")
    assert bench.pump(lambda: bool(bench.state.result.comparisons)), bench.state.message
    bench.settle()
    node = overlay(bench, "ledger/mask")
    assert composite_of(bench.red).GetForegroundVolumeID() == node.GetID()
    display = node.GetDisplayNode()
    reach = display.GetWindowLevelMax()
    assert display.GetWindowLevelMin() == -reach and display.GetLowerThreshold() < -reach
    assert opacity_at(node, -reach) == opacity_at(node, reach) == 1 and opacity_at(node, 0) < 0.02
    assert "blue below 0, orange above" in ui.mapLabel.text and "against the mask" in ui.mapLabel.text
    assert "inside the segmented organ" not in ui.figuresLabel.text, "half of a signed map's mass is no mass"
    assert not ui.thresholdSlider.enabled and not ui.coloursSelector.enabled and ui.opacitySlider.enabled
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    assert "below 0 against the mask, above 0 for it" in legend.GetTitleText()
    others = {overlay(bench, f"ledger/{part}").GetDisplayNode().GetWindowLevelMax() for part in ("image", "constant")}
    assert others == {reach}, "parts of one whole are on one range"
    bench.click("stage3Button")
    assert ui.thresholdSlider.enabled and opacity_at(overlay(bench, STAGE3.key), 0) == 0
    bench.choose("comparisonSelector", "ledger/mask")
    bench.settle()
    save_scene_bundle(bench.scene, tmp_path / "scene.mrb")
    bench.scene.Clear(False)
    bench.settle()
    load_scene_bundle(bench.scene, tmp_path / "scene.mrb")
    bench.settle()
    loaded = overlay(bench, "ledger/mask")
    assert opacity_at(loaded, -reach) == opacity_at(loaded, reach) == 1 and opacity_at(loaded, 0) < 0.02
