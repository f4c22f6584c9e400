"""Several organs on one slice in the scene: what `MedXAILogic.explainOrgans` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import slicer
import vtk

from ..engine import Engine
from ..errors import InputError
from ..limits import LIMITS_STATEMENT
from ..maps import STAGE3, MapId, stage_map
from ..organ_codes import UNNAMED, Organ, organ_named
from ..organs_on_slice import FIGURES, OrganBox, OrganExplanation, figures_of_organ
from ..progress import RunControl
from ..provenance import organs_provenance_of, provenance_of
from . import views
from .explaining import NodeRequest, request_of_nodes
from .legends import add_legend
from .overlays import segmentation_name
from .regions import box_of_roi, organ_of_roi, roi_of_box
from .results import add_folder, add_overlays, attach, remove_with_folder
from .segmentations import LABELMAP, add_segment, empty_segmentation, mask_labelmap


@dataclass(frozen=True)
class SceneOrgansResult:
    """The nodes that several organs left in the scene.

    Attributes:
        organs: Each with its name, its label and its explanation.
        overlays: By the organ's name, and the map's identity.
        segmentation_node: With a segment for each organ.
        roi_nodes: The ROIs of the boxes, by the organ's name.
        table_node: The figures of all organs, a row each.
        folder_item: The subject hierarchy item that holds them all.
    """

    organs: tuple[OrganExplanation, ...]
    overlays: Mapping[str, Mapping[MapId, slicer.vtkMRMLScalarVolumeNode]]
    segmentation_node: slicer.vtkMRMLSegmentationNode
    roi_nodes: Mapping[str, slicer.vtkMRMLMarkupsROINode]
    table_node: slicer.vtkMRMLTableNode
    folder_item: int

    def stage_node(self, organ: str, stage: int, layer: str | None = None) -> slicer.vtkMRMLScalarVolumeNode:
        """The overlay of an organ's stage.

        Args:
            organ: Its name.
            stage: 1, 2 or 3.
            layer: None for the layer that the scene shows.

        Raises:
            KeyError: Where the scene has no such overlay.
        """
        layer = layer or self.organs[0].explanation.shown_layer
        return self.overlays[organ][stage_map(stage, layer)]


def explain_organ_nodes(
    engine: Engine,
    asked: NodeRequest,
    roi_nodes: Sequence[slicer.vtkMRMLMarkupsROINode],
    organs: Sequence[str | None] | None = None,
    control: RunControl = RunControl(),
) -> SceneOrgansResult:
    """Explains what several ROIs enclose on the slice that the view shows, which is encoded once.

    Args:
        engine: Explains.
        asked: The scan and the choices; its own ROI is not looked at.
        roi_nodes: One for each organ.
        organs: For each ROI the organ's name in `medxai.organ_codes.ORGANS`, or None; without the whole list an ROI
            that is called like an organ is taken for it.
        control: Hears of the progress, and stops the work.

    Raises:
        InputError: Where the nodes cannot be used; the scene is then as it was, as after all errors of `explain_nodes`.
    """
    named = organs_of_rois(roi_nodes, organs)
    request, slice_node = request_of_nodes(asked)
    boxes = [
        OrganBox(box_of_roi(node, asked.volume_node, request.image), organ)
        for node, organ in zip(roi_nodes, named, strict=True)
    ]
    found = engine.explain_organs(request, boxes, control)
    return show_organs(found, asked.volume_node, roi_nodes, slice_node)


def organs_of_rois(
    roi_nodes: Sequence[slicer.vtkMRMLMarkupsROINode], organs: Sequence[str | None] | None
) -> list[Organ]:
    """The organ of each ROI: the one that was named for it, or that of the ROI, or one that is called like it.

    Raises:
        InputError: There is another number of names, or one is not known.
    """
    if organs is not None and len(organs) != len(roi_nodes):
        raise InputError(
            f"There are {len(roi_nodes)} regions and {len(organs)} organs; give an organ or None for each region."
        )
    return [_organ_of(node, name) for node, name in zip(roi_nodes, organs or [None] * len(roi_nodes), strict=True)]


def _organ_of(roi_node: slicer.vtkMRMLMarkupsROINode | None, name: str | None) -> Organ:
    """The organ that was named, or that of the ROI."""
    return organ_named(name) if name is not None or roi_node is None else called_organ(roi_node)


def called_organ(roi_node: slicer.vtkMRMLMarkupsROINode) -> Organ:
    """The organ of an ROI, or one without codes that is called like the ROI."""
    organ = organ_of_roi(roi_node)
    return organ if organ is not UNNAMED else replace(UNNAMED, name=roi_node.GetName() or UNNAMED.name)


def show_organs(
    organs: Sequence[OrganExplanation],
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    roi_nodes: Sequence[slicer.vtkMRMLMarkupsROINode] | None = None,
    slice_node: slicer.vtkMRMLSliceNode | None = None,
) -> SceneOrgansResult:
    """Adds the nodes of several organs to the volume's scene and shows the first one's stage 3 in the slice's view.

    Args:
        organs: On one slice.
        volume_node: Where it came from.
        roi_nodes: The ROIs that the boxes came from, in the organs' order; None: new ones are made.
        slice_node: The view that shows it; None: the view that by Slicer's habit shows the plane, if there is one.
    """
    scene, image = volume_node.GetScene(), organs[0].explanation.prepared.image
    title = f"MedXAI · {image.volume_name} · {image.where} · {', '.join(one.organ.name for one in organs)}"
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = {one.organ.name: add_overlays(one.explanation, volume_node, organ=one.organ.name) for one in organs}
        segmentation_node = empty_segmentation(volume_node, segmentation_name(volume_node))
        write_segments(segmentation_node, organs)
        attach(segmentation_node, organs_provenance_of(organs), volume_node)
        regions = dict(zip((one.organ.name for one in organs), roi_nodes or _regions(organs, volume_node), strict=True))
        table_node = scene.AddNewNodeByClass("vtkMRMLTableNode")
        write_table(table_node, organs, volume_node)
        attach(table_node, organs_provenance_of(organs), volume_node)
        maps = [node for nodes in overlays.values() for node in nodes.values()]
        folder = add_folder(scene, title, [*maps, segmentation_node, table_node, *regions.values()])
    finally:
        scene.EndState(scene.BatchProcessState)
    done = SceneOrgansResult(tuple(organs), overlays, segmentation_node, regions, table_node, folder)
    slice_node = slice_node or views.slice_view(scene, views.VIEW_OF_PLANE[image.plane])
    if slice_node is not None:
        first = organs[0].organ.name
        views.show_overlay(slice_node, volume_node, done.stage_node(first, 3))
        add_legend(done.stage_node(first, 3), replace(STAGE3, title=f"{STAGE3.title}, {first}"))
    return done


def _regions(
    organs: Sequence[OrganExplanation], volume_node: slicer.vtkMRMLScalarVolumeNode
) -> list[slicer.vtkMRMLMarkupsROINode]:
    """A new ROI for each organ's box, called like the organ."""
    scene, nodes = volume_node.GetScene(), []
    for one in organs:
        result = one.explanation
        nodes.append(roi_of_box(scene, one.organ.name, result.box.box, result.prepared.image, volume_node))
        attach(nodes[-1], provenance_of(result), volume_node)
    return nodes


