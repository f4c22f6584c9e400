"""The stages beside each other in linked slice views."""

import json

import slicer

from MedXAILib.session.choices import MapKind

from .geometry import array_of
from .views import composite_of, slice_view

#: Slicer's own layouts have numbers below 100.
LAYOUT_ID = 5304
#: View names (singleton tags), with the map that each shows.
VIEWS = {
    "MedXAIStage1": MapKind.STAGE1,
    "MedXAIStage2": MapKind.STAGE2,
    "MedXAIStage3": MapKind.STAGE3,
    "MedXAITerminal": MapKind.TERMINAL,
}
_TITLES = {"MedXAIStage1": "S1", "MedXAIStage2": "S2", "MedXAIStage3": "S3", "MedXAITerminal": "T"}
_ROW = '<item><layout type="horizontal">{}</layout></item>'
_VIEW = (
    '<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
    '<property name="orientation" action="default">Axial</property>'
    '<property name="viewlabel" action="default">{title}</property>'
    '<property name="viewcolor" action="default">#7A5FA0</property>'
    '<property name="viewgroup" action="default">{group}</property></view></item>'
)
_GROUP = 53
_BEFORE = "MedXAI.LayoutBefore"
#: Of which plane of the other view a view has taken over place and zoom.
_PLANE = "MedXAI.Plane"


def layout_description() -> str:
    """Slicer's XML of the layout: two rows of two views."""
    cells = [_VIEW.format(name=name, title=_TITLES[name], group=_GROUP) for name in VIEWS]
    return '<layout type="vertical">{}</layout>'.format("".join(_ROW.format("".join(cells[i : i + 2])) for i in (0, 2)))


def lay_out(scene: "slicer.vtkMRMLScene", is_on: bool) -> None:
    """Changes to the layout, or back to the one before; nothing where the scene has no layout."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        return
    if is_on and layout.GetViewArrangement() != LAYOUT_ID:
        layout.SetAttribute(_BEFORE, str(layout.GetViewArrangement()))
        if not layout.IsLayoutDescription(LAYOUT_ID):
            layout.AddLayoutDescription(LAYOUT_ID, layout_description())
        layout.SetViewArrangement(LAYOUT_ID)
    elif not is_on and layout.GetViewArrangement() == LAYOUT_ID:
        before = layout.GetAttribute(_BEFORE)
        layout.SetViewArrangement(int(before) if before else slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def is_laid_out(scene: "slicer.vtkMRMLScene") -> bool:
    """Whether the views stand beside each other now; the user may have changed the layout by other means."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    return layout is not None and layout.GetViewArrangement() == LAYOUT_ID


def fill(
    like: "slicer.vtkMRMLSliceNode",
    volume: "slicer.vtkMRMLScalarVolumeNode",
    overlays: "dict[MapKind, slicer.vtkMRMLScalarVolumeNode]",
    opacity: float,
) -> "list[slicer.vtkMRMLSliceNode]":
    """Gives every view its map, the plane of the view `like`, and a link to the others; returns the views that exist.

    Plane and zoom are taken over once for each plane of `like`: what the user does in these views stays until then.
    """
    plane = json.dumps([round(value, 4) for value in array_of(like.GetSliceToRAS()).ravel().tolist()])
    filled = []
    for name, kind in VIEWS.items():
        view = slice_view(volume.GetScene(), name)
        if view is None or kind not in overlays:
            continue
        composite = composite_of(view)
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetForegroundVolumeID(overlays[kind].GetID())
        composite.SetForegroundOpacity(opacity)
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)
        filled.append(view)
        if view.GetAttribute(_PLANE) == plane:
            continue
        view.SetAttribute(_PLANE, plane)
        # The view keeps its own shape on the screen; the height in millimetres and the plane are the other view's.
        view.GetSliceToRAS().DeepCopy(like.GetSliceToRAS())
        width, height, _ = view.GetDimensions()
        field = like.GetFieldOfView()
        view.SetFieldOfView(field[1] * width / max(height, 1), field[1], field[2])
        view.UpdateMatrices()
    return filled
