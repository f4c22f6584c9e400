"""Drawing a region with the mouse, in whatever slice view the user clicks."""

import slicer

from medxai.scene.regions import name_region

from .region_look import style

_ROI_CLASS = "vtkMRMLMarkupsROINode"


class Placing:
    """One drawing at a time; `region` is the node being drawn, None while none is."""

    def __init__(self, scene: "slicer.vtkMRMLScene"):
        self._scene = scene
        self.region: slicer.vtkMRMLMarkupsROINode | None = None

    @property
    def interaction_node(self) -> "slicer.vtkMRMLInteractionNode":
        """The node that says whether the mouse draws."""
        return _singleton(self._scene, "vtkMRMLInteractionNode", "Singleton")

    @property
    def is_drawing(self) -> bool:
        """Whether the mouse draws our region now."""
        node = self.interaction_node
        return self.region is not None and node.GetCurrentInteractionMode() == node.Place

    def start(self, name: str) -> "slicer.vtkMRMLMarkupsROINode":
        """Makes a region and lets the mouse draw it."""
        region = self._scene.AddNewNodeByClass(_ROI_CLASS)
        name_region(region, name)
        region.CreateDefaultDisplayNodes()
        style(region)
        self.region = region
        selection = _singleton(self._scene, "vtkMRMLSelectionNode", "Singleton")
        selection.SetReferenceActivePlaceNodeClassName(_ROI_CLASS)
        selection.SetActivePlaceNodeID(region.GetID())
        node = self.interaction_node
        node.SetPlaceModePersistence(0)
        node.SetCurrentInteractionMode(node.Place)
        return region

    def stop(self) -> None:
        """Gives the mouse back."""
        node = self.interaction_node
        if node.GetCurrentInteractionMode() == node.Place:
            node.SetCurrentInteractionMode(node.ViewTransform)

    def finish(self) -> "slicer.vtkMRMLMarkupsROINode | None":
        """Ends the drawing: the region where it was drawn, None where the user gave up (its node is then gone)."""
        region, self.region = self.region, None
        if region is None or not self._scene.IsNodePresent(region):
            return None
        if not region.GetControlPointPlacementComplete() or region.GetNumberOfControlPoints() == 0:
            self._scene.RemoveNode(region)
            return None
        return region

    def view_under_mouse(self) -> "slicer.vtkMRMLSliceNode | None":
        """The slice view in which the mouse is; None where it is in none."""
        crosshair = self._scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        return crosshair.GetCursorPositionXYZ([0.0] * 3) if crosshair is not None else None


def _singleton(scene: "slicer.vtkMRMLScene", class_name: str, tag: str) -> "slicer.vtkMRMLNode":
    return scene.GetSingletonNode(tag, class_name) or scene.AddNewNodeByClass(class_name)
