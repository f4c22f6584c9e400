"""Cases that run inside Slicer (as `MedXAITest`) and without it (Testing/tests/panel/test_self_test.py), on any scene.

They use only what both have: `slicer.mrmlScene`, `slicer.util`, `slicer.app.processEvents`, the module's logic and widget.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer

from medxai.maps import STAGE1
from medxai.scene.geometry import matrix_of, world_from_ijk
from medxai.scene.regions import roi_of_box
from medxai.scene.views import look_at, slice_view
from medxai.scene.working_result import find_working
from medxai.slice.box import PixelBox
from medxai.slice.slice_image import slice_of
from medxai.volume.volume import Modality, Volume, make_volume
from MedXAILib.session.state import Phase

_BOX = PixelBox(20, 18, 44, 42)
_INDEX = 6
_LIMIT_S = 120.0


class SelfTestCases:
    """A mixin for unittest.TestCase. `logic`: a new MedXAILogic; `widget`: the module's widget, set up and entered."""

    def logic(self) -> Any:
        """A new logic of the module."""
        raise NotImplementedError

    def widget(self) -> Any:
        """The module's widget."""
        raise NotImplementedError

    # The logic.

    def test_logic_puts_the_maps_exactly_on_the_slice(self) -> None:
        volume, node, roi = self._case()
        result = self.logic().explain(node, roi, model="demo", device="cpu")
        overlay = result.stage_node(3)
        self.assertEqual(slicer.util.arrayFromVolume(overlay).shape[0], 1)
        first_pixel = world_from_ijk(node) @ [0, 0, _INDEX, 1]
        np.testing.assert_allclose(world_from_ijk(overlay) @ [0, 0, 0, 1], first_pixel, atol=1e-3)
        self.assertEqual(overlay.GetAttribute("MedXAI.SliceIndex"), str(_INDEX))
        self.assertEqual(result.explanation.box.box, _BOX)
        self.assertGreater(np.count_nonzero(result.explanation.segmentation.mask), 0)
        del volume

    def test_logic_honours_the_volumes_transform(self) -> None:
        _, node, roi = self._case()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "turned")
        turned = np.array([[0, -1, 0, 30], [1, 0, 0, -20], [0, 0, 1, 5], [0, 0, 0, 1]], float)
        transform.SetMatrixTransformToParent(matrix_of(turned))
        node.SetAndObserveTransformNodeID(transform.GetID())
        roi.SetAndObserveTransformNodeID(transform.GetID())
        look_at(self._red(), node, slice_of(_ball(), "axial", _INDEX))
        result = self.logic().explain(node, roi, model="demo", device="cpu")
        self.assertEqual(result.explanation.box.box, _BOX)
        overlay = result.stage_node(1)
        np.testing.assert_allclose(
            world_from_ijk(overlay) @ [3, 4, 0, 1], world_from_ijk(node) @ [3, 4, _INDEX, 1], atol=1e-3
        )

    # The panel.

    def test_panel_explains_and_goes_through_the_layers(self) -> None:
        widget = self._panel_with_a_case()
        ui, controller = widget.ui, widget.panel.controller
        ui.explainButton.click()
        self._wait(lambda: controller.state.result is not None)
        found = find_working(ui.volumeSelector.currentNode(), ui.regionSelector.currentNode())
        self.assertTrue(found.is_whole)
        ui.stage1Button.click()
        names = controller.state.result.encoding.layers
        for index, name in enumerate(names):
            ui.layerSlider.value = index
            self.assertEqual(found.overlays[STAGE1.key].GetAttribute("MedXAI.Layer"), name)

    def test_panel_follows_the_box(self) -> None:
        widget = self._panel_with_a_case()
        controller = widget.panel.controller
        widget.ui.explainButton.click()
        self._wait(lambda: controller.state.result is not None)
        region = widget.ui.regionSelector.currentNode()
        centre = np.zeros(3)
        region.GetCenterWorld(centre)
        region.SetCenterWorld(centre[0] + 6, centre[1], centre[2])
        self._wait(lambda: controller.state.explained.box.first_column == _BOX.first_column + 2)

    def test_panel_survives_a_scene_that_is_closed_while_it_computes(self) -> None:
        widget = self._panel_with_a_case()
        controller = widget.panel.controller
        widget.ui.explainButton.click()
        slicer.mrmlScene.Clear(0)
        self._wait(lambda: not controller.wants_ticks)
        self.assertIs(controller.state.phase, Phase.NOT_READY)
        self.assertIsNone(controller.state.result)
        self._case()
        self._wait(lambda: controller.state.can_explain)

    # What they share.

    def _case(self) -> "tuple[Volume, slicer.vtkMRMLScalarVolumeNode, slicer.vtkMRMLMarkupsROINode]":
        volume = _ball()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", volume.name)
        node.SetIJKToRASMatrix(matrix_of(volume.ijk_to_ras_mm))
        slicer.util.updateVolumeFromArray(node, volume.voxels)
        node.CreateDefaultDisplayNodes()
        image = slice_of(volume, "axial", _INDEX)
        look_at(self._red(), node, image)
        return volume, node, roi_of_box(slicer.mrmlScene, "region", _BOX, image, node)

    def _panel_with_a_case(self) -> Any:
        widget = self.widget()
        controller = widget.panel.controller
        self._wait(lambda: controller.state.started)
        _, node, roi = self._case()
        widget.ui.volumeSelector.setCurrentNode(node)
        widget.ui.viewSelector.setCurrentNode(self._red())
        widget.ui.regionSelector.setCurrentNode(roi)
        self._wait(lambda: controller.state.can_explain)
        return widget

    def _red(self) -> "slicer.vtkMRMLSliceNode":
        return slice_view(slicer.mrmlScene, "Red")

    def _pause(self, seconds: float) -> None:
        """Lets Slicer do what it does later."""
        end = time.monotonic() + seconds
        self._wait(lambda: time.monotonic() > end)

    def _wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + _LIMIT_S
        while not condition():
            self.assertLess(time.monotonic(), end, "timeout")
            slicer.app.processEvents()
            time.sleep(0.005)


def _ball() -> Volume:
    shape = (12, 60, 64)
    k, j, i = np.indices(shape)
    inside = ((k - 6) * 3) ** 2 + (j - 30) ** 2 + (i - 32) ** 2 < 18**2
    voxels = np.where(inside, 120, 30) + np.random.default_rng(0).normal(0, 15, shape)
    voxels[:, :4] = -1000
    return make_volume("ball", voxels.astype(np.int16), np.diag([3.0, 3.0, 5.0, 1.0]), Modality.CT)
