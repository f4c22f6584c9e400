"""The stages beside each other in linked slice views."""

import json
from collections.abc import Mapping

import slicer

from ..maps import STAGE1, STAGE2, STAGE3, TERMINAL
from .geometry import array_of
from .overlays import drawn_opacity
from .views import composite_of, slice_view

#: Slicer's own layouts have numbers below 100.
LAYOUT_ID = 5304
#: View names (singleton tags), with the map that each shows.
VIEWS = {
    "MedXAIStage1": STAGE1.key,
    "MedXAIStage2": STAGE2.key,
    "MedXAIStage3": STAGE3.key,
    "MedXAITerminal": TERMINAL.key,
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
#: Where a view was placed, and the shape that it had then.
_PLANE, _SHAPE = "MedXAI.Plane", "MedXAI.Shape"


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
        register(scene)
        forget_places(scene)
        layout.SetViewArrangement(LAYOUT_ID)
    elif not is_on and layout.GetViewArrangement() == LAYOUT_ID:
        before = layout.GetAttribute(_BEFORE)
        layout.SetViewArrangement(int(before) if before else slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)


def is_laid_out(scene: "slicer.vtkMRMLScene") -> bool:
    """Whether the views stand beside each other now; the user may have changed the layout by other means."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    return layout is not None and layout.GetViewArrangement() == LAYOUT_ID


def register(scene: "slicer.vtkMRMLScene") -> None:
    """Makes the layout known, so that a scene that was saved in it can be shown; nothing where there is no layout."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None or layout.IsLayoutDescription(LAYOUT_ID):
        return
    layout.AddLayoutDescription(LAYOUT_ID, layout_description())
    if layout.GetViewArrangement() == LAYOUT_ID:  # asked for by a loaded scene before it was known
        layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        layout.SetViewArrangement(LAYOUT_ID)


def own_views(scene: "slicer.vtkMRMLScene") -> "list[slicer.vtkMRMLSliceNode]":
    """The views of the layout that there are."""
    return [view for view in (slice_view(scene, name) for name in VIEWS) if view is not None]


def fill(
    like: "slicer.vtkMRMLSliceNode",
    volume: "slicer.vtkMRMLScalarVolumeNode",
    overlays: "Mapping[str, slicer.vtkMRMLScalarVolumeNode]",
    opacity: float,
) -> "list[slicer.vtkMRMLSliceNode]":
    """Gives every view its map, the plane of another view, and a link to the others.

    Plane and zoom are taken over once for each plane: what the user does in these views stays until then.

    Args:
        like: The view whose plane is taken over.
        volume: The scan.
        overlays: The maps by key.
        opacity: Of the maps, 0 to 1.

    Returns:
        The views that exist.
    """
    filled = []
    for view in own_views(volume.GetScene()):
        overlay = overlays.get(VIEWS[view.GetSingletonTag()])
        if overlay is None:
            continue
        composite = composite_of(view)
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetForegroundVolumeID(overlay.GetID())
        composite.SetForegroundOpacity(drawn_opacity(overlay, opacity))
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)
        filled.append(view)
        if view.GetAttribute(_PLANE) != _text_of_plane(like):
            place(view, like)
    return filled


def place(view: "slicer.vtkMRMLSliceNode", like: "slicer.vtkMRMLSliceNode") -> None:
    """Turns a view onto the plane of another one and takes over its zoom; the view keeps its own shape on the screen.

    Args:
        view: Is turned.
        like: Gives plane and zoom.
    """
    # One event for all changes: an observer that saw only some would take the old plane for one that the user scrolled to.
    with slicer.util.NodeModify(view):
        view.SetAttribute(_PLANE, _text_of_plane(like))
        view.SetAttribute(_SHAPE, _text_of_shape(view))
        view.GetSliceToRAS().DeepCopy(like.GetSliceToRAS())
        width, height, _ = view.GetDimensions()
        field = like.GetFieldOfView()
        view.SetFieldOfView(field[1] * width / max(height, 1), field[1], field[2])
        view.UpdateMatrices()


def place_again(like: "slicer.vtkMRMLSliceNode") -> None:
    """Places the views whose plane or shape somebody else has changed since they were placed.

    Slicer's slice controllers set the offset of a new view to 0, outside of most volumes, as soon as the event loop
    runs, and the layout gives it its shape only then.
    """
    for view in own_views(like.GetScene()):
        is_where_it_was = _text_of_plane(view) == _text_of_plane(like)
        if not is_where_it_was or view.GetAttribute(_SHAPE) != _text_of_shape(view):
            place(view, like)


def follow(like: "slicer.vtkMRMLSliceNode") -> bool:
    """Takes a view's plane over for the explained view, where the user has scrolled one; returns whether one was."""
    for view in own_views(like.GetScene()):
        if view.GetAttribute(_PLANE) not in (None, _text_of_plane(view)):
            like.GetSliceToRAS().DeepCopy(view.GetSliceToRAS())
            like.UpdateMatrices()
            text = _text_of_plane(view)
            for other in own_views(like.GetScene()):
                other.SetAttribute(_PLANE, text)  # zoom and shape stay the user's
                if _text_of_plane(other) != text:
                    other.GetSliceToRAS().DeepCopy(view.GetSliceToRAS())
                    other.UpdateMatrices()
            return True
    return False


def forget_places(scene: "slicer.vtkMRMLScene") -> None:
    """Whatever was placed is placed anew."""
    for view in own_views(scene):
        view.RemoveAttribute(_PLANE)


def _text_of_plane(view: "slicer.vtkMRMLSliceNode") -> str:
    return json.dumps([round(value, 4) + 0.0 for value in array_of(view.GetSliceToRAS()).ravel().tolist()])


def _text_of_shape(view: "slicer.vtkMRMLSliceNode") -> str:
    return "{} {}".format(*view.GetDimensions()[:2])
