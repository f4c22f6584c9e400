"""An organ through the slices in the scene: what `MedXAILogic.explainVolume` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import slicer
import vtk

from ..display_range import DisplayRange, display_range
from ..engine import Engine
from ..errors import InputError
from ..explainers.registry import map_info
from ..maps import MEDXAI, MapId
from ..organ_codes import UNNAMED, Organ
from ..progress import RunControl
from ..provenance import followed_organs_provenance_of, map_attributes, volume_provenance_of
from ..slice.slice_image import OneSliceVolume
from ..through_slices.request import VolumeRequest
from ..through_slices.several import FollowedOrgan, followed_organs
from ..through_slices.volume_result import OnSlice, VolumeResult
from ..volume.volume import PLANE_AXES
from . import views
from .colour_maps import colour_node_of
from .explaining import NodeRequest, request_of_nodes
from .legends import add_legend
from .nodes import nodes_of_class
from .organs import organs_of_rois
from .overlays import add_overlay_image, describe, image_of, node_name, style_overlay
from .regions import box_of_roi, organ_of_roi, slices_of_roi
from .results import add_folder, attach
from .segmentations import add_segment, add_segmentation_of, empty_segmentation, placed_labelmap
from .working_result import REGION_REFERENCE, SOURCE_REFERENCE, remove_with_empty_folders

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

    @classmethod
    def of_plain_values(
        cls,
        nodes: NodeRequest,
        slices: tuple[int, int] | Literal["roi"] | None = None,
        maps: Sequence[str] | None = None,
    ) -> VolumeNodeRequest:
        """The same with MedXAI's own maps by their names, such as 'stage3'."""
        return cls(nodes, slices, tuple(MapId(MEDXAI, name) for name in maps) if maps else None)


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


@dataclass(frozen=True)
class SceneOrganVolumesResult:
    """The nodes that several organs through the slices left in the scene.

    Attributes:
        organs: Each with its name, its label and its result.
        overlays: By the organ's name, and the map's identity; on the source's grid.
        segmentation_node: With a segment for each organ.
        marks_node: A point on each slice with an alarm; None where there was none.
        folder_item: The subject hierarchy item that holds them.
    """

    organs: tuple[FollowedOrgan, ...]
    overlays: Mapping[str, Mapping[MapId, slicer.vtkMRMLScalarVolumeNode]]
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
    organ = organ_of_roi(roi_node) if roi_node is not None else UNNAMED
    return show_volume_result(placed_volumes(result), asked.nodes.volume_node, asked.nodes.slice_node, organ)


def explain_organ_volume_nodes(
    engine: Engine,
    asked: VolumeNodeRequest,
    roi_nodes: Sequence[slicer.vtkMRMLMarkupsROINode],
    organs: Sequence[str | None] | None = None,
    control: RunControl = RunControl(),
) -> SceneOrganVolumesResult:
    """Follows what several ROIs enclose on the view's slice through the slices; each slice is encoded once for all.

    Args:
        engine: Explains.
        asked: The scan and the choices; its own ROI is not looked at. 'roi' as slices: each organ has its ROI's range.
        roi_nodes: One for each organ.
        organs: As for `explain_organ_nodes`.
        control: Hears of the slices, and stops the work.

    Raises:
        MedXAIError: What `Engine.explain_organ_volumes` raises; the scene is then as it was.
    """
    named = organs_of_rois(roi_nodes, organs)
    if not roi_nodes:
        raise InputError("There is no region; give one for each organ.")
    first = volume_request_of(replace(asked, nodes=replace(asked.nodes, roi_node=roi_nodes[0])))
    requests = [first]
    for roi_node in roi_nodes[1:]:
        one = volume_request_of(replace(asked, nodes=replace(asked.nodes, roi_node=roi_node)))
        requests.append(replace(one, on_slice=first.on_slice))
    results = engine.explain_organ_volumes(requests, control)
    return show_followed_organs(followed_organs(named, results), asked.nodes.volume_node, asked.nodes.slice_node)


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
    shared, title = volume_provenance_of(result), f"{volume_node.GetName()} · MedXAI through the slices"
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = _add_maps(placed, volume_node)
        segmentation_node = add_segmentation_of(volume_node, title, organ.name, placed.mask)
        marks_node = _mark_alarms([("", result)], volume_node)
        for node in filter(None, (segmentation_node, marks_node)):
            attach(node, shared, volume_node)
        nodes = [*overlays.values(), segmentation_node, *([marks_node] if marks_node else [])]
        folder = add_folder(scene, title, nodes)
    finally:
        scene.EndState(scene.BatchProcessState)
    _show_first(overlays, result, volume_node, slice_node)
    return SceneVolumeResult(result, overlays, segmentation_node, marks_node, folder)


