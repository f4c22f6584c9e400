"""The real panel on a real MRML scene, off screen, with a user's hands."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import shiboken6
import slicer
from PySide6 import QtCore, QtWidgets

from support.garbage import collect

from . import event_loop, install, qt_module
from .late_views import LayoutManager, LegendManager

ROOT = Path(__file__).resolve().parents[2]


class PanelBench:
    """One Slicer with MedXAI in it; made by `panel_bench`."""

    def __init__(self, scene: "slicer.vtkMRMLScene", folder: Path, application: QtWidgets.QApplication):
        self.scene = scene
        self.folder = folder
        self.application = application
        self.actions = 0
        layout = slicer.vtkMRMLLayoutNode()
        layout.SetSingletonTag("vtkMRMLLayoutNode")  # as Slicer makes it: it outlives the scene's content
        self.layout = scene.AddNode(layout)
        self.layout_manager = LayoutManager(scene, self.layout)
        self.legends = LegendManager(scene)
        self.crosshair = scene.AddNewNodeByClass("vtkMRMLCrosshairNode")
        self.open_module()

    # The application.

    def open_module(self) -> None:
        """Builds the module's widget and enters it."""
        import qt

        import MedXAI

        self.parent = slicer.qSlicerScriptedLoadableModuleWidget()
        self.parent.setLayout(qt.QVBoxLayout())
        self.widget = MedXAI.MedXAIWidget(self.parent)
        self.widget.setup()
        self.parent._real.python_widget = self.widget
        install.ModuleManager.frame = self.parent
        self.return_to_module()

    def reload_module(self) -> None:
        """The developer's Reload, of the same code: as Slicer does it, the old widgets are only hidden, and the new
        Python widget is set up in the same frame, but not entered."""
        self.widget.cleanup()
        self._set_up_again()

    def press_reload(self) -> None:
        """The developer's Reload button."""
        self.widget.onReload()
        self._set_up_again()

    def _set_up_again(self) -> None:
        import MedXAI

        real = self.parent._real
        for child in real.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            child.hide()
            real.layout().removeWidget(child)
        self.widget = MedXAI.MedXAIWidget(self.parent)
        real.python_widget = self.widget
        self.widget.setup()

    def leave_module(self) -> None:
        self.parent._real.is_entered = False
        self.widget.exit()

    def return_to_module(self) -> None:
        self.parent._real.is_entered = True
        self.widget.enter()

    def quit(self) -> bool:
        """Slicer quits; returns whether the worker has stopped."""
        controller = self.controller
        self.widget.cleanup()
        return controller.close(30)

    def destroy(self) -> None:
        """The widgets end here: left to the garbage collector, they would end in whatever thread it happens to run."""
        install.ModuleManager.frame = None
        shiboken6.delete(self.parent._real)
        self.widget = self.parent = None
        collect()

    def pump(self, condition: Callable[[], bool] = lambda: False, limit_s: float = 60.0) -> bool:
        """Lets Qt work until the condition holds; whether it came to hold within the limit."""
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                return False
            event_loop.process_events()
            event_loop.wait_ms(1)
        return True

    def settle(self) -> None:
        """Until nothing is under way any more."""
        assert self.pump(lambda: not self.controller.wants_ticks, 30), (
            f"the panel does not come to rest: {self.controller.state.phase}"
        )

    def start(self) -> None:
        """Until the panel has started."""
        assert self.pump(lambda: self.controller.state.started), f"the panel did not start: {self.controller.state}"
        self.settle()

    # Short words.

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def panel(self) -> Any:
        return self.widget.panel

    @property
    def controller(self) -> Any:
        return self.widget.panel.controller

    @property
    def state(self) -> Any:
        return self.controller.state

    @property
    def drawing(self) -> Any:
        """The box and how it is drawn."""
        return self.widget.panel.drawing

    @property
    def engine(self) -> Any:
        """The engine of panel and console."""
        return self.widget.logic.engine

    @property
    def parameters(self) -> Any:
        return self.widget.panel.parameters

    @property
    def red(self) -> "slicer.vtkMRMLSliceNode":
        return self.scene.GetSingletonNode("Red", "vtkMRMLSliceNode")

    # The user's hands; a press on something that is disabled does nothing, as in Qt.

    def click(self, name: str) -> None:
        self.actions += 1
        QtWidgets.QAbstractButton.click(getattr(self.ui, name)._real)

    def choose(self, name: str, value: str) -> None:
        """Picks an item of a list by its value."""
        self.actions += 1
        box = getattr(self.ui, name)._real
        if box.isEnabled():
            index = box.findData(value)
            assert index >= 0, f"{name} has no item {value!r}"
            box.setCurrentIndex(index)
            box.activated.emit(index)

    def slide(self, name: str, value: int) -> None:
        self.actions += 1
        slider = getattr(self.ui, name)._real
        if slider.isEnabled():
            slider.setValue(value)

    def answer(self, path: str) -> None:
        """What the next file dialog is answered with; empty: cancelled."""
        qt_module.FileDialog.answers.append(path)

    def draw(
        self, image: Any, box: Any, view: "slicer.vtkMRMLSliceNode | None" = None
    ) -> "slicer.vtkMRMLMarkupsROINode":
        """Presses Draw, and drags a box with the mouse in a view."""
        from medxai.scene.regions import roi_of_box

        self.click("drawButton")
        region = self.panel.drawing.region
        assert region is not None, "the Draw button started no drawing"
        self.actions += 1
        self.crosshair.SetCursorPositionXYZ([0.0, 0.0, 0.0], view or self.red)
        model = roi_of_box(self.scene, "model of the mouse", box, image, self.parameters.volume)
        region.SetRadiusXYZ(0, 0, 0)
        region.GetObjectToNodeMatrix()
        region.SetAndObserveObjectToNodeMatrix(model.GetObjectToNodeMatrix())
        width, height, _ = model.GetSize()
        region.SetSize(width, height, min(width, height))  # as in Slicer, a box is as deep as it is wide
        region.SetAndObserveTransformNodeID(model.GetTransformNodeID())
        self.scene.RemoveNode(model)
        self.end_drawing()
        return region

    def end_drawing(self) -> None:
        """The mouse is given back: after the last click, or after Esc."""
        node = self.panel.drawing.interaction_node
        node.SetCurrentInteractionMode(node.ViewTransform)

    def drag(self, region: "slicer.vtkMRMLMarkupsROINode", across_mm: float, down_mm: float = 0.0) -> None:
        """Moves a region by its middle handle."""
        self.actions += 1
        centre = np.zeros(3)
        region.GetCenterWorld(centre)
        region.SetCenterWorld(*(centre + np.array([across_mm, down_mm, 0])))

    def scroll(self, view: "slicer.vtkMRMLSliceNode", offset_mm: float) -> None:
        self.actions += 1
        view.SetSliceOffset(offset_mm)

    def load(self, volume: Any, name: str | None = None) -> "slicer.vtkMRMLScalarVolumeNode":
        """Loads a volume as Slicer does: a node, shown in all slice views."""
        from medxai.scene.geometry import matrix_of

        self.actions += 1
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name or volume.name)
        node.SetIJKToRASMatrix(matrix_of(volume.ijk_to_ras_mm))
        slicer.util.updateVolumeFromArray(node, volume.voxels)
        node.CreateDefaultDisplayNodes()
        slicer.util.setSliceViewerLayers(background=node, fit=True)
        return node

    def picture(self, path: Path, width: int = 460) -> None:
        """A picture of the panel as it is now."""
        real = self.parent._real
        real.resize(width, 100)
        real.show()
        self.application.processEvents()
        for _ in range(3):  # a section knows its height only once its labels have their width
            real.resize(width, max(real.layout().minimumHeightForWidth(width), real.minimumSizeHint().height()))
            self.application.processEvents()
        real.grab().save(str(path))
        real.hide()


