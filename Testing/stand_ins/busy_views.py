"""Slicer's four views as far as they keep the main thread busy while a box is dragged.

Measured in Slicer 5.12 with MedXAI while a box was dragged: 35 to 38 % of the main thread's time went into what the views do
when the box moves, 43 to 50 % into drawing, 19 % into writing the map; a turn of the event loop took about 130 ms. The times
here are of that kind, and all of it holds Python's global lock, as in Slicer.
"""

import slicer
import vtk
from PySide6 import QtCore

from . import event_loop

VIEWS = 4
#: What one view does when the box has moved, and what it takes to draw it, in milliseconds.
MOVE_MS, DRAW_MS = 12, 15


class BusyViews:
    """Four views: each acts on every move of the box at once, and is drawn anew when the event loop comes to it.

    Args:
        scene: What changes in it is drawn.
        region: The box.
    """

    def __init__(self, scene: "slicer.vtkMRMLScene", region: "slicer.vtkMRMLMarkupsROINode"):
        self.drawn = 0
        self._timer = QtCore.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)
        self._observed = [(region, region.AddObserver(region.PointModifiedEvent, lambda *_: self._move()))]
        classes = "vtkMRMLScalarVolumeNode", "vtkMRMLSliceCompositeNode", "vtkMRMLSegmentationNode", "vtkMRMLModelNode"
        for class_name in classes:
            for index in range(scene.GetNumberOfNodesByClass(class_name)):
                node = scene.GetNthNodeByClass(index, class_name)
                tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._ask())
                self._observed.append((node, tag))

    def end(self) -> None:
        """Acts on nothing any more."""
        self._timer.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)

    def _move(self) -> None:
        event_loop.wait_ms(VIEWS * MOVE_MS)
        self._ask()

    def _ask(self) -> None:
        if not self._timer.isActive():
            self._timer.start(0)

    def _draw(self) -> None:
        self.drawn += 1
        event_loop.wait_ms(VIEWS * DRAW_MS)