def write_segments(node: slicer.vtkMRMLSegmentationNode, organs: Sequence[OrganExplanation]) -> None:
    """Gives a segmentation a segment for each organ. Segments of the same organs are kept, with what a user chose of their look.

    Args:
        node: See `empty_segmentation`.
        organs: On one slice.
    """
    segmentation = node.GetSegmentation()
    held = [segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments())]
    if [segment.GetName() for segment in held] != [one.organ.name for one in organs]:
        segmentation.RemoveAllSegments()
        held = []
    for number, one in enumerate(organs):
        mask = mask_labelmap(one.explanation.prepared.image, one.explanation.segmentation.mask)
        if held:
            # Segments of a loaded scene share one labelmap, each with a number of its own.
            held[number].SetLabelValue(1)
            held[number].AddRepresentation(LABELMAP, mask)
            held[number].Modified()
        else:
            add_segment(node, one.organ.name, mask, one.organ)


def write_table(
    node: slicer.vtkMRMLTableNode,
    organs: Sequence[OrganExplanation],
    volume_node: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """Writes the figures as text, a row an organ, in the place of what the table holds; its description is the limits.

    Args:
        node: The table.
        organs: On one slice.
        volume_node: The scan.
    """
    node.SetName(f"{volume_node.GetName()} · MedXAI figures of {len(organs)} organs")
    node.RemoveAllColumns()
    rows = [figures_of_organ(one) for one in organs]
    for figure in FIGURES:
        column = vtk.vtkStringArray()
        column.SetName(figure.title)
        for row in rows:
            column.InsertNextValue(figure.text(row[figure.key]))
        node.AddColumn(column)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetDescription(LIMITS_STATEMENT)


def remove_organs(done: SceneOrgansResult) -> None:
    """Takes what `show_organs` added out of the scene: maps, segmentation and table; the regions stay with the user."""
    scene = done.segmentation_node.GetScene()
    if scene is None:
        return
    maps = [node for nodes in done.overlays.values() for node in nodes.values()]
    remove_with_folder(scene, [*maps, done.segmentation_node, done.table_node], done.folder_item)
