"""An organ through the slices in the scene: what `MedXAILogic.explainVolume` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import slicer

from ..display_range import display_range
from ..engine import Engine
from ..errors import InputError
from ..maps import OWN_MAPS, MapId
from ..progress import RunControl
from ..provenance import map_attributes, volume_provenance_of
from ..slice.slice_image import OneSliceVolume
from ..through_slices.request import VolumeRequest
from ..through_slices.volume_result import OnSlice, VolumeResult
from . import views
from .colour_maps import colour_node_of
from .explaining import NodeRequest, request_of_nodes
from .legends import add_legend
from .overlays import add_overlay_volume, describe, node_name, style_overlay
from .regions import box_of_roi, slices_of_roi
from .results import add_folder, attach
from .segmentations import add_segmentation_of, placed_labelmap


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
        folder_item: The subject hierarchy item that holds them.
    """

    result: VolumeResult
    overlays: Mapping[MapId, slicer.vtkMRMLScalarVolumeNode]
    segmentation_node: slicer.vtkMRMLSegmentationNode
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
    return show_volume_result(result, asked.nodes.volume_node, asked.nodes.slice_node)


def show_volume_result(
    result: VolumeResult,
    volume_node: slicer.vtkMRMLScalarVolumeNode,
    slice_node: slicer.vtkMRMLSliceNode | None = None,
) -> SceneVolumeResult:
    """Adds the nodes of a result to the volume's scene and shows its first map over the volume.

    Args:
        result: What was followed.
        volume_node: Where it came from; only read.
        slice_node: The view that shows it; None: the view that by Slicer's habit shows the plane, if there is one.
    """
    scene, matrix = volume_node.GetScene(), result.request.on_slice.volume.ijk_to_ras_mm
    shared = volume_provenance_of(result)
    title = f"{volume_node.GetName()} · MedXAI through the slices"
    scene.StartState(scene.BatchProcessState)
    try:
        overlays = {}
        for map_id in result.map_ids:
            info = next(info for info in OWN_MAPS if info.key == map_id.key)
            name = f"{node_name(volume_node, info, map_id)} · through the slices"
            node = add_overlay_volume(volume_node, name, OneSliceVolume(result.map_volume(map_id), matrix))
            describe(node, {**shared, **map_attributes(info, map_id)})
            style_overlay(node, display_range(one.maps[map_id] for one in result.accepted), colour_node_of(scene))
            overlays[map_id] = node
        mask = placed_labelmap(OneSliceVolume(result.mask.astype(np.uint8), matrix))
        segmentation_node = add_segmentation_of(volume_node, title, "segmented organ", mask)
        attach(segmentation_node, shared, volume_node)
        folder = add_folder(scene, title, [*overlays.values(), segmentation_node])
    finally:
        scene.EndState(scene.BatchProcessState)
    slice_node = slice_node or views.slice_view(scene, views.VIEW_OF_PLANE[result.request.on_slice.image.plane])
    if slice_node is not None and overlays:
        first = next(iter(overlays))
        views.show_overlay(slice_node, volume_node, overlays[first])
        add_legend(overlays[first], next(info for info in OWN_MAPS if info.key == first.key))
    return SceneVolumeResult(result, overlays, segmentation_node, folder)
