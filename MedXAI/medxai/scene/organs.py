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
from ..organ_codes import UNNAMED, Organ, organ_called, organ_named
from ..organs_on_slice import FIGURES, OrganBox, OrganExplanation, figures_of_organ
from ..progress import RunControl
from ..provenance import organs_provenance_of, provenance_of
from . import views
from .explaining import NodeRequest, request_of_nodes
from .legends import add_legend
from .overlays import segmentation_name
from .regions import box_of_roi, roi_of_box
from .results import add_folder, add_overlays, attach
from .segmentations import add_segment, empty_segmentation, mask_labelmap


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
    if organs is not None and len(organs) != len(roi_nodes):
        raise InputError(
            f"There are {len(roi_nodes)} regions and {len(organs)} organs; give an organ or None for each region."
        )
    named = [_organ_of(node, name) for node, name in zip(roi_nodes, organs or [None] * len(roi_nodes), strict=True)]
    request, slice_node = request_of_nodes(asked)
    boxes = [
        OrganBox(box_of_roi(node, asked.volume_node, request.image), organ)
        for node, organ in zip(roi_nodes, named, strict=True)
    ]
    found = engine.explain_organs(request, boxes, control)
    return show_organs(found, asked.volume_node, roi_nodes, slice_node)


def _organ_of(roi_node: slicer.vtkMRMLMarkupsROINode | None, name: str | None) -> Organ:
    """The organ that was named, or that the ROI is called after, or one without codes that is called like the ROI."""
    if name is not None:
        return organ_named(name)
    called = roi_node.GetName() if roi_node is not None else ""
    organ = organ_called(called)
    return organ if organ is not UNNAMED else replace(UNNAMED, name=called or UNNAMED.name)


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
        for one in organs:
            mask = mask_labelmap(image, one.explanation.segmentation.mask)
            add_segment(segmentation_node, one.organ.name, mask, one.organ)
        attach(segmentation_node, organs_provenance_of(organs), volume_node)
        regions = dict(zip((one.organ.name for one in organs), roi_nodes or _regions(organs, volume_node), strict=True))
        table_node = _table(organs, volume_node)
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


def _table(organs: Sequence[OrganExplanation], volume_node: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLTableNode:
    """The figures as text, a row an organ; the limits are its description and an attribute."""
    node = volume_node.GetScene().AddNewNodeByClass(
        "vtkMRMLTableNode", f"{volume_node.GetName()} · MedXAI figures of {len(organs)} organs"
    )
    rows = [figures_of_organ(one) for one in organs]
    for figure in FIGURES:
        column = vtk.vtkStringArray()
        column.SetName(figure.title)
        for row in rows:
            column.InsertNextValue(figure.text(row[figure.key]))
        node.AddColumn(column)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetDescription(LIMITS_STATEMENT)
    attach(node, organs_provenance_of(organs), volume_node)
    return node
