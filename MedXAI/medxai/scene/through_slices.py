"""An organ through the slices in the scene: what `MedXAILogic.explainVolume` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import slicer
import vtk

from ..display_range import DisplayRange, display_range
from ..engine import Engine
from ..errors import InputError
from ..explainers.registry import map_info
from ..maps import MapId
from ..organ_codes import UNNAMED, Organ, organ_called
from ..progress import RunControl
from ..provenance import map_attributes, volume_provenance_of
from ..slice.slice_image import OneSliceVolume
from ..through_slices.request import VolumeRequest
from ..through_slices.volume_result import OnSlice, VolumeResult
from ..volume.volume import PLANE_AXES
from . import views
from .colour_maps import colour_node_of
from .explaining import NodeRequest, request_of_nodes
from .legends import add_legend
from .nodes import nodes_of_class
from .overlays import add_overlay_image, describe, image_of, node_name, style_overlay
from .regions import box_of_roi, slices_of_roi
from .results import add_folder, attach
from .segmentations import add_segmentation_of, placed_labelmap
from .working_result import REGION_REFERENCE, SOURCE_REFERENCE, remove_with_displays

#: Says which of a followed organ's maps a node holds; only nodes with it are ever replaced.
_FOLLOWED = "MedXAI.Followed"
_SEGMENTATION, _ALARMS = "segmentation", "alarms"


@dataclass(frozen=True)
class VolumeNodeRequest:
    """What is followed in a scene, and how.

    Attributes:
        nodes: The scan, the ROI on the view's slice, and the choices.
        slices: First and last slice, inclusive; 'roi': those that the ROI reaches; None: as far as the organ goes.
        maps: Which maps become volumes; None for stage 3.
    """

    nodes: NodeRequest
    slices: tuple[int, int] | Literal["roi"] | None = None
    maps: tuple[MapId, ...] | None = None


@dataclass(frozen=True)
class SceneVolumeResult:
    """The nodes that an organ through the slices left in the scene.

    Attributes:
        result: Mask, maps and a record of every slice.
        overlays: One volume node a map, on the source's grid.
        segmentation_node: With one segment, the organ.
        marks_node: A point on each slice with an alarm, which says why; None where there was none.
        folder_item: The subject hierarchy item that holds them.
    """

    result: VolumeResult
    overlays: Mapping[MapId, slicer.vtkMRMLScalarVolumeNode]
    segmentation_node: slicer.vtkMRMLSegmentationNode
    marks_node: slicer.vtkMRMLMarkupsFiducialNode | None
    folder_item: int


def volume_request_of(asked: VolumeNodeRequest) -> VolumeRequest:
    """What the engine is asked for nodes of the scene; the scene stays as it is.

    Raises:
        InputError: Where the nodes cannot be used, or the view is oblique to the voxels.
    """
    nodes = asked.nodes
    on_slice, _view = request_of_nodes(nodes)
    image = on_slice.image
    if image.index is None:
        raise InputError(
            "The view is oblique to the volume, so there are no slices to go through; rotate it to the volume plane."
        )
    box = box_of_roi(nodes.roi_node, nodes.volume_node, image).box
    first, last = (None, None) if asked.slices is None else (-1, -1)
    if asked.slices == "roi":
        first, last = slices_of_roi(nodes.roi_node, nodes.volume_node, image)
    elif asked.slices is not None:
        first, last = (int(index) for index in asked.slices)
    return VolumeRequest(on_slice, box, first, last, maps=asked.maps)


def explain_volume_nodes(
    engine: Engine,
    asked: VolumeNodeRequest,
    control: RunControl = RunControl(),
    on_slice: OnSlice | None = None,
) -> SceneVolumeResult:
    """Follows what the ROI encloses through the slices, and puts one segment and one volume a map into the scene.

    A cancelled run leaves what it has, whole slices all of them.

    Args:
        engine: Explains.
        asked: Nodes and choices.
        control: Hears of the slices, and stops the work.
        on_slice: Called after each slice.

    Raises:
        MedXAIError: What `Engine.explain_volume` raises; the scene is then as it was.
    """
    result = engine.explain_volume(volume_request_of(asked), control, on_slice=on_slice)
    roi_node = asked.nodes.roi_node
    organ = organ_called(roi_node.GetName()) if roi_node is not None else UNNAMED
    return show_volume_result(placed_volumes(result), asked.nodes.volume_node, asked.nodes.slice_node, organ)


@dataclass(frozen=True, eq=False)
class PlacedVolumes:
    """What a result puts into a scene.

    Attributes:
        result: What was followed.
        maps: Each map's voxels on the volume's grid, and the range of its colours.
        mask: The same of the segment.
    """

    result: VolumeResult
    maps: Mapping[MapId, tuple[vtk.vtkImageData, DisplayRange]]
    mask: slicer.vtkOrientedImageData


def placed_volumes(result: VolumeResult) -> PlacedVolumes:
    """Makes a result's voxels; touches no scene, so it can be done in any thread, as it takes a second for large scans.

    Args:
        result: With at least one slice.
    """
    matrix = result.request.on_slice.volume.ijk_to_ras_mm
    maps = {
        map_id: (image_of(result.map_volume(map_id)), display_range(one.maps[map_id] for one in result.accepted))
        for map_id in result.map_ids
    }
    return PlacedVolumes(result, maps, placed_labelmap(OneSliceVolume(result.mask.astype(np.uint8), matrix)))


def show_volume_result(
    placed: PlacedVolumes,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode | None = None,
    organ: Organ = UNNAMED,
) -> SceneVolumeResult:
    """Adds the nodes of a result to the volume's scene and shows its first map over the volume.

    Args:
        placed: What was followed.
        volume_node: Where it came from; only read.
        slice_node: The view that shows it; None: the view that by Slicer's habit shows the plane, if there is one.
        organ: Names the segment.
    """
    result, scene = placed.result, volume_node.GetScene()
    shared, matrix = volume_provenance_of(result), result.request.on_slice.volume.ijk_to_ras_mm
    title = f"{volume_node.GetName()} · MedXAI through the slices"
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = {}
        for map_id, (image, shown) in placed.maps.items():
            info = map_info(map_id.key)
            name = f"{node_name(volume_node, info, map_id)} · through the slices"
            node = add_overlay_image(volume_node, name, image, matrix)
            describe(node, {**shared, **map_attributes(info, map_id)})
            style_overlay(node, shown, colour_node_of(scene))
            overlays[map_id] = node
        segmentation_node = add_segmentation_of(volume_node, title, organ.name, placed.mask)
        marks_node = _mark_alarms(result, volume_node) if result.alarms else None
        for node in filter(None, (segmentation_node, marks_node)):
            attach(node, shared, volume_node)
        nodes = [*overlays.values(), segmentation_node, *([marks_node] if marks_node else [])]
        folder = add_folder(scene, title, nodes)
    finally:
        scene.EndState(scene.BatchProcessState)
    slice_node = slice_node or views.slice_view(scene, views.VIEW_OF_PLANE[result.request.on_slice.image.plane])
    if slice_node is not None and overlays:
        first = next(iter(overlays))
        views.show_overlay(slice_node, volume_node, overlays[first])
        add_legend(overlays[first], map_info(first.key))
    return SceneVolumeResult(result, overlays, segmentation_node, marks_node, folder)


def mark_followed(done: SceneVolumeResult, roi_node: slicer.vtkMRMLMarkupsROINode) -> None:
    """Marks the nodes of a result, so that `find_followed` finds them again for this region."""
    for map_id, node in done.overlays.items():
        node.SetAttribute(_FOLLOWED, map_id.key)
    done.segmentation_node.SetAttribute(_FOLLOWED, _SEGMENTATION)
    if done.marks_node is not None:
        done.marks_node.SetAttribute(_FOLLOWED, _ALARMS)
    for node in nodes_of_result(done):
        node.SetNodeReferenceID(REGION_REFERENCE, roi_node.GetID())


def nodes_of_result(done: SceneVolumeResult) -> list[slicer.vtkMRMLDisplayableNode]:
    """Maps, segmentation and marks."""
    return [*done.overlays.values(), done.segmentation_node, *([done.marks_node] if done.marks_node else [])]


def find_followed(
    scene: slicer.vtkMRMLScene, roi_node: slicer.vtkMRMLMarkupsROINode
) -> dict[str, slicer.vtkMRMLDisplayableNode]:
    """The marked nodes of a region, by the key of their map or by what they are."""
    own = (node for node in _marked(scene) if node.GetNodeReferenceID(REGION_REFERENCE) == roi_node.GetID())
    return {node.GetAttribute(_FOLLOWED): node for node in own}


def _marked(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLDisplayableNode]:
    """The marked nodes of all regions."""
    classes = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLMarkupsFiducialNode")
    nodes = (node for class_name in classes for node in nodes_of_class(scene, class_name))
    return [node for node in nodes if node.GetAttribute(_FOLLOWED)]


def remove_followed(scene: slicer.vtkMRMLScene, roi_node: slicer.vtkMRMLMarkupsROINode | None) -> None:
    """Takes the marked nodes of a region, or those whose volume is gone (None), out of the scene, with their folders."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if roi_node is None:
        nodes = [node for node in _marked(scene) if node.GetNodeReference(SOURCE_REFERENCE) is None]
    else:
        nodes = list(find_followed(scene, roi_node).values())
    items = [hierarchy.GetItemByDataNode(node) for node in nodes]
    folders = {hierarchy.GetItemParent(item) for item in items if item} - {hierarchy.GetSceneItemID()}
    for node in nodes:
        remove_with_displays(node)
    for folder in folders:
        if hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder, False, False)


