"""Further cases of `self_test`, in Slicer and without it: one for each thing that a user can do with the panel."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from medxai.contour.result import ContourKind
from medxai.limits import LIMITS_SHORT
from medxai.maps import OWN_MAPS_SHOWN, STAGE1, STAGE3
from medxai.scene import side_by_side
from medxai.scene.headless import load_scene_bundle, save_scene_bundle
from medxai.scene.overlays import drawn_opacity
from medxai.scene.regions import set_depth
from medxai.scene.views import composite_of
from medxai.scene.working_result import WorkingResult, find_working
from MedXAILib.session.state import Phase

from .map_list import MAP_BUTTONS
from .sample_data import load_phantom
from .self_test import SelfTestCases


class FeatureCases(SelfTestCases):
    """A mixin for unittest.TestCase; needs what `SelfTestCases` needs."""

    # The console.

    def test_logic_tells_models_explainers_and_mistakes(self) -> None:
        logic = self.logic()
        self.assertIn("demo", logic.modelNames())
        self.assertIn("box", logic.explainerNames())
        with self.assertRaisesRegex(Exception, "No volume is chosen"):
            logic.explain(None, None, model="demo")

    def test_console_explains_several_organs_in_one_go(self) -> None:
        _, node, roi = self._case()
        roi.SetName("liver")
        done = self.logic().explainOrgans(node, [roi, roi], ["liver", "spleen"], model="demo", device="cpu")
        self.assertEqual(done.segmentation_node.GetSegmentation().GetNumberOfSegments(), 2)
        self.assertEqual(done.table_node.GetNumberOfRows(), 2)
        self.assertIn("spleen", done.stage_node("spleen", 3).GetName())

    # Before the first map.

    def test_panel_says_its_limits_and_what_to_do_next(self) -> None:
        widget = self.widget()
        self._wait(lambda: widget.panel.controller.state.started)
        ui = widget.ui
        self.assertEqual(ui.limitsLabel.text, LIMITS_SHORT)
        ui.limitsButton.click()
        self.assertIn("not for diagnosis", ui.limitsDetails.text)
        ui.limitsButton.click()
        self.assertIn("Load a CT or MR volume", ui.statusLabel.text)
        self.assertFalse(ui.explainButton.enabled)
        for name in ("modelSelector", "deviceSelector", "encoderSelector", "windowSelector", "presetSelector"):
            self.assertGreater(getattr(ui, name).count, 1, name)

    def test_the_phantom_loads_and_its_modality_is_told(self) -> None:
        widget = self.widget()
        self._wait(lambda: widget.panel.controller.state.started)
        (node,) = load_phantom()
        self._wait(lambda: widget.ui.volumeSelector.currentNode() is node)
        self._wait(lambda: "Taken as CT, as the scene says" in widget.ui.modalityLabel.text)
        widget.panel.parameters.modality = "MR"
        self._wait(lambda: "Taken as MR, as you chose" in widget.ui.modalityLabel.text)
        self.assertGreaterEqual(widget.ui.modalitySelector.currentIndex, 0)

    def test_a_box_is_drawn_and_a_move_taken_back(self) -> None:
        widget = self._panel_with_a_case()
        panel, region = widget.panel, widget.ui.regionSelector.currentNode()
        widget.ui.drawButton.click()
        drawn = panel.drawing.region
        self.assertTrue(panel.drawing.is_drawing)
        drawn.SetRadiusXYZ(0, 0, 0)
        centre = np.zeros(3)
        region.GetCenterWorld(centre)
        drawn.SetCenterWorld(*centre)
        drawn.SetSize(*region.GetSize())
        panel.drawing.interaction_node.SetCurrentInteractionMode(panel.drawing.interaction_node.ViewTransform)
        self._wait(lambda: widget.ui.regionSelector.currentNode() is drawn and not widget.ui.drawButton.checked)
        self._pause(0.5)  # a move is a move of its own after a rest
        drawn.SetCenterWorld(centre[0] + 9, centre[1], centre[2])
        self._wait(lambda: widget.ui.undoButton.enabled)
        widget.ui.undoButton.click()
        moved = np.zeros(3)
        drawn.GetCenterWorld(moved)
        np.testing.assert_allclose(moved, centre, atol=1e-3)

    def test_a_box_in_the_middle_is_as_deep_as_asked_for(self) -> None:
        widget = self._panel_with_a_case()
        widget.ui.addButton.click()
        region = widget.ui.regionSelector.currentNode()
        depth = widget.ui.depthSpin.value
        set_depth(region, widget.ui.volumeSelector.currentNode(), widget.ui.viewSelector.currentNode(), depth)
        self._wait(lambda: widget.panel.controller.state.can_explain)

    def test_the_organ_is_followed_through_the_slices(self) -> None:
        widget = self._panel_with_a_case()
        widget.panel.parameters.model = "demo"
        controller = widget.panel.controller
        self._wait(lambda: controller.state.can_follow)
        widget.ui.throughButton.click()
        self._wait(lambda: controller.state.followed is not None and not controller.state.is_busy)
        result = controller.state.followed.result
        shown = slicer.mrmlScene.GetNodeByID(composite_of(self._red()).GetForegroundVolumeID())
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(shown), result.map_volume(result.map_ids[0]))
        self.assertIn(f"Slices {result.accepted[0].index} to", widget.ui.throughLabel.text)
        if result.alarms:
            widget.ui.alarmButton.click()

    def test_marked_boxes_are_explained_together(self) -> None:
        widget = self._panel_with_a_case()
        widget.panel.parameters.model = "demo"
        ui, controller, first = widget.ui, widget.panel.controller, widget.ui.regionSelector.currentNode()
        first.SetName("liver")
        ui.addButton.click()
        self._wait(lambda: len(controller.state.snapshot.boxes) == 2)
        self.assertGreater(ui.organ1Selector.currentIndex, 0)
        self.assertFalse(ui.organ1Check.checked)  # the panel did not draw it
        ui.organ1Check.click()
        self._wait(lambda: len(controller.state.snapshot.together) == 2 and controller.state.can_explain)
        ui.explainButton.click()
        self._wait(lambda: controller.state.shown_organs is not None and not controller.state.is_busy)
        names = [one.organ.name for one in controller.state.organs.organs]
        self.assertEqual(names[0], "liver")
        self.assertIn("cm²", ui.organsLabel.text)

    # Looking at maps.

    def test_every_map_is_shown_with_every_look(self) -> None:
        widget = self._explained()
        ui, parameters = widget.ui, widget.panel.parameters
        composite = composite_of(self._red())
        for info in OWN_MAPS_SHOWN:
            getattr(ui, MAP_BUTTONS[info.key]).click()
            self.assertEqual(composite.GetForegroundVolumeID(), self._found(widget).overlays[info.key].GetID())
        ui.stage3Button.click()
        node = self._found(widget).overlays[STAGE3.key]
        weighted = slicer.util.arrayFromVolume(node).copy()
        ui.weightedCheck.click()
        self.assertFalse(np.array_equal(slicer.util.arrayFromVolume(node), weighted))
        own = node.GetDisplayNode().GetWindowLevelMax()
        ui.scaleCheck.click()
        self.assertNotEqual(node.GetDisplayNode().GetWindowLevelMax(), own)
        ui.opacitySlider.value = 30
        self.assertAlmostEqual(composite.GetForegroundOpacity(), drawn_opacity(node, 0.3), places=5)
        low = node.GetDisplayNode().GetLowerThreshold()
        ui.thresholdSlider.value = 60
        self.assertGreater(node.GetDisplayNode().GetLowerThreshold(), low)
        parameters.colours = "viridis"
        self.assertEqual(node.GetDisplayNode().GetColorNode().GetName(), "MedXAI viridis")
        self.assertGreaterEqual(ui.coloursSelector.currentIndex, 1)
        for key in ("weightedCheck", "scaleCheck"):
            getattr(ui, key).click()

    def test_the_contour_check_draws_its_kinds_and_follows_the_box(self) -> None:
        widget = self._explained()
        ui, controller = widget.ui, widget.panel.controller
        ui.contourButton.click()
        found = self._found(widget)
        self.assertEqual(set(found.contour), set(ContourKind))
        self.assertFalse(composite_of(self._red()).GetForegroundVolumeID())
        self._wait(lambda: controller.state.result.contour.follows_box is not None and not controller.state.running)
        self.assertIn("follows your box", ui.contourLabel.text)
        self.assertIn("AUROC", ui.figuresLabel.text)
        drawn = sum(node.GetPolyData().GetNumberOfCells() for node in found.contour.values())
        self.assertGreater(drawn, 20)
        self.assertTrue(all(node.GetDisplayNode().GetVisibility() for node in found.contour.values()))
        ui.stage3Button.click()
        self.assertFalse(any(node.GetDisplayNode().GetVisibility() for node in found.contour.values()))
        self.assertFalse(ui.contourLabel.visible)

    def test_map_outline_and_legend_are_switched_by_button_and_key(self) -> None:
        widget = self._explained()
        ui, keys, composite = widget.ui, widget.panel.keys(), composite_of(self._red())
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(self._found(widget).overlays[STAGE3.key])
        self.assertTrue(legend.GetVisibility())
        ui.legendCheck.click()
        self.assertFalse(legend.GetVisibility())
        ui.legendCheck.click()
        ui.segmentationCheck.click()
        self.assertFalse(self._found(widget).segmentation.GetDisplayNode().GetVisibility())
        ui.segmentationCheck.click()
        keys["map_on_and_off"]()
        self.assertFalse(ui.overlayCheck.checked or composite.GetForegroundVolumeID())
        keys["map_on_and_off"]()
        keys["next_map"]()
        self.assertTrue(ui.interactionButton.checked)
        keys["map_before"]()
        layer = ui.layerSlider.value
        keys["layer_before"]()
        self.assertEqual(ui.layerSlider.value, layer - 1)
        self.assertIn("inside the segmented organ", ui.figuresLabel.text)

    def test_the_stages_stand_side_by_side_and_go_back(self) -> None:
        widget = self._explained()
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        before = layout.GetViewArrangement()
        widget.ui.sideCheck.click()
        self._wait(lambda: len(side_by_side.own_views(slicer.mrmlScene)) == 4)
        self._pause(0.5)  # Slicer still moves new views
        for view in side_by_side.own_views(slicer.mrmlScene):
            key = side_by_side.VIEWS[view.GetSingletonTag()]
            shown = composite_of(view).GetForegroundVolumeID()
            self.assertEqual(shown, self._found(widget).overlays[key].GetID())
            self.assertAlmostEqual(view.GetSliceOffset(), self._red().GetSliceOffset(), places=2)
        widget.ui.sideCheck.click()
        self.assertEqual(layout.GetViewArrangement(), before)

    def test_a_baseline_is_compared(self) -> None:
        widget = self._explained()
        controller = widget.panel.controller
        self.assertGreater(widget.ui.comparisonSelector.count, 1)
        widget.panel.parameters.map = "box"
        self._wait(lambda: bool(controller.state.result.comparisons))
        self.assertIn("box", self._found(widget).overlays)
        widget.ui.stage1Button.click()
        self.assertEqual(controller.state.view.map_key, STAGE1.key)

    # Going on.

    def test_old_maps_are_called_old_and_work_is_cancelled(self) -> None:
        widget = self._explained()
        ui, controller = widget.ui, widget.panel.controller
        ui.liveCheck.click()
        ui.allLayersCheck.click()
        self._wait(lambda: controller.state.phase is Phase.STALE)
        self.assertIn("older than", ui.statusLabel.text)
        ui.explainButton.click()
        ui.cancelButton.click()
        self.assertIsNot(controller.state.phase, Phase.RUNNING)
        ui.enhanceCheck.click()
        self._wait(lambda: controller.state.can_explain)
        ui.explainButton.click()
        self._wait(lambda: controller.state.phase is Phase.RESULT)
        self.assertGreater(len(controller.state.result.encoding.layers), 5)
        for check in (ui.allLayersCheck, ui.enhanceCheck, ui.liveCheck):
            check.click()

    def test_files_are_written(self) -> None:
        widget = self._explained()
        controller = widget.panel.controller
        self.assertTrue(widget.ui.exportButton.enabled)
        with tempfile.TemporaryDirectory() as folder:
            controller.export(folder)  # the button asks for the folder first
            self._wait(lambda: not controller.state.is_busy)
            written = {path.name for path in Path(folder).iterdir()}
        self.assertLessEqual({"report.html", "panels.png", "explanation.json", "segmentation.nrrd"}, written)

    def test_without_dicom_images_no_dicom_objects_are_made_up(self) -> None:
        widget = self._explained()
        controller = widget.panel.controller
        widget.ui.dicomCheck.click()
        with tempfile.TemporaryDirectory() as folder:
            controller.export(folder, widget.ui.dicomCheck.checked)
            self._wait(lambda: "was not loaded from DICOM" in widget.ui.statusLabel.text)
            self.assertEqual(list(Path(folder).iterdir()), [])
        widget.ui.dicomCheck.click()

    def test_kept_maps_stay(self) -> None:
        widget = self._explained()
        kept = self._found(widget).overlays[STAGE3.key]
        widget.ui.keepButton.click()
        self.assertIn("kept", kept.GetName())
        self._wait(lambda: widget.ui.explainButton.enabled)
        widget.ui.explainButton.click()
        self._wait(lambda: self._found(widget) is not None)
        self.assertIsNot(self._found(widget).overlays[STAGE3.key], kept)

    def test_a_saved_scene_opens_with_its_maps(self) -> None:
        widget = self._explained()
        widget.ui.stage1Button.click()
        with tempfile.TemporaryDirectory() as folder:
            save_scene_bundle(slicer.mrmlScene, Path(folder) / "s.mrb")
            slicer.mrmlScene.Clear(0)
            load_scene_bundle(slicer.mrmlScene, Path(folder) / "s.mrb")
        self._wait(lambda: widget.ui.regionSelector.currentNode() is not None)
        self._wait(lambda: widget.ui.stage1Button.enabled)
        self.assertTrue(widget.ui.stage1Button.checked and self._found(widget).is_whole)

    def test_memory_is_told_and_freed(self) -> None:
        widget = self._explained()
        self.assertGreater(self.logic().engine.held_bytes, 0)
        self.assertGreater(widget.ui.budgetSpin.value, 0)
        ahead = widget.ui.aheadCheck.checked
        widget.ui.aheadCheck.click()
        widget.ui.freeButton.click()
        self.assertEqual(self.logic().engine.held_bytes, 0)
        self.assertIn(" 0 MB", widget.ui.memoryLabel.text)
        widget.ui.aheadCheck.click()
        self.assertEqual(widget.ui.aheadCheck.checked, ahead)

    # What they share.

    def _explained(self) -> Any:
        widget = self._panel_with_a_case()
        widget.panel.parameters.model = "demo"
        self._wait(lambda: widget.panel.controller.state.can_explain)
        widget.ui.explainButton.click()
        controller = widget.panel.controller
        self._wait(lambda: controller.state.result is not None and not controller.state.is_busy)
        return widget

    def _found(self, widget: Any) -> WorkingResult | None:
        return find_working(widget.ui.volumeSelector.currentNode(), widget.ui.regionSelector.currentNode())
