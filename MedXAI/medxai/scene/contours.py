"""The outline of a mask in the contour check's kinds, as models that slice views draw as lines.

A model node for each kind: a ribbon that stands on the slice, as high as the slice is thick. Where a slice view cuts it, one
sees the line, and only on this slice. Slicer has no dashed lines for models, so the ribbon itself is cut into dashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from ..contour.how_tested import how_tested
from ..contour.lines import LinePieces, lines_of_kind
from ..contour.look import LOOKS, Look
from ..contour.result import ContourKind
from ..provenance import provenance_of
from ..results import SliceExplanation
from .colour_maps import KINDS, colour_node_of
from .overlays import describe, give_name
from .results import put_into_folder

#: Says which kind of outline a model holds.
KIND_ATTRIBUTE = "MedXAI.ContourKind"
#: Millimetres in the patient for each point of a dash on paper: gaps stay open where a view shows a whole abdomen.
_DASH_MM = 1.4

ContourNodes = Mapping[ContourKind, "slicer.vtkMRMLModelNode"]
"""The models of an outline, by kind."""


def show_contour(
    result: SliceExplanation, volume_node: slicer.vtkMRMLScalarVolumeNode, folder_item: int | None = None
) -> ContourNodes:
    """Adds a model for each kind of outline that there is to the volume's scene.

    Args:
        result: Its `contour` is shown.
        volume_node: Where the result came from; the models lie under its transform.
        folder_item: A folder of the subject hierarchy that takes them; None for none.

    Returns:
        The nodes by kind. Their names are the legend: kind, line and share of the outline.
    """
    kinds = [kind for kind in LOOKS if len(lines_of_kind(result.contour, kind, None))]
    nodes = {kind: add_contour_node(volume_node, kind, folder_item) for kind in kinds}
    write_contour_nodes(nodes, result, volume_node)
    return nodes


def add_contour_node(
    volume_node: slicer.vtkMRMLScalarVolumeNode, kind: ContourKind, folder_item: int | None = None
) -> slicer.vtkMRMLModelNode:
    """An empty model for a kind of outline, in its look.

    Args:
        volume_node: The explained scan.
        kind: Of outline.
        folder_item: As `show_contour` takes it.
    """
    scene, look = volume_node.GetScene(), LOOKS[kind]
    node = scene.AddNewNodeByClass("vtkMRMLModelNode", f"{volume_node.GetName()} · MedXAI outline: {look.title}")
    node.CreateDefaultDisplayNodes()
    _style(node.GetDisplayNode(), look)
    node.GetDisplayNode().SetAndObserveColorNodeID(colour_node_of(scene, KINDS).GetID())  # for the legend only
    node.SetAttribute(KIND_ATTRIBUTE, str(kind))
    node.AddNodeReferenceID("MedXAI.source", volume_node.GetID())
    if folder_item is not None:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        put_into_folder(hierarchy, folder_item, node)
    return node


def write_contour_nodes(
    nodes: ContourNodes, result: SliceExplanation, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> None:
    """Writes a result's outline into its models; one whose kind there is none of becomes empty.

    Args:
        nodes: The models.
        result: Its `contour` is written.
        volume_node: The explained scan.
    """
    first_pixel_mm = result.prepared.image.pixel_to_ras_mm[:3, 3]
    half_thickness_mm = result.prepared.image.pixel_to_ras_mm[:3, 2] / 2
    shared = {**provenance_of(result), "HowTested": how_tested(result.model)}
    for kind, node in nodes.items():
        look = LOOKS[kind]
        dash = (look.dash[0] * _DASH_MM, look.dash[1] * _DASH_MM) if look.dash else None
        ribbon = _ribbon(lines_of_kind(result.contour, kind, dash), half_thickness_mm)
        if not ribbon.GetNumberOfPoints():  # Slicer cannot read a model without points back; one point draws nothing
            ribbon.GetPoints().InsertNextPoint(first_pixel_mm)
        title = f"outline: {look.title}, {_line_name(look)}, {result.contour.share[kind]:.0%}"
        with slicer.util.NodeModify(node):
            node.SetAndObservePolyData(ribbon)
            node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
            describe(node, {**shared, "ContourSentence": look.sentence})
            give_name(node, f"{volume_node.GetName()} · MedXAI {title}{' · preview' if result.is_preview else ''}")


def set_contour_visible(nodes: Iterable[slicer.vtkMRMLModelNode], is_visible: bool) -> None:
    """Draws models of an outline in the slice views, or not."""
    for node in nodes:
        display = node.GetDisplayNode()
        if display is not None and bool(display.GetVisibility()) != is_visible:
            display.SetVisibility(is_visible)


def _style(display: slicer.vtkMRMLModelDisplayNode, look: Look) -> None:
    display.SetColor(*look.rgb)
    display.SetVisibility2D(True)
    display.SetSliceIntersectionThickness(max(round(look.width), 1))
    display.SetBackfaceCulling(False)
    display.SetLighting(False)


def _line_name(look: Look) -> str:
    if not look.dash:
        return "thin whole line"
    return "dashed line" if look.dash[0] > look.dash[1] else "thick dotted line"


def _ribbon(pieces: LinePieces, half_thickness_mm: np.ndarray) -> vtk.vtkPolyData:
    """Quadrilaterals that stand on pieces of line, in the patient's frame; within a dash they share their edges."""
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    if len(pieces):
        both = np.stack([pieces.start_ras_mm, pieces.end_ras_mm], axis=1)
        is_new = np.stack([~pieces.goes_on, np.ones(len(pieces), bool)], axis=1)
        places = both[is_new]
        # A piece that goes on begins at the place before its end, as all others do.
        end = np.cumsum(is_new.sum(axis=1)) - 1
        corners = np.stack([places - half_thickness_mm, places + half_thickness_mm], axis=1).reshape(-1, 3)
        points.SetData(numpy_to_vtk(corners, deep=True))
        quadrilaterals = np.stack([2 * end - 2, 2 * end - 1, 2 * end + 1, 2 * end], axis=1)
        cells.SetData(4, numpy_to_vtkIdTypeArray(quadrilaterals.ravel(), deep=True))
    ribbon = vtk.vtkPolyData()
    ribbon.SetPoints(points)
    ribbon.SetPolys(cells)
    return ribbon