@contextmanager
def panel_bench(folder: Path) -> Iterator[PanelBench]:
    """A fresh scene, fresh settings, and the module opened in them; models are looked for in `folder`/models."""
    from medxai.scene.headless import headless_scene, quiet_vtk

    application = install.install(folder)
    if str(ROOT / "MedXAI") not in sys.path:
        sys.path.insert(0, str(ROOT / "MedXAI"))
    qt_module.FileDialog.answers.clear()
    settings = QtCore.QSettings(str(folder / "settings.ini"), QtCore.QSettings.Format.IniFormat)
    settings.setValue("MedXAI/ModelFolder", str(folder / "models"))
    settings.setValue("MedXAI/LookAhead", False)  # else every test would wait for the slices around
    settings.sync()
    with quiet_vtk(), no_unseen_errors(), headless_scene() as scene:
        bench = PanelBench(scene, folder, application)
        try:
            yield bench
        finally:
            if bench.panel is not None:
                bench.quit()
            bench.destroy()


@contextmanager
def no_unseen_errors() -> Iterator[None]:
    """An exception in a slot or an observer is only printed by Qt and VTK; here it fails the test."""
    errors: list[BaseException] = []
    before, sys.excepthook = sys.excepthook, lambda _kind, error, _trace: errors.append(error)
    try:
        yield
    finally:
        sys.excepthook = before
    if errors:
        raise AssertionError(f"{len(errors)} exceptions in slots or observers, the first: {errors[0]!r}") from errors[0]
