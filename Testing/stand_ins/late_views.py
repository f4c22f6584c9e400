"""What Slicer's views do of their own accord, and later: layouts make views, controllers move them, legends find them.

Read off Slicer 5.12 in use. The layout manager makes the views that a layout names, and knows only layouts whose
description was registered. A slot that the slice controller of a view has queued sets the view's offset to 0 as soon as
the event loop runs, and the view gets its shape on the screen only then. The legend manager looks in which views a legend
belongs when the legend changes, and never when the views change.
"""

import slicer
import vtk
from PySide6 import QtCore


class LayoutManager:
    """qMRMLLayoutManager, as far as our own layout goes."""

    def __init__(self, scene: "slicer.vtkMRMLScene", layout: "slicer.vtkMRMLLayoutNode"):
        self._scene = scene
        self._layout = layout
        self._logics: dict[str, object] = {}
        self._arrangement = layout.GetViewArrangement()
        layout.AddObserver("ModifiedEvent", lambda *_: self._changed())

    def _changed(self) -> None:
        from medxai.scene import side_by_side

        arrangement, self._arrangement = self._arrangement, self._layout.GetViewArrangement()
        is_known = self._layout.IsLayoutDescription(self._arrangement)
        if arrangement == self._arrangement or self._arrangement != side_by_side.LAYOUT_ID or not is_known:
            return
        for name in side_by_side.VIEWS:
            if name not in self._logics or self._scene.GetSingletonNode(name, "vtkMRMLSliceNode") is None:
                self._logics[name] = self._make(name)
        QtCore.QTimer.singleShot(0, self._later)

    def _make(self, name: str) -> "slicer.vtkMRMLSliceLogic":
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLScene(self._scene)
        view = logic.AddSliceNode(name)
        view.SetOrientation("Axial")
        view.SetDimensions(300, 300, 1)
        return logic

    def _later(self) -> None:
        for name in self._logics:
            view = self._scene.GetSingletonNode(name, "vtkMRMLSliceNode")
            if view is not None:
                view.SetSliceOffset(0.0)
                view.SetDimensions(310, 290, 1)


def legend_rectangle(legend: "slicer.vtkMRMLColorLegendDisplayNode") -> tuple[float, float, float, float]:
    """Left, lower edge, width and height, as shares of the view: as Slicer's legend manager places it (5.10 to 5.13).

    A legend that lies has its thickness first and its length second in its size.
    """
    across, up = legend.GetPosition()
    first, second = legend.GetSize()
    width, height = (second, first) if legend.GetOrientation() == legend.Horizontal else (first, second)
    return across * (1 - width), up * (1 - height), width, height


class LegendManager:
    """The displayable manager of colour legends: in which views each of them is drawn."""

    def __init__(self, scene: "slicer.vtkMRMLScene"):
        self._scene = scene
        self._drawn: dict[str, set[str]] = {}

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def added(_caller: object, _event: str, node: object) -> None:
            if node.IsA("vtkMRMLColorLegendDisplayNode"):
                node.AddObserver("ModifiedEvent", lambda legend, _event: self._look(legend))
                self._look(node)

        scene.AddObserver(scene.NodeAddedEvent, added)

    def views_with(self, overlay: "slicer.vtkMRMLScalarVolumeNode") -> set[str]:
        """The names of the views that draw the legend of an overlay."""
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(overlay)
        return self._drawn.get(legend.GetID(), set()) if legend is not None else set()

    def _look(self, legend: "slicer.vtkMRMLColorLegendDisplayNode") -> None:
        node, views = legend.GetDisplayableNode(), set()
        for index in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            view = self._scene.GetNthNodeByClass(index, "vtkMRMLSliceNode")
            composite = slicer.vtkMRMLSliceLogic.GetSliceCompositeNode(view)
            if node is not None and composite is not None and composite.GetForegroundVolumeID() == node.GetID():
                views.add(view.GetSingletonTag())
        if legend.GetID():
            self._drawn[legend.GetID()] = views if legend.GetVisibility() else set()
