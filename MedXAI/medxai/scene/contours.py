"""The outline of a mask in the contour check's kinds, as models that slice views draw as lines.

A model node for each kind: a ribbon that stands on the slice, as high as the slice is thick. Where a slice view cuts it, one
sees the line, and only on this slice. Slicer has no dashed lines for models, so the ribbon itself is cut into dashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from ..contour.how_tested import how_tested
from ..contour.look import LOOKS, Look
from ..contour.result import ContourCheck, ContourKind
from ..provenance import provenance_of
from ..results import SliceExplanation
from .overlays import describe
from .results import put_into_folder

#: Millimetres in the patient for each point of a dash on paper.
_DASH_MM = 0.8


def show_contour(
    result: SliceExplanation, volume_node: slicer.vtkMRMLScalarVolumeNode, folder_item: int | None = None
) -> Mapping[ContourKind, slicer.vtkMRMLModelNode]:
    """Adds a model for each kind of outline that there is to the volume's scene.

    Args:
        result: Its `contour` is shown.
        volume_node: Where the result came from; the models lie under its transform.
        folder_item: A folder of the subject hierarchy that takes them; None for none.

    Returns:
        The nodes by kind. Their names are the legend: kind, line and share of the outline.
    """
    scene, check = volume_node.GetScene(), result.contour
    nodes = {}
    for kind, look in LOOKS.items():
        ribbon = _ribbon(check, kind, look, result.prepared.image.pixel_to_ras_mm[:3, 2] / 2)
        if ribbon.GetNumberOfCells() == 0:
            continue
        title = f"outline: {look.title}, {_line_name(look)}, {check.share[kind]:.0%}"
        node = scene.AddNewNodeByClass("vtkMRMLModelNode", f"{volume_node.GetName()} · MedXAI {title}")
        node.SetAndObservePolyData(ribbon)
        node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
        node.CreateDefaultDisplayNodes()
        _style(node.GetDisplayNode(), look)
        details = {"ContourKind": str(kind), "ContourSentence": look.sentence, "HowTested": how_tested(result.model)}
        describe(node, {**provenance_of(result), **details})
        node.AddNodeReferenceID("MedXAI.source", volume_node.GetID())
        if folder_item is not None:
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
            put_into_folder(hierarchy, folder_item, node)
        nodes[kind] = node
    return nodes


def _style(display: slicer.vtkMRMLModelDisplayNode, look: Look) -> None:
    red, green, blue = (int(look.colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    display.SetColor(red, green, blue)
    display.SetVisibility2D(True)
    display.SetSliceIntersectionThickness(max(round(look.width), 1))
    display.SetBackfaceCulling(False)
    display.SetLighting(False)


def _line_name(look: Look) -> str:
    if not look.dash:
        return "thin whole line"
    return "dashed line" if look.dash[0] > look.dash[1] else "thick dotted line"


def _ribbon(check: ContourCheck, kind: ContourKind, look: Look, half_thickness_mm: np.ndarray) -> vtk.vtkPolyData:
    """Quadrilaterals that stand on the pieces of a kind's stretches, in the patient's frame."""
    points, polygons = vtk.vtkPoints(), vtk.vtkCellArray()
    corners: list[np.ndarray] = []
    for one in check.stretches():
        if one.kind != kind:
            continue
        indexes = np.append(one.indexes, one.indexes[0]) if one.is_closed else one.indexes
        for piece in _dashes(check.points_ras_mm[indexes], look):
            first = len(corners)
            corners += [corner for place in piece for corner in (place - half_thickness_mm, place + half_thickness_mm)]
            for n in range(first, first + 2 * (len(piece) - 1), 2):
                polygons.InsertNextCell(4)
                for corner in (n, n + 1, n + 3, n + 2):
                    polygons.InsertCellPoint(corner)
    if corners:
        points.SetData(numpy_to_vtk(np.array(corners), deep=True))
    ribbon = vtk.vtkPolyData()
    ribbon.SetPoints(points)
    ribbon.SetPolys(polygons)
    return ribbon


def _dashes(places_mm: np.ndarray, look: Look) -> Iterator[np.ndarray]:
    """A line (n, 3) cut into dashes; as it is where the kind's line is whole."""
    if not look.dash:
        yield places_mm
        return
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places_mm, axis=0), axis=1))])
    dash, gap = (length * _DASH_MM for length in look.dash)
    for start in np.arange(0.0, at[-1], dash + gap):
        end = min(start + dash, at[-1])
        inner = at[(at > start) & (at < end)]
        along = np.concatenate([[start], inner, [end]])
        yield np.stack([np.interp(along, at, places_mm[:, axis]) for axis in range(3)], axis=1)
