"""Tells when one of the chosen nodes, or the scene, has changed; it says only that, not what."""

from collections.abc import Callable, Iterable

import slicer
import vtk
from slicer.util import VTKObservationMixin


class Watch(VTKObservationMixin):
    """Observes a set of nodes; `follow` exchanges the set, `stop` ends everything.

    Args:
        on_change: Called after each event.
        events_of: The events of a node; by default all that change what is explained.
    """

    def __init__(self, on_change: Callable[[], None], events_of: "Callable[[slicer.vtkMRMLNode], tuple] | None" = None):
        VTKObservationMixin.__init__(self)
        self._on_change = on_change
        self._events_of = events_of or _events_of
        self._nodes: list[object] = []

    def follow(self, nodes: "Iterable[slicer.vtkMRMLNode | None]") -> None:
        """Observes these nodes instead of those before; None is left out."""
        wanted = [node for node in nodes if node is not None]
        if wanted == self._nodes:
            return
        self.stop()
        self._nodes = wanted
        for node in wanted:
            for event in self._events_of(node):
                self.addObserver(node, event, self._changed)

    def stop(self) -> None:
        """Observes nothing."""
        self.removeObservers()
        self._nodes = []

    def _changed(self, _caller: object, _event: str) -> None:
        self._on_change()


def _events_of(node: "slicer.vtkMRMLNode") -> tuple[int, ...]:
    events = [vtk.vtkCommand.ModifiedEvent]
    if node.IsA("vtkMRMLTransformableNode"):
        events.append(slicer.vtkMRMLTransformableNode.TransformModifiedEvent)
    if node.IsA("vtkMRMLVolumeNode"):
        events.append(slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent)
    if node.IsA("vtkMRMLMarkupsNode"):
        events += [slicer.vtkMRMLMarkupsNode.PointModifiedEvent, slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent]
        events.append(slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent)  # a region that is hidden is left out
    return tuple(events)