def release_followed(scene: slicer.vtkMRMLScene, roi_node: slicer.vtkMRMLMarkupsROINode) -> None:
    """Leaves the marked nodes of a region in the scene for good."""
    for node in find_followed(scene, roi_node).values():
        node.RemoveAttribute(_FOLLOWED)
        node.SetName(f"{node.GetName()} · kept")


def _mark_alarms(
    result: VolumeResult, volume_node: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLMarkupsFiducialNode:
    """A point on each slice with an alarm, in the middle of its box; its label says the slice, its description why."""
    scene = volume_node.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{volume_node.GetName()} · MedXAI alarms")
    node.CreateDefaultDisplayNodes()
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    for stop in result.alarms:
        place = place_on_slice(result, stop.index)
        number = node.AddControlPoint(*place, f"▲ alarm, slice {stop.index}")
        node.SetNthControlPointDescription(number, stop.sentence)
    node.SetLocked(True)
    display = node.GetDisplayNode()
    for set_colour in (display.SetColor, display.SetSelectedColor):
        set_colour(1.0, 0.42, 0.42)
    display.SetGlyphScale(2.0)
    display.SetTextScale(3.0)
    return node


def place_on_slice(result: VolumeResult, index: int) -> np.ndarray:
    """(3,): the middle of a slice's box, or of the nearest followed slice's, in the volume's own frame in mm.

    Args:
        result: With at least one slice.
        index: The slice's voxel index along the plane's axis.
    """
    nearest = min(result.slices, key=lambda one: abs(one.index - index))
    x0, y0, x1, y1 = nearest.box.xyxy
    on_slice = result.request.on_slice
    first, second, through = PLANE_AXES[on_slice.image.plane]
    ijk = np.ones(4)
    ijk[[first, second, through]] = (x0 + x1) / 2, (y0 + y1) / 2, index
    return (on_slice.volume.ijk_to_ras_mm @ ijk)[:3]