def show_followed_organs(
    organs: Sequence[FollowedOrgan],
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode | None = None,
) -> SceneOrganVolumesResult:
    """Adds the nodes of several organs to the volume's scene and shows the first one's first map over the volume.

    Args:
        organs: What was followed.
        volume_node: Where it came from; only read.
        slice_node: As for `show_volume_result`.
    """
    scene, first = volume_node.GetScene(), organs[0].result
    title = f"{volume_node.GetName()} · MedXAI organs through the slices"
    shared = followed_organs_provenance_of(organs)
    placed = [placed_volumes(one.result) for one in organs]
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = {
            one.organ.name: _add_maps(volumes, volume_node, one.organ.name if len(organs) > 1 else "")
            for one, volumes in zip(organs, placed, strict=True)
        }
        segmentation_node = empty_segmentation(volume_node, title)
        for one, volumes in zip(organs, placed, strict=True):
            add_segment(segmentation_node, one.organ.name, volumes.mask, one.organ)
        marks_node = _mark_alarms([(one.organ.name, one.result) for one in organs], volume_node)
        for node in filter(None, (segmentation_node, marks_node)):
            attach(node, shared, volume_node)
        maps = [node for nodes in overlays.values() for node in nodes.values()]
        folder = add_folder(scene, title, [*maps, segmentation_node, *([marks_node] if marks_node else [])])
    finally:
        scene.EndState(scene.BatchProcessState)
    _show_first(overlays[organs[0].organ.name], first, volume_node, slice_node)
    return SceneOrganVolumesResult(tuple(organs), overlays, segmentation_node, marks_node, folder)


def _add_maps(
    placed: PlacedVolumes, volume_node: slicer.vtkMRMLScalarVolumeNode, organ: str = ""
) -> dict[MapId, slicer.vtkMRMLScalarVolumeNode]:
    """A volume node a map; organ: its name at the end of the nodes' names where there are several."""
    overlays, shared = {}, volume_provenance_of(placed.result)
    matrix, colours = placed.result.request.on_slice.volume.ijk_to_ras_mm, colour_node_of(volume_node.GetScene())
    for map_id, (image, shown) in placed.maps.items():
        info = map_info(map_id.key)
        name = " · ".join([node_name(volume_node, info, map_id), "through the slices", *([organ] if organ else [])])
        node = add_overlay_image(volume_node, name, image, matrix)
        describe(node, {**shared, **map_attributes(info, map_id)})
        style_overlay(node, shown, colours)
        overlays[map_id] = node
    return overlays


def _show_first(
    overlays: Mapping[MapId, slicer.vtkMRMLScalarVolumeNode],
    result: VolumeResult,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode | None,
) -> None:
    view = views.VIEW_OF_PLANE[result.request.on_slice.image.plane]
    slice_node = slice_node or views.slice_view(volume_node.GetScene(), view)
    if slice_node is not None and overlays:
        first = next(iter(overlays))
        views.show_overlay(slice_node, volume_node, overlays[first])
        add_legend(overlays[first], map_info(first.key))


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
    if roi_node is None:
        nodes = [node for node in _marked(scene) if node.GetNodeReference(SOURCE_REFERENCE) is None]
    else:
        nodes = list(find_followed(scene, roi_node).values())
    remove_with_empty_folders(scene, nodes)


def release_followed(scene: slicer.vtkMRMLScene, roi_node: slicer.vtkMRMLMarkupsROINode) -> None:
    """Leaves the marked nodes of a region in the scene for good."""
    for node in find_followed(scene, roi_node).values():
        node.RemoveAttribute(_FOLLOWED)
        node.SetName(f"{node.GetName()} · kept")


def _mark_alarms(
    results: Sequence[tuple[str, VolumeResult]], volume_node: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLMarkupsFiducialNode | None:
    """A point on each slice with an alarm, in the middle of its box; its label says the slice, its description why.

    Args:
        results: Each with its organ's name, '' where there is one only.
        volume_node: Where they came from.
    """
    if not any(result.alarms for _, result in results):
        return None
    scene = volume_node.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{volume_node.GetName()} · MedXAI alarms")
    node.CreateDefaultDisplayNodes()
    node.SetAndObserveTransformNodeID(volume_node.GetTransformNodeID())
    for organ, result in results:
        for stop in result.alarms:
            number = node.AddControlPoint(*place_on_slice(result, stop.index), f"▲ alarm, slice {stop.index}")
            if organ:
                node.SetNthControlPointLabel(number, f"▲ {organ}: alarm, slice {stop.index}")
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
